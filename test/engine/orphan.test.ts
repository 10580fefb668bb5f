/** A plugin that outlives its CLI, and whoever runs `up` meanwhile; and a resource whose create was killed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployed, stack, type Stack, type Started } from './harness.js';
import { isDone, nextUp } from './killing.js';
import { atHome, away, slowly, vms, type SlowVm } from './slow-moves.js';
import { gone, locked, look, plugins, pluginsGone, signal, until, world, type Seen } from './watch.js';

const vm = 'staged-01';
const home = Object.fromEntries(vms.map((one) => [one, atHome(one)]));
const moving = { ...home, [vm]: away(vm) };
const flat = (text: string): string => text.replace(/\s+/g, ' ');

let template: Stack;
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  template = await deployed({ placements: home }, slowly(2), (remove) => void removals.push(remove));
});
afterAll(() => Promise.all(removals.map((remove) => remove())));

/**
 * Its CLI was killed, and it was suspended before it could give its lease back. In this order: the kernel wakes what is suspended when
 * its parent dies. Nothing can be written meanwhile, so that it is not faster than this.
 */
async function orphaned(fleet: Stack): Promise<{ wake: () => void; hasGone: () => Promise<void> }> {
  await fleet.write({ placements: moving });
  const up = starts(fleet);
  await until(fleet, vm, up, ({ vm: { record }, world }) => record !== null && world.leases[vm] !== undefined);
  const unlock = await locked(fleet);
  const orphans = await plugins(fleet);
  up.kill('SIGKILL');
  await up.gone;
  for (const pid of orphans) signal(pid, 'SIGSTOP');
  await unlock();
  await up.result;
  const cancelled = await fleet.pulumi('cancel', '--yes');
  expect(cancelled.code, cancelled.text).toBe(0);
  expect((await world(fleet)).leases[vm]).toBeDefined();
  return { wake: () => orphans.forEach((pid) => signal(pid, 'SIGCONT')), hasGone: () => gone(orphans) };
}

const starts = (fleet: Stack): Started => fleet.start(['up', '--skip-preview', '--yes']);

describe.concurrent('while an orphan still lives', () => {
  test('a first up may be given up, a second one waits for the lease and finishes the move; the orphan does nothing more', async ({
    onTestFinished,
  }) => {
    const fleet = await template.copy(onTestFinished);
    // Long enough that a slow machine has the first up at work before it ends.
    await fleet.configure({ lease: { renew: '1s', expire: '50s' } });
    const orphan = await orphaned(fleet);
    const before = await look(fleet, vm);

    const first = starts(fleet);
    await first.says(/its lease is held by/);
    first.kill('SIGINT');
    const given = await first.result;
    expect(given.code, given.text).toBe(1);
    expect(flat(given.text)).toMatch(/interrupted while it waited for the lease of \S+ to end. Nothing was done/);
    expect((await look(fleet, vm))?.vm.record).toEqual(before?.vm.record);

    const second = starts(fleet);
    await until(fleet, vm, second, (seen) => seen.vm.record !== null && seen.vm.record.epoch > (before?.vm.record?.epoch ?? 0));
    orphan.wake();
    const { code, text } = await second.result;
    expect(code, text).toBe(0);
    await orphan.hasGone();
    await isDone(fleet, vm, 'c1', { text });
  });

  test('an up that waits goes on as soon as the orphan wakes up, which stops and gives its lease back', async ({ onTestFinished }) => {
    const fleet = await template.copy(onTestFinished);
    const orphan = await orphaned(fleet);
    const next = starts(fleet);
    await next.says(/its lease is held by/);
    orphan.wake();
    const { code, text } = await next.result;
    expect(code, text).toBe(0);
    await orphan.hasGone();
    await isDone(fleet, vm, 'c1', { text });
    const ends = /Waiting for its end at (\S+), unless/.exec(flat(text))?.[1] ?? '';
    const { lastMove } = (await fleet.placement(vm)).outputs as { lastMove: { end: string } };
    expect(Date.parse(lastMove.end), text).toBeLessThan(Date.parse(ends));
  });
});

test.concurrent('a plugin that was suspended while another run ended its move stops when it wakes up', async ({ onTestFinished }) => {
  const fleet = await template.copy(onTestFinished);
  await fleet.configure({ lease: { renew: '500ms', expire: '2s' } });
  await fleet.write({ placements: moving });
  const first = starts(fleet);
  await until(fleet, vm, first, ({ transfer }) => (transfer?.pass?.sent ?? 0) > 0);
  const asleep = await plugins(fleet);
  for (const pid of asleep) signal(pid, 'SIGSTOP');
  const cancelled = await fleet.pulumi('cancel', '--yes');
  expect(cancelled.code, cancelled.text).toBe(0);
  const second = await fleet.pulumi('up', '--skip-preview');
  expect(second.code, second.text).toBe(0);
  const ended = (await world(fleet)).vms[vm];
  for (const pid of asleep) signal(pid, 'SIGCONT');
  const { code, text } = await first.result;
  expect(code, text).not.toBe(0);
  expect(flat(text)).toMatch(/staged-01: .*(changed by another controller|is working on it|was cancelled by somebody else)/);
  expect((await world(fleet)).vms[vm], text).toEqual(ended);
  expect((await world(fleet)).journal, text).toEqual([]);
});

