/**
 * Runs vitest part by part and counts. Whoever calls this ends with `N passed, N failed`, which CI reads; vitest's own summary is none
 * it knows. The numbers are vitest's, taken by a reporter of our own because its JSON has no reasons of skips.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { run } from './run.js';
import type { Tally } from './vitest-tally.js';

export interface Part {
  readonly name: string;
  readonly projects: readonly string[];
  /** All files of the projects when absent. */
  readonly files?: readonly string[];
}

export interface Outcome {
  readonly tally: Tally;
  /** What went wrong outside of vitest's own count. */
  readonly faults: string[];
  readonly times: string[];
}

export const nothingYet = (): Outcome => ({ tally: { projects: {}, broken: [], skipped: [], failed: [] }, faults: [], times: [] });

/** Runs these parts of the checkout at `root` on this Node, and adds what they come to. */
export async function runParts(
  parts: readonly Part[],
  { root, node, env, outcome }: { root: string; node: string; env: NodeJS.ProcessEnv; outcome: Outcome },
): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'vmplacement-test-'));
  try {
    for (const part of parts) {
      const began = Date.now();
      const file = join(scratch, `${part.name}.json`);
      const status = await run(node, [join(root, 'node_modules/vitest/vitest.mjs'), ...argumentsFor(part)], {
        cwd: root,
        env: { ...env, VMPLACEMENT_TALLY: file },
      });
      outcome.times.push(`${part.name} ${secondsSince(began)} s`);
      add(part, { root, status, tally: read(file) }, outcome);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The last lines: what was skipped and why, what failed outside of a test, times, and the counts. Sets the exit code. */
export function close({ tally, faults, times }: Outcome): void {
  for (const { test, reason } of tally.skipped) console.log(`SKIPPED: ${test}: ${reason}`);
  for (const { test, reason } of tally.failed) console.log(`failed: ${test}: ${reason}`);
  for (const fault of [...tally.broken, ...faults]) console.log(`failed: ${fault}`);
  const counts = Object.values(tally.projects);
  const passed = counts.reduce((sum, { passed }) => sum + passed, 0);
  const failed = counts.reduce((sum, { failed }) => sum + failed, 0) + tally.broken.length + faults.length;
  if (times.length > 0) console.log(`time: ${times.join(', ')}`);
  console.log(`${passed} passed, ${failed} failed${tally.skipped.length > 0 ? `, ${tally.skipped.length} skipped` : ''}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

export function secondsSince(began: number): number {
  return Math.round((Date.now() - began) / 1000);
}

function argumentsFor({ projects, files = [] }: Part): string[] {
  const chosen = projects.flatMap((project) => ['--project', project]);
  return ['run', ...chosen, '--reporter=default', '--reporter=./tools/vitest-tally.ts', ...files];
}

function add({ name, projects, files = [] }: Part, ran: { root: string; status: number | null; tally: Tally }, outcome: Outcome): void {
  const { tally, status } = ran;
  Object.assign(outcome.tally.projects, tally.projects);
  outcome.tally.broken.push(...tally.broken);
  outcome.tally.skipped.push(...tally.skipped);
  outcome.tally.failed.push(...tally.failed);
  // A part that ran nothing, or less than it should, would otherwise look like a part without faults.
  const missing = files.filter((file) => !existsSync(join(ran.root, file))).map((file) => `${file} is not there any more`);
  const idle = projects.filter((project) => {
    const { passed = 0, failed = 0 } = tally.projects[project] ?? {};
    return passed + failed === 0 && tally.broken.length === 0;
  });
  const faults = [...missing, ...idle.map((project) => `no test ran in ${project}`)];
  const counted = tally.broken.length + projects.reduce((sum, project) => sum + (tally.projects[project]?.failed ?? 0), 0);
  if (status !== 0 && counted === 0 && faults.length === 0) faults.push(`vitest exited with ${status ?? 'a signal'} in ${name}`);
  outcome.faults.push(...faults);
}

function read(file: string): Tally {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Tally;
  } catch {
    return nothingYet().tally; // vitest did not get as far as a report: told by its status
  }
}
