/** A campaign from the command line: `npx tsx test/simulation/main.ts --runs N [--seed S] [--style driven|task]`; replays with `--path`. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { campaign } from './campaign.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    style: { type: 'string' },
    path: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
});
const seed = values.seed === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(values.seed);
const styles = (['driven', 'task'] as const).filter((style) => values.style === undefined || values.style === style);
let failed = false;
for (const style of styles) {
  const began = performance.now();
  const { schedules, failure, seen } = await campaign({
    style,
    seed,
    runs: Number(values.runs),
    first: values.first,
    ...(values.path === undefined ? {} : { path: values.path }),
  });
  const seconds = (performance.now() - began) / 1000;
  console.log(
    `${style}: ${schedules} schedules, seed ${seed}, ${seconds.toFixed(1)} s, ${((1000 * seconds) / schedules).toFixed(1)} ms each`,
  );
  if (values.verbose) for (const [what, count] of [...seen].sort()) console.log(`  ${count.toString().padStart(8)}  ${what}`);
  if (failure === null) continue;
  failed = true;
  console.log(failure);
}
process.exitCode = failed ? 1 : 0;
