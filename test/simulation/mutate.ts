/** Runs schedules on a broken copy of the sources, in a process of its own: what was caught, or null. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Edit, Mutant } from './mutants.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Caught {
  /** The first violation. */
  readonly by: string;
  readonly schedules: number;
}

export async function hunt(
  { edits, style }: Mutant,
  { seed, runs }: { readonly seed: number; readonly runs: number },
): Promise<Caught | null> {
  const copy = mkdtempSync(join(tmpdir(), 'vmplacement-mutant-'));
  try {
    for (const folder of ['provider', 'schema', 'test', 'package.json', 'tsconfig.json'])
      cpSync(join(root, folder), join(copy, folder), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const edit of edits) apply(copy, edit);
    const args = ['test/simulation/main.ts', '--style', style, '--seed', String(seed), '--runs', String(runs), '--first'];
    const { code, stdout, stderr } = await run([join(root, 'node_modules/tsx/dist/cli.mjs'), ...args], copy);
    if (code === 0) return null;
    const schedules = Number(/(\d+) schedules/.exec(stdout)?.[1] ?? 0);
    const by = stdout.split('\n')[1] ?? '';
    // A copy that does not even run was not caught.
    if (schedules === 0 || by === '') throw new Error(`the mutant does not run: ${stderr.slice(0, 2000)}${stdout.slice(0, 2000)}`);
    return { by, schedules };
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function apply(copy: string, { file, replace, by }: Edit): void {
  const path = join(copy, file);
  const parts = readFileSync(path, 'utf8').split(replace);
  if (parts.length !== 2) throw new Error(`${file}: what a mutant replaces stands there ${parts.length - 1} times, not once: ${replace}`);
  writeFileSync(path, parts.join(by));
}

const run = (args: readonly string[], cwd: string): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, stdout, stderr }),
    );
  });
