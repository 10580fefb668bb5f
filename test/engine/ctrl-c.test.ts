/** Ctrl-C during each phase of each method (rules.md §6 "Interrupt"): once, and a second time before the first was obeyed. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deployed, type Stack, type Started } from './harness.js';
import { atHome, away, bytesOf, slowly, vms, type SlowVm } from './slow-moves.js';
import { look, pluginsGone, until, type Seen } from './watch.js';

interface Case {
  readonly phase: string;
  readonly vm: SlowVm;
  readonly declared?: Readonly<Record<string, unknown>>;
  readonly reached: (seen: Seen) => boolean;
  /** What the first Ctrl-C leads to: the VM runs, or was off before; or it is off because of the move. */
  readonly ends: 'parked' | 'waiting' | 'finished';
  readonly says: RegExp;
}

const sending = ({ transfer }: Seen): boolean => (transfer?.pass?.sent ?? 0) > 0;
const isAt = ({ vm }: Seen, ...steps: readonly string[]): boolean => vm.record !== null && steps.includes(vm.record.step);
const goesOff = ({ source }: Seen): boolean => source?.shutdown != null;

const cases: readonly Case[] = [
  {
    phase: 'hot: memory',
    vm: 'hot-01',
    reached: ({ world }) => Object.values(world.jobs).some(({ kind, stage }) => kind === 'hot' && stage !== 'done'),
    ends: 'finished',
    says: /interrupted, but the platform runs this hot migration/,
  },
  {
    phase: 'cold, off before: copy',
    vm: 'off-01',
    reached: sending,
    ends: 'parked',
    says: /was interrupted at copy; the VM is off on a\/a1/,
  },
  { phase: 'cold: guest shuts down', vm: 'cold-02', reached: goesOff, ends: 'finished', says: /interrupted, but the shutdown was sent/ },
  { phase: 'cold: copy', vm: 'cold-01', reached: sending, ends: 'finished', says: /interrupted, but the VM is off because of this move/ },
  {
    phase: 'staged: full copy',
    vm: 'staged-01',
    reached: (seen) => sending(seen) && seen.transfer?.pass?.kind === 'full',
    ends: 'parked',
    says: /was interrupted at replicate; the VM is running on a\/a1/,
  },
  {
    phase: 'staged: increment',
    vm: 'staged-01',
    reached: (seen) => sending(seen) && seen.transfer?.pass?.kind === 'increment',
    ends: 'parked',
    says: /was interrupted at (replicate|shrink); the VM is running on a\/a1/,
  },
  {
    phase: 'staged: waits for the go',
    vm: 'staged-01',
    declared: { annotations: {}, onPending: 'wait' },
    reached: ({ vm }) => vm.record?.awaitingSince != null,
    ends: 'waiting',
    says: /waits for its shutdown/,
  },
  {
    phase: 'staged: guest shuts down',
    vm: 'staged-02',
    reached: goesOff,
    ends: 'finished',
    says: /interrupted, but the shutdown was sent/,
  },
  {
    phase: 'staged: last increment',
    vm: 'staged-01',
    declared: { bandwidth: '16MiB/s' },
    reached: (seen) => isAt(seen, 'finish') && sending(seen),
    ends: 'finished',
    says: /interrupted, but the VM is off: the cutover is finished first/,
  },
  {
    phase: 'staged: start',
    vm: 'staged-01',
    reached: (seen) => isAt(seen, 'point-of-no-return', 'start-target'),
    ends: 'finished',
    says: /moved staged a\/a1 -> c\/c1/,
  },
];

let template: Stack;
const removals: (() => Promise<void>)[] = [];
beforeAll(async () => {
  template = await deployed({ placements: home }, slowly(1), (remove) => void removals.push(remove));
});
afterAll(() => Promise.all(removals.map((remove) => remove())));

const home = Object.fromEntries(vms.map((vm) => [vm, atHome(vm)]));

