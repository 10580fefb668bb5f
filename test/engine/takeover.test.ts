/** A move that was left in its middle is gone on with from another machine, which has nothing of the Pulumi state. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployed, stack, type AtEnd, type Stack } from './harness.js';
import { isDone } from './killing.js';
import { atHome, away, slowly, vms, type SlowVm } from './slow-moves.js';
import { look, plugins, pluginsGone, signal, until, type Seen } from './watch.js';

const home = Object.fromEntries(vms.map((vm) => [vm, atHome(vm)]));
const flat = (text: string): string => text.replace(/\s+/g, ' ');
const sending = ({ transfer }: Seen): boolean => (transfer?.pass?.sent ?? 0) > 0;

let template: Stack;
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  template = await deployed({ placements: home }, slowly(2), (remove) => void removals.push(remove));
});
afterAll(() => Promise.all(removals.map((remove) => remove())));

/** Another checkout of the project, on another machine: the same datacenter, a backend of its own. */
const elsewhere = (fleet: Stack, atEnd: AtEnd, name = 'fleet'): Promise<Stack> =>
  stack({ name, placements: {}, config: { datacenterFile: join(fleet.dir, 'datacenter.yaml') } }, {}, atEnd);

interface Case {
  readonly left: string;
  readonly vm: SlowVm;
  readonly leave: (fleet: Stack) => Promise<void>;
}

const begin = async (fleet: Stack, vm: SlowVm, declared: object = {}) => {
  await fleet.write({ placements: { ...home, [vm]: { ...away(vm), ...declared } } });
  return fleet.start(['up', '--skip-preview', '--yes']);
};

const cases: readonly Case[] = [
  {
    left: 'staged, paused',
    vm: 'staged-01',
    leave: async (fleet) => {
      const { code, text } = await (await begin(fleet, 'staged-01', { annotations: {} })).result;
      expect(code, text).toBe(0);
    },
  },
  {
    left: 'staged, interrupted in the full copy',
    vm: 'staged-01',
    leave: async (fleet) => {
      const up = await begin(fleet, 'staged-01');
      await until(fleet, 'staged-01', up, sending);
      up.kill('SIGINT');
      expect((await up.result).code).toBe(1);
    },
  },
  {
    left: 'staged, killed in the full copy',
    vm: 'staged-01',
    leave: async (fleet) => {
      const up = await begin(fleet, 'staged-01');
      await until(fleet, 'staged-01', up, sending);
      const found = await plugins(fleet);
      up.kill('SIGKILL');
      for (const pid of found) signal(pid, 'SIGKILL');
      await up.result;
    },
  },
  {
    left: 'cold, killed in the copy',
    vm: 'cold-01',
    leave: async (fleet) => {
      const up = await begin(fleet, 'cold-01');
      await until(fleet, 'cold-01', up, sending);
      up.kill('SIGKILL');
      await up.result;
      await pluginsGone(fleet);
    },
  },
];

describe.concurrent.each(cases)('a move that was left: $left', ({ vm, leave }) => {
  test('is imported with its target as the declared place, and the next up ends it', async ({ onTestFinished }) => {
    const fleet = await template.copy(onTestFinished);
    await fleet.configure({ lease: { renew: '500ms', expire: '2s' } });
    await leave(fleet);
    const record = (await look(fleet, vm))?.vm.record;
    expect(record).toMatchObject({ targetStarting: false });
    const other = await elsewhere(fleet, onTestFinished);
    const imported = await other.pulumi('import', 'vmplacement:index:Placement', vm, vm, '--protect=false');
    expect(imported.code, imported.text).toBe(0);
    expect(imported.text).toMatch(new RegExp(`host: ${String(away(vm)['host'])}\\b`));
    await other.write({ placements: { [vm]: away(vm) }, config: { datacenterFile: join(fleet.dir, 'datacenter.yaml') } });
    const { code, text } = await other.pulumi('up');
    expect(code, text).toBe(0);
    await isDone(other, vm, String(away(vm)['host']), { text }, fleet);
    const { lastMove } = (await look(fleet, vm))!.world.claims[vm]!;
    expect(lastMove?.moveId).toBe(record?.moveId);
  });
});

test.concurrent('another stack needs takeOver, is told so, and then goes on with the move', async ({ onTestFinished }) => {
  const vm = 'staged-01';
  const fleet = await template.copy(onTestFinished);
  const { code, text } = await (await begin(fleet, vm, { annotations: {} })).result;
  expect(code, text).toBe(0);
  const record = (await look(fleet, vm))?.vm.record;
  const shop = await elsewhere(fleet, onTestFinished, 'shop');
  const config = { datacenterFile: join(fleet.dir, 'datacenter.yaml') };
  await shop.write({ name: 'shop', config, placements: { [vm]: away(vm) } });
  const refused = await shop.pulumi('up');
  expect(refused.code, refused.text).not.toBe(0);
  expect(flat(refused.text)).toMatch(/declare takeOver: organization\/fleet\/dev/);
  expect((await look(fleet, vm))?.vm.record).toEqual(record);
  await shop.write({ name: 'shop', config, placements: { [vm]: { ...away(vm), takeOver: 'organization/fleet/dev' } } });
  const taken = await shop.pulumi('up');
  expect(taken.code, taken.text).toBe(0);
  await isDone(shop, vm, 'c1', taken, fleet);
  expect((await look(fleet, vm))?.world.claims[vm]).toMatchObject({ stack: 'organization/shop/dev', lastMove: { moveId: record?.moveId } });
});
