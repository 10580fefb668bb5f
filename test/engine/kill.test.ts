/**
 * kill -9 of the plugin, of the CLI, of both, at a random moment of a move of each method: the next `up` finishes it. More runs, or the
 * same again: `npm run test:kill -- --runs 100 --seed 7`.
 */
import { env } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployed, type Stack } from './harness.js';
import { killed, undisturbed, victims, type Killing } from './killing.js';
import { seeded } from '../simulation/random.js';
import { atHome, away, bytesOf, slowly, vms, type SlowVm } from './slow-moves.js';

const seed = Number(env['VMPLACEMENT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(env['VMPLACEMENT_KILL_RUNS'] ?? 21);
const moved: readonly SlowVm[] = ['hot-01', 'cold-01', 'staged-01'];
const minute = 60_000;

const home = Object.fromEntries(vms.map((vm) => [vm, atHome(vm)]));

let template: Stack;
const wholeMs = new Map<SlowVm, number>();
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  console.log(`${runs} runs, seed ${seed}: npm run test:kill -- --runs ${runs} --seed ${seed}`);
  const atEnd = (remove: () => Promise<void>): void => void removals.push(remove);
  template = await deployed({ placements: home }, slowly(2), atEnd);
  const measured = async (vm: SlowVm): Promise<void> => {
    wholeMs.set(vm, await undisturbed(await template.copy(atEnd), moving(vm)));
  };
  await Promise.all(moved.map(measured));
}, 5 * minute);
afterAll(() => Promise.all(removals.map((remove) => remove())));

const moving = (vm: SlowVm): Pick<Killing, 'vm' | 'placements' | 'target'> => ({
  vm,
  placements: { ...home, [vm]: away(vm) },
  target: String(away(vm)['host']),
});

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
      const fleet = await template.copy(onTestFinished);
      // The usual lease of a minute where it is given back; else one that ends soon after its holder.
      if (victim !== 'CLI') await fleet.configure({ lease: { renew: '500ms', expire: '2s' } });
      const at = await killed(fleet, { ...moving(vm), victim, moment, wholeMs: wholeMs.get(vm)! });
      // Quiet, so that what was sent is exact: no block of it twice, whoever sent it.
      if (vm === 'cold-01') expect((await fleet.placement(vm)).outputs['lastMove']).toMatchObject({ bytes: bytesOf(vm, 1) });
      console.log(`run ${run}: ${vm}, ${victim} killed at ${at} (${percent} %)`);
    },
  );
});