describe.concurrent.each(cases)('Ctrl-C in "$phase"', ({ vm, declared, reached, ends, says }) => {
  const power = vm === 'off-01' ? 'off' : 'running';
  const arrived = { phase: 'Settled', host: away(vm)['host'], power };

  test('once', async ({ onTestFinished }) => {
    const fleet = await template.copy(onTestFinished);
    const { up, sent } = await started(fleet, { ...away(vm), ...declared });
    onTestFinished(sent.stop);
    await until(fleet, vm, up, reached);
    up.kill('SIGINT');
    const { code, text } = await up.result;
    expect(code, text).toBe(1);
    expect(text.replace(/\s+/g, ' ')).toMatch(says);
    const { outputs } = await fleet.placement(vm);
    const pending = { host: 'a1', power, pendingHost: away(vm)['host'] };
    const state = { parked: { ...pending, phase: 'Parked' }, waiting: { ...pending, phase: 'AwaitingShutdown' }, finished: arrived }[ends];
    expect(outputs, text).toMatchObject(state);
    await finishes(fleet, sent);
  });

  test('twice', async ({ onTestFinished }) => {
    const fleet = await template.copy(onTestFinished);
    const { up, sent } = await started(fleet, { ...away(vm), ...declared });
    onTestFinished(sent.stop);
    await until(fleet, vm, up, reached);
    up.kill('SIGINT');
    await up.says(/\^C received; cancelling/);
    up.kill('SIGINT');
    const { code, text } = await up.result;
    expect(code, text).toBe(8);
    await pluginsGone(fleet);
    const left = await look(fleet, vm);
    switch (ends) {
      case 'parked':
        // The engine may be gone before the plugin could write that it parked: then the record says what it was at.
        expect(['Parked', 'Replicating', 'Migrating'], text).toContain(left?.vm.record?.phase);
        expect(left?.source?.power, text).toBe(power);
        break;
      case 'waiting':
        expect(left?.vm.record?.phase, text).toBe('AwaitingShutdown');
        expect(left?.source?.power, text).toBe('running');
        break;
      case 'finished':
        // Wherever it stopped: the record says where, and what the first Ctrl-C said holds.
        if (phaseTakesLong(vm)) expect(left?.vm.record, text).not.toBeNull();
        break;
    }
    await finishes(fleet, sent);
  });

  async function started(fleet: Stack, moving: Readonly<Record<string, unknown>>): Promise<{ up: Started; sent: Sent }> {
    await fleet.write({ placements: { ...home, [vm]: moving } });
    const up = fleet.start(['up', '--skip-preview', '--yes']);
    return { up, sent: sentFor(fleet, vm) };
  }

  /** The next `up` finishes the move, at once: the one before has given its lease back. Nothing is sent twice. */
  async function finishes(fleet: Stack, sent: Sent): Promise<void> {
    expect((await look(fleet, vm))?.world.leases).toEqual({});
    await fleet.write({ placements: { ...home, [vm]: { ...away(vm), ...(ends === 'waiting' ? {} : declared) } } });
    const { code, text } = await fleet.pulumi('up', '--skip-preview');
    expect(code, text).toBe(0);
    expect(text).not.toContain('its lease is held');
    const { outputs } = await fleet.placement(vm);
    expect(outputs, text).toMatchObject(arrived);
    const { world, vm: stored } = (await look(fleet, vm))!;
    expect(world.journal).toEqual([]);
    expect(stored.copies).toHaveLength(1);
    const { passes, fullCopies } = await sent.end();
    const expected = bytesOf(vm, passes);
    if (expected === null) return;
    expect(fullCopies).toBe(1);
    expect(outputs['lastMove']).toMatchObject({ bytes: expected });
  }
});

interface Sent {
  /** What the target holds, over all runs so far. */
  readonly end: () => Promise<{ passes: number; fullCopies: number }>;
  readonly stop: () => Promise<void>;
}

/** Counts passes as they are acknowledged: the store forgets them with the move. */
function sentFor(fleet: Stack, vm: SlowVm): Sent {
  let [passes, fullCopies, isOver] = [0, 0, false];
  const counting = (async () => {
    while (!isOver) {
      const transfer = (await look(fleet, vm))?.transfer;
      passes = Math.max(passes, transfer?.n ?? 0);
      fullCopies = Math.max(fullCopies, transfer?.generation ?? 0);
      await pause(20);
    }
  })();
  const stop = (): Promise<void> => {
    isOver = true;
    return counting;
  };
  return { stop, end: () => stop().then(() => ({ passes, fullCopies })) };
}

/** Longer than the time that a second Ctrl-C leaves. */
const phaseTakesLong = (vm: SlowVm): boolean => vm === 'cold-02' || vm === 'staged-02';
