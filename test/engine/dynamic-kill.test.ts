/** kill -9 of the program with its CLI, of the dynamic provider's process, of all of them, in mid-move: the next `up` finishes it. */
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seeded } from '../simulation/random.js';
import { deployed, type Stack } from './harness.js';
import { killed, undisturbed, victims, type Killing } from './killing.js';
import { atHome, away, bytesOf, slowly, type SlowVm } from './slow-moves.js';

const seed = Number(env['VMPLACEMENT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const moved: readonly SlowVm[] = ['hot-01', 'cold-01', 'staged-01'];
const home = Object.fromEntries(moved.map((vm) => [vm, atHome(vm)]));
const minute = 60_000;

let template: Stack;
const wholeMs = new Map<SlowVm, number>();
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  const atEnd = (remove: () => Promise<void>): void => void removals.push(remove);
  template = await deployed({ placements: home }, slowly(2), atEnd, 'DynamicPlacement');
  for (const vm of moved) wholeMs.set(vm, await undisturbed(await template.copy(atEnd), moving(vm)));
}, 5 * minute);
afterAll(() => Promise.all(removals.map((remove) => remove())));

const moving = (vm: SlowVm): Pick<Killing, 'vm' | 'placements' | 'target'> => ({
  vm,
  placements: { ...home, [vm]: away(vm) },
  target: String(away(vm)['host']),
});

describe.concurrent(`kill -9 at a random moment (seed ${seed})`, () => {
  const random = seeded(seed);
  const all = moved.flatMap((vm) => victims.map((victim) => ({ vm, victim, moment: random(1000) / 1000 })));

  test.for(all)(
    '$vm, $victim killed after $moment of the move',
    { timeout: 5 * minute },
    async ({ vm, victim, moment }, { onTestFinished }) => {
      const fleet = await template.copy(onTestFinished);
      await fleet.configure({ lease: { renew: '500ms', expire: '2s' } });
      await killed(fleet, { ...moving(vm), victim, moment, wholeMs: wholeMs.get(vm)! });
      if (vm === 'cold-01') expect((await fleet.placement(vm)).outputs['lastMove']).toMatchObject({ bytes: bytesOf(vm, 1) });
    },
  );
});
