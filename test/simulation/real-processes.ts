/** Schedules with real processes on a file store: they are killed and stopped by signals, at moments that nothing knows of. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { confirmMove, openSession } from '../../provider/core/placement.js';
import { embeddedDriver, openModel, openOutside, type Model, type Outside } from '../../provider/drivers/embedded/index.js';
import { resolveEmbedded } from '../../schema/embedded.js';
import { settings } from '../unit/itinerary/lab.js';
import { lease } from './lease.js';
import type { Task } from './process.js';
import { seeded, type Random } from './random.js';
import { datacenterOf, type Declared } from './scenario.js';

/** Model seconds in a wall second: a copy takes a few ticks of a quarter of a second. */
const speed = 400;
const minuteMs = 60_000 / speed;

const usual: Declared = {
  host: 'f1',
  shutdown: null,
  method: 'auto',
  keepSource: 'no',
  allowShutdown: true,
  startAfter: 'asBefore',
  onPending: 'succeed',
  goFrom: 'both',
  verify: 'increment',
};

export interface PlayedReally {
  readonly violations: readonly string[];
  readonly history: readonly string[];
  readonly killed: number;
}

/** `program`: the compiled process.ts. */
export async function playReally(program: string, seed: number): Promise<PlayedReally> {
  const random = seeded(seed);
  const folder = mkdtempSync(join(tmpdir(), 'vmplacement-schedule-'));
  const guest = { power: random(5) === 0 ? 'off' : 'running', writes: 'little', shutdown: 'at once', autostart: true } as const;
  const datacenter = { ...datacenterOf({ style: random(3) === 0 ? 'task' : 'driven', vms: { 'web-01': guest } }), speed };
  const model = openModel(resolveEmbedded(datacenter), { folder });
  const schedule = new Schedule(program, { datacenter, folder }, model, random);
  try {
    for (let step = 0; step < 5; step += 1) await schedule.step();
    await schedule.comesToRest();
    return { violations: schedule.violations, history: [`seed ${seed}`, ...schedule.history], killed: schedule.killed };
  } finally {
    schedule.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Schedule {
  readonly violations: string[] = [];
  readonly history: string[] = [];
  killed = 0;
  private readonly outside: Outside;
  private readonly children = new Set<ChildProcess>();
  private readonly ends = new Set<Promise<void>>();

  constructor(
    private readonly program: string,
    private readonly where: Omit<Task, 'declared'>,
    private readonly model: Model,
    private readonly random: Random,
  ) {
    this.outside = openOutside(model);
  }

  async step(): Promise<void> {
    const of = <T>(all: readonly T[]): T => all[this.random(all.length)]!;
    switch (this.random(8)) {
      case 0:
        return this.does('annotates', () => this.annotate(of(['now', 'force', 'hold', null])));
      case 1:
        return this.does('shuts the guest down', () => this.outside.shutdown('web-01', 'clean'));
      case 2:
        return this.does('a host does not answer', async () => {
          const host = of(['a1', 'f1', 'n1']);
          await this.outside.setHost(host, 'unreachable');
          await pause(2 * minuteMs);
          await this.outside.setHost(host, null);
        });
      default: {
        const declared: Declared = {
          ...usual,
          host: of(['f1', 'f1', 'f1', 'n1', 'a2', 'a1']),
          shutdown: of([null, 'now', 'now', 'force']),
          method: of(['auto', 'auto', 'cold']),
          keepSource: of(['no', 'confirm']),
        };
        this.up(declared, of(['SIGKILL', 'SIGKILL', 'SIGSTOP', 'SIGINT', 'orphan', 'nothing']), this.random(1500));
        // The next one may begin while this one is at work.
        if (this.random(3) > 0) await Promise.all(this.ends);
        else await pause(this.random(400));
      }
    }
  }

  /** Operators do what the messages say until the VM runs on its target, alone, with nothing left of any move. */
  async comesToRest(): Promise<void> {
    await Promise.all(this.ends);
    await this.annotate(null);
    for (let round = 0; round < 6; round += 1) {
      await pause(700);
      await this.does('confirms', () => this.confirm());
      this.up({ ...usual, shutdown: round % 2 === 0 ? 'force' : 'now' }, 'nothing', 0);
      await Promise.all(this.ends);
      const [vm] = (await this.outside.show()).vms;
      const [copy, ...others] = vm?.copies ?? [];
      if (copy?.place === 'far/f1' && others.length === 0 && vm?.step === null) break;
      // Where no block says which copy is the right one, the message does.
      const [, there] = /start it on \w+\/(\w+)/.exec(this.history.at(-1) ?? '') ?? [];
      await this.does('starts it', () => this.outside.start('web-01', there));
    }
    const shown = await this.outside.show();
    const copies = shown.vms[0]?.copies.map(({ place, role, power }) => `${place} ${role} ${power}`) ?? [];
    if (copies.length !== 1 || !copies[0]?.startsWith('far/f1 live')) this.violations.push(`does not come to rest: ${copies.join(', ')}`);
    this.violations.push(...shown.violations.map(({ kind, details }) => `${kind}: ${details}`));
  }

  end(): void {
    for (const child of this.children) child.kill('SIGKILL');
  }

  private up(declared: Declared, fate: 'SIGKILL' | 'SIGSTOP' | 'SIGINT' | 'orphan' | 'nothing', afterMs: number): void {
    const task: Task = { ...this.where, declared };
    const child = spawn(process.execPath, [this.program, JSON.stringify(task)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.children.add(child);
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = new Promise<void>((resolve) => {
      child.on('close', (code, signal) => {
        this.children.delete(child);
        const end = text.trim() === '' ? `died (${signal ?? code ?? ''})` : text.trim();
        this.history.push(`up to ${declared.host} (${declared.method}, ${declared.shutdown ?? 'no go'}), ${fate}: ${end}`);
        if (/undefined|Cannot read|is not a function|NaN/.test(text)) this.violations.push(`an error that is not for people: ${text}`);
        resolve();
      });
    });
    const all = ended.then(() => void this.ends.delete(all));
    this.ends.add(all);
    if (fate !== 'nothing') void this.strikes(child, fate, afterMs);
  }

  private async strikes(child: ChildProcess, fate: 'SIGKILL' | 'SIGSTOP' | 'SIGINT' | 'orphan', afterMs: number): Promise<void> {
    await pause(afterMs);
    if (child.exitCode !== null) return;
    this.killed += 1;
    if (fate === 'orphan') {
      child.stdin?.end();
      return;
    }
    child.kill(fate);
    if (fate !== 'SIGSTOP') return;
    // Longer than its lease: somebody else may have taken over.
    await pause(1200);
    child.kill('SIGCONT');
  }

  private async does(what: string, act: () => Promise<void>): Promise<void> {
    const result = await act().then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    this.history.push(`${what}: ${result}`);
  }

  private async confirm(): Promise<void> {
    const identity = { stack: 'org/project/dev', holder: `confirm@${this.history.length}`, newId: randomUUID };
    const run = { signal: new AbortController().signal, emit: () => undefined, log: () => undefined, timeoutMs: null };
    await confirmMove(openSession(embeddedDriver(this.model), { ...settings, ...lease }, identity), 'web-01', run);
  }

  private annotate(value: string | null): Promise<void> {
    return embeddedDriver(this.model).annotate('web-01', { shutdown: value, giver: 'alice' });
  }
}
