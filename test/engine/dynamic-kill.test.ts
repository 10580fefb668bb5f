/** kill -9 of the program with its CLI, of the dynamic provider's process, of all of them, in mid-move: the next `up` finishes it. */
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seeded } from '../simulation/random.js';
import { killed, slowMoves, victims, type Moves } from './killing.js';
import { bytesOf, type SlowVm } from './slow-moves.js';

const seed = Number(env['VMPLACEMENT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const moved: readonly SlowVm[] = ['hot-01', 'cold-01', 'staged-01'];
const minute = 60_000;

let moves: Moves;
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  moves = await slowMoves(moved, moved, (remove) => void removals.push(remove), 'DynamicPlacement');
}, 5 * minute);
afterAll(() => Promise.all(removals.map((remove) => remove())));

describe.concurrent(`kill -9 at a random moment (seed ${seed})`, () => {
  const random = seeded(seed);
  const all = moved.flatMap((vm) => victims.map((victim) => ({ vm, victim, moment: random(1000) / 1000 })));

  test.for(all)(
    '$vm, $victim killed after $moment of the move',
    { timeout: 5 * minute },
    async ({ vm, victim, moment }, { onTestFinished }) => {
      const fleet = await moves.template.copy(onTestFinished);
      await fleet.configure({ lease: { renew: '500ms', expire: '2s' } });
      await killed(fleet, { ...moves.moving(vm), victim, moment, wholeMs: moves.wholeMs.get(vm)! });
      if (vm === 'cold-01') expect((await fleet.placement(vm)).outputs['lastMove']).toMatchObject({ bytes: bytesOf(vm, 1) });
    },
  );
});