test.concurrent(
  'two ups at once: the second is told who is at work, and does nothing; the first ends the move',
  async ({ onTestFinished }) => {
    const fleet = await template.copy(onTestFinished);
    await fleet.configure({ lease: { renew: '500ms', expire: '60s' } });
    await fleet.write({ placements: { ...home, [vm]: { ...away(vm), annotations: {}, onPending: 'wait', incrementEvery: '2s' } } });
    const first = starts(fleet);
    await until(fleet, vm, first, (seen) => seen.vm.record?.awaitingSince != null);
    // The engine's own lock would keep a second one off; from another checkout nothing does.
    const cancelled = await fleet.pulumi('cancel', '--yes');
    expect(cancelled.code, cancelled.text).toBe(0);
    const { leases } = await world(fleet);
    const second = await fleet.pulumi('up', '--skip-preview');
    expect(second.code, second.text).not.toBe(0);
    expect(flat(second.text)).toMatch(/staged-01: \S+ is working on it and has just renewed its lease; its lease ends \S+ unless renewed/);
    expect(flat(second.text)).toMatch(/Next: let that run end \(vmplacement status staged-01 shows how far it is\), then pulumi up/);
    expect((await world(fleet)).leases[vm]?.holder).toBe(leases[vm]?.holder);
    const annotated = await fleet.vmplacement('annotate', vm, 'shutdown=now');
    expect(annotated.code, annotated.text).toBe(0);
    const { code, text } = await first.result;
    expect(code, text).toBe(0);
    await isDone(fleet, vm, 'c1', { text });
  },
);

const stopping: readonly { readonly what: SlowVm; readonly step: string; readonly meanwhile: (seen: Seen) => boolean }[] = [
  { what: 'hot-01', step: 'migrate', meanwhile: ({ world: { jobs } }) => Object.keys(jobs).length > 0 },
  { what: 'cold-02', step: 'shutdown', meanwhile: ({ source }) => source?.shutdown != null },
  { what: 'staged-02', step: 'shutdown', meanwhile: ({ source }) => source?.shutdown != null },
];

describe.concurrent.each(stopping)('a plugin at $step of $what whose CLI is killed', ({ what, step, meanwhile }) => {
  test('stops before its next effect, though the VM is off or on its way, and gives its lease back', async ({ onTestFinished }) => {
    const fleet = await template.copy(onTestFinished);
    await fleet.write({ placements: { ...home, [what]: away(what) } });
    const up = starts(fleet);
    await until(fleet, what, up, meanwhile);
    up.kill('SIGKILL');
    await up.result;
    await pluginsGone(fleet);
    const left = await look(fleet, what);
    expect(left?.vm.record).toMatchObject({ step, targetStarting: false });
    expect(left?.world.leases).toEqual({});
    const { code, text } = await nextUp(fleet);
    expect(code, text).toBe(0);
    await isDone(fleet, what, String(away(what)['host']), { text });
  });
});

const creates: readonly { readonly what: SlowVm; readonly victim: 'plugin' | 'CLI' | 'both' }[] = [
  { what: 'hot-01', victim: 'both' },
  { what: 'cold-01', victim: 'CLI' },
  { what: 'staged-01', victim: 'plugin' },
];

describe.concurrent.each(creates)('a create that moves $what, with its $victim killed', ({ what, victim }) => {
  test('is finished by the next up, and the commands that the messages name leave nothing behind', async ({ onTestFinished }) => {
    const fleet = await stack(
      { placements: { [what]: away(what) } },
      { ...slowly(2), lease: { renew: '500ms', expire: '2s' } },
      onTestFinished,
    );
    const up = starts(fleet);
    await until(fleet, what, up, (seen) => (seen.transfer?.pass?.sent ?? 0) > 0 || Object.keys(seen.world.jobs).length > 0);
    const found = await plugins(fleet);
    if (victim !== 'plugin') up.kill('SIGKILL');
    if (victim !== 'CLI') for (const pid of found) signal(pid, 'SIGKILL');
    const died = await up.result;
    await pluginsGone(fleet);
    const { code, text } = await nextUp(fleet);
    const all = `${died.text}\nthe next up:\n${text}`;
    expect(code, all).toBe(0);
    await isDone(fleet, what, String(away(what)['host']), { text: all });
    expect(flat(text), all).toContain('pulumi refresh --clear-pending-creates --yes');
    const cleared = await fleet.pulumi('refresh', '--clear-pending-creates');
    expect(cleared.code, cleared.text).toBe(0);
    const preview = await fleet.pulumi('preview', '--expect-no-changes');
    expect(preview.code, preview.text).toBe(0);
    expect(preview.text).not.toMatch(/pending/);
  });
});
