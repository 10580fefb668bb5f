/**
 * All tests: first the quick ones, then those on the real engine. Ends with `N passed, N failed`, which CI reads; vitest's own
 * summary is none it knows. The numbers are vitest's, taken by a reporter of our own because its JSON has no reasons of skips.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Tally } from './vitest-tally.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const parts = [
  { name: 'fast', projects: ['unit', 'contract'] },
  { name: 'engine', projects: ['engine'] },
];

const scratch = mkdtempSync(join(tmpdir(), 'vmplacement-test-'));
const total: Tally = { projects: {}, broken: [], skipped: [] };
const seconds: string[] = [];
const faults: string[] = [];

for (const { name, projects } of parts) {
  const began = Date.now();
  const file = join(scratch, `${name}.json`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [
    'run',
    ...projects.flatMap((project) => ['--project', project]),
    '--reporter=default',
    '--reporter=./tools/vitest-tally.ts',
  ];
  const { status } = spawnSync(process.execPath, [vitest, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, VMPLACEMENT_TALLY: file },
  });
  seconds.push(`${name} ${Math.round((Date.now() - began) / 1000)} s`);
  const tally = read(file);
  Object.assign(total.projects, tally.projects);
  total.broken.push(...tally.broken);
  total.skipped.push(...tally.skipped);
  for (const project of projects) {
    const { passed = 0, failed = 0 } = tally.projects[project] ?? {};
    // A part that ran nothing would otherwise look like a part without faults.
    if (passed + failed === 0 && tally.broken.length === 0) faults.push(`no test ran in ${project}`);
  }
  const counted = tally.broken.length + projects.reduce((sum, project) => sum + (tally.projects[project]?.failed ?? 0), 0);
  if (status !== 0 && counted === 0 && faults.length === 0) faults.push(`vitest exited with ${status ?? 'a signal'} in ${name}`);
}
rmSync(scratch, { recursive: true, force: true });

for (const { test, reason } of total.skipped) console.log(`skipped: ${test}: ${reason}`);
for (const fault of [...total.broken, ...faults]) console.log(`failed: ${fault}`);
const counts = Object.values(total.projects);
const passed = counts.reduce((sum, { passed }) => sum + passed, 0);
const failed = counts.reduce((sum, { failed }) => sum + failed, 0) + total.broken.length + faults.length;
console.log(`time: ${seconds.join(', ')}`);
console.log(`${passed} passed, ${failed} failed${total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;

function read(file: string): Tally {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Tally;
  } catch {
    return { projects: {}, broken: [], skipped: [] }; // vitest did not get as far as a report: told by its status
  }
}
