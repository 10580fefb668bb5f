/** All tests: first the quick ones, then those on real hosts and on the real engine. */
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { close, nothingYet, runParts } from './vitest-run.js';

const parts = [
  { name: 'fast', projects: ['unit', 'contract'] },
  { name: 'simulation', projects: ['simulation'] },
  { name: 'lab', projects: ['lab'] },
  { name: 'engine', projects: ['engine'] },
];

// In CI a machine that cannot have the lab is a fault; on one where people work it is said.
const noLab = process.platform !== 'linux' || process.getuid?.() !== 0 ? 'it needs root on Linux' : null;
const leftOut = noLab !== null && process.env['CI'] === undefined ? ['lab'] : [];

const outcome = nothingYet();
outcome.tally.skipped.push(...leftOut.map((test) => ({ test, reason: noLab ?? '' })));
await runParts(
  parts.filter(({ name }) => !leftOut.includes(name)),
  { root: dirname(dirname(fileURLToPath(import.meta.url))), node: process.execPath, env: process.env, outcome },
);
close(outcome);
