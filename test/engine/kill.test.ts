/**
 * kill -9 of the plugin, of the CLI, of both, at a random moment of a move of each method: the next `up` finishes it. More runs, or the
 * same again: `npm run test:kill -- --runs 100 --seed 7`.
 */
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { killed, slowMoves, victims, type Moves } from './killing.js';
import { seeded } from '../simulation/random.js';
import { bytesOf, vms, type SlowVm } from './slow-moves.js';

const seed = Number(env['VMPLACEMENT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(env['VMPLACEMENT_KILL_RUNS'] ?? 21);
const moved: readonly SlowVm[] = ['hot-01', 'cold-01', 'staged-01'];
const minute = 60_000;

let moves: Moves;
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  console.log(`${runs} runs, seed ${seed}: npm run test:kill -- --runs ${runs} --seed ${seed}`);
  moves = await slowMoves(vms, moved, (remove) => void removals.push(remove));
}, 5 * minute);
afterAll(() => Promise.all(removals.map((remove) => remove())));

describe.concurrent(`kill -9 at a random moment (seed ${seed})`, () => {
  const random = seeded(seed);
  const all = Array.from({ length: runs }, (_, index) => {
    const vm = moved[index % moved.length]!;
    const victim = victims[Math.floor(index / moved.length) % victims.length]!;
    const moment = random(1000) / 1000;
    return { run: index + 1, vm, victim, moment, percent: Math.round(moment * 100) };
  });

  test.for(all)(
    '$run: $vm, $victim killed after $percent %',
    { timeout: 5 * minute },
    async ({ run, vm, victim, moment, percent }, { onTestFinished }) => {
      const fleet = await moves.template.copy(onTestFinished);
      // The usual lease of a minute where it is given back; else one that ends soon after its holder.
      if (victim !== 'CLI') await fleet.configure({ lease: { renew: '500ms', expire: '2s' } });
      const at = await killed(fleet, { ...moves.moving(vm), victim, moment, wholeMs: moves.wholeMs.get(vm)! });
      // Quiet, so that what was sent is exact: no block of it twice, whoever sent it.
      if (vm === 'cold-01') expect((await fleet.placement(vm)).outputs['lastMove']).toMatchObject({ bytes: bytesOf(vm, 1) });
      console.log(`run ${run}: ${vm}, ${victim} killed at ${at} (${percent} %)`);
    },
  );
});
