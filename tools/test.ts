/** All tests: first the quick ones, then those on the real engine. */
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { close, nothingYet, runParts } from './vitest-run.js';

const parts = [
  { name: 'fast', projects: ['unit', 'contract'] },
  { name: 'simulation', projects: ['simulation'] },
  { name: 'engine', projects: ['engine'] },
];

const outcome = nothingYet();
await runParts(parts, { root: dirname(dirname(fileURLToPath(import.meta.url))), node: process.execPath, env: process.env, outcome });
close(outcome);
