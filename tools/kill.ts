/**
 * Moves in which something is killed at a random moment, and the next update that has to finish them: `npm run test:kill -- --runs 100
 * --seed 7` kills the plugin, the CLI or both on the embedded datacenter; with `--lab` also connections, libvirtd, QEMU, hosts and links of
 * real ones. Without a seed another one is taken, and printed.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import process, { argv, env, execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  args: argv.slice(2),
  options: { runs: { type: 'string', default: '21' }, seed: { type: 'string' }, lab: { type: 'boolean', default: false } },
});
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const seed = values.seed === undefined ? {} : { VMPLACEMENT_SEED: values.seed };
const project = values.lab ? 'lab' : 'engine';
const { status } = spawnSync(execPath, [vitest, 'run', '--project', project, `test/${project}/kill.test.ts`], {
  cwd: root,
  stdio: 'inherit',
  env: { ...env, ...seed, VMPLACEMENT_KILL_RUNS: values.runs },
});
process.exitCode = status ?? 1;
