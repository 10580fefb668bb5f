/**
 * What one plugin process did, in figures, for the benchmarks (bench/README.md): written when it ends, as one JSON file, to the folder
 * that VMPLACEMENT_COUNTERS names. Nothing of this is loaded when that is not set.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Driver } from '../core/driver.js';

export interface Figure {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

export interface CountersReport {
  readonly v: 1;
  readonly pid: number;
  /** From the start of the process until it listened. */
  readonly startWallMs: number;
  readonly startCpuMs: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  /** Time in which at least one handler or survey was at work, with all that it waited for. */
  readonly busyMs: number;
  readonly peakRssBytes: number;
  /** By the name of the call; the time of each is that of its handler, from its begin until its answer. */
  readonly calls: Readonly<Record<string, Figure>>;
  readonly surveys: Figure;
}

export interface Counters {
  /** Measures one call of a handler. */
  call<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Counts the driver's surveys from now on. */
  watch(driver: Pick<Driver, 'survey'>): void;
  /** The process is ready for calls. */
  listening(): void;
}

/** Also after a signal: they all end in `process.exit` (shutdown.ts). */
export function countersTo(folder: string): Counters {
  mkdirSync(folder, { recursive: true });
  const calls: Record<string, Figure> = {};
  let surveys = nothing;
  let [startWallMs, startCpuMs] = [0, 0];
  const busy = busyTime();

  process.on('exit', () => {
    const report: CountersReport = {
      v: 1,
      pid: process.pid,
      startWallMs,
      startCpuMs,
      wallMs: performance.now(),
      cpuMs: cpuMs(),
      busyMs: busy.totalMs(),
      peakRssBytes: peakRssBytes(),
      calls,
      surveys,
    };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(report));
  });
  return {
    call: (name, work) => busy.during(work, (ms) => (calls[name] = plus(calls[name] ?? nothing, ms))),
    watch(driver) {
      const survey = driver.survey.bind(driver);
      driver.survey = (scope, signal) =>
        busy.during(
          () => survey(scope, signal),
          (ms) => (surveys = plus(surveys, ms)),
        );
    },
    listening: () => ([startWallMs, startCpuMs] = [performance.now(), cpuMs()]),
  };
}

const nothing: Figure = { count: 0, totalMs: 0, maxMs: 0 };

const plus = ({ count, totalMs, maxMs }: Figure, ms: number): Figure => ({
  count: count + 1,
  totalMs: totalMs + ms,
  maxMs: Math.max(maxMs, ms),
});

/** The union of all times at work: what runs at the same time is counted once. */
function busyTime() {
  let atWork = 0;
  let since = 0;
  let total = 0;
  return {
    totalMs: () => total + (atWork > 0 ? performance.now() - since : 0),
    async during<T>(work: () => Promise<T>, took: (ms: number) => void): Promise<T> {
      const began = performance.now();
      if (atWork === 0) since = began;
      atWork += 1;
      try {
        return await work();
      } finally {
        const ended = performance.now();
        atWork -= 1;
        if (atWork === 0) total += ended - since;
        took(ended - began);
      }
    },
  };
}

/** Of this process alone. Linux counts in `maxRSS` also what the parent, which is the engine, had when it started this one. */
function peakRssBytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  const [, kibibytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
