/** Clocks of hosts that are wrong, or are set right in the middle: no decision may hang on them. */
import { describe, expect, it } from 'vitest';
import { applyPlacement } from '../../../provider/core/placement.js';
import type { Driver } from '../../../provider/core/driver.js';
import { Lab, urn, want } from './lab.js';

const minute = 60_000;
const hour = 60 * minute;
const moved = { phase: 'AwaitingConfirmation', power: 'running', place: { cluster: 'far', host: 'f1' } };
const skews = [hour, -hour, 0];
const go = want('f1', { shutdown: 'now' });

/** The process dies in this verb, after or before it has done it. */
const dyingIn = (verb: 'start' | 'block' | 'finish', when: 'before' | 'after') => (driver: Driver) => {
  let dead = false;
  return new Proxy(driver, {
    get(target, name: string) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]) => {
        if (name === verb && when === 'before') dead = true;
        if (dead) throw new Error('this process is dead');
        const result: unknown = await (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        if (name === verb) dead = true;
        return result;
      };
    },
  });
};
const dying = async (lab: Lab, verb: 'start' | 'block' | 'finish', when: 'before' | 'after'): Promise<void> => {
  await expect(lab.up(go, undefined, lab.session(dyingIn(verb, when)))).rejects.toThrow('dead');
  await lab.advance(2 * minute);
};

describe.each(skews)('the clock of the source’s host is %i ms ahead', (ahead) => {
  const skewed = async (): Promise<Lab> => {
    const lab = new Lab();
    await lab.outside.setClock('a1', ahead);
    return lab;
  };

  it('a clean shutdown while the move waits is a go, with its time in the platform’s', async () => {
    const lab = await skewed();
    await lab.up(want('f1'));
    await lab.outside.shutdown('web-01', 'clean');
    const began = (await lab.driverNow()) - 5000;
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject(moved);
    expect(state.lastMove!.go).toBe(`guest: shutdown by VM web-01 at ${new Date(began).toISOString()}`);
    expect(await lab.journal()).toEqual([]);
  });

  it('one that began before the move waited is none', async () => {
    const lab = new Lab({ vm: { shutdown: { takes: '2m' } } });
    await lab.outside.setClock('a1', ahead);
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      // From inside, while the full copy runs: it ends while the move waits.
      if (event.kind === 'progress' && event.step === 'replicate') void askOnce();
    };
    let asked: Promise<void> | null = null;
    const askOnce = (): Promise<void> => (asked ??= lab.askGuest());
    await applyPlacement(lab.session(), urn, want('f1'), null, { ...run, emit });
    await lab.advance(3 * minute);
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'off', place: { host: 'a1' } });
    expect(state.message).toContain('before the move began to wait');
  });

  it('the downtime is what it was', async () => {
    const lab = await skewed();
    const { lastMove } = await lab.up(go);
    expect(lastMove!.downtimeMs).toBe((await new Lab().up(go)).lastMove!.downtimeMs);
    expect(lastMove!.downtimeMs).toBeGreaterThan(0);
  });
});

describe.each(skews)('the clock of the target’s host is %i ms ahead', (ahead) => {
  const skewed = async (): Promise<Lab> => {
    const lab = new Lab();
    await lab.outside.setClock('f1', ahead);
    return lab;
  };

  it('a target that ran is never taken for one that did not: what it wrote is not given up', async () => {
    const lab = await skewed();
    await dying(lab, 'start', 'after');
    await lab.outside.shutdown('web-01', 'clean');
    await lab.outside.startSource('web-01');
    await expect(lab.up(go)).rejects.toThrow(/past the point of no return. Nothing more is done. Next: decide which copy is the right one/);
    expect((await lab.vm()).copies).toMatchObject([{ power: 'running' }, { power: 'off' }]);
  });

  it.each([
    ['the source: the target is removed by hand, and the move begins again', 'f1', { phase: 'AwaitingShutdown', place: { host: 'a1' } }],
    ['the target: the source is removed by hand, and the move ends', 'a1', { phase: 'Settled', place: { host: 'f1' } }],
  ])('two copies that ran: a person decides for %s', async (_what, removed, after) => {
    const lab = await skewed();
    await dying(lab, 'start', 'after');
    await lab.outside.shutdown('web-01', 'clean');
    await lab.outside.startSource('web-01');
    await expect(lab.up(go)).rejects.toThrow('remove its definition by hand');
    if (removed === 'a1') await lab.outside.shutdown('web-01', 'hard');
    await lab.outside.removeCopy('web-01', removed);
    expect(await lab.up(go)).toMatchObject({ power: 'running', ...after });
  });

  it('one that did not run is given up for a source that does', async () => {
    const lab = await skewed();
    await dying(lab, 'start', 'before');
    await lab.outside.startSource('web-01');
    expect(await lab.up(go)).toMatchObject({ phase: 'AwaitingShutdown', power: 'running', place: { host: 'a1' } });
    expect(await lab.up(go)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('the downtime is what it was', async () => {
    const downtime = async (lab: Lab): Promise<number> => (await lab.up(go)).lastMove!.downtimeMs;
    expect(await downtime(await skewed())).toBe(await downtime(new Lab()));
  });
});

describe('the clock of the source’s host is set back by an hour during the cutover', () => {
  const runsAndStops = async (lab: Lab): Promise<void> => {
    await lab.outside.setClock('a1', -hour);
    await lab.outside.startSource('web-01');
    await lab.advance(10_000);
    await lab.outside.shutdown('web-01', 'clean');
  };

  it.each(['before', 'after'] as const)('and the source ran meanwhile (the run died %s its block): the increment is void', async (when) => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await dying(lab, 'block', when);
    await runsAndStops(lab);
    const state = await lab.up(go);
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'off', place: { host: 'a1' } });
    expect(state.message).toContain('was started on a/a1 by somebody else');
    await lab.outside.start('web-01');
    expect(await lab.up(go)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  /** A platform that lost what it knew of changes (a restarted daemon). */
  const forgetful = (driver: Driver): Driver => ({
    ...driver,
    survey: async (...args) => {
      const inventory = await driver.survey(...args);
      const lastChange = { unknown: 'the platform does not tell any more' };
      return {
        ...inventory,
        vms: inventory.vms.map((vm) => ({ ...vm, copies: vm.copies.map((one) => (one.ref.host === 'a1' ? { ...one, lastChange } : one)) })),
      };
    },
  });

  it.each([
    ['staged', go],
    ['cold', want('f1', { method: 'cold', allowShutdown: true })],
  ])('%s: it ran before it was blocked, and its changes are not told any more: what was sent is void', async (_method, desired) => {
    const lab = new Lab();
    await expect(lab.up(desired, undefined, lab.session(dyingIn('block', 'before')))).rejects.toThrow('dead');
    await lab.advance(2 * minute);
    await runsAndStops(lab);
    const up = lab.up(desired, undefined, lab.session(forgetful));
    const told = await up.then(
      (state) => state.message,
      (error: unknown) => String(error),
    );
    expect(told).toContain('was started on a/a1 by somebody else');
    expect(await lab.up(desired)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('and nobody started it: the move goes on', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await dying(lab, 'block', 'after');
    await lab.outside.setClock('a1', -hour);
    expect(await lab.up(go)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

it('a platform that starts the target itself: one that ran is not given up, however many runs died in between', async () => {
  const lab = new Lab({ style: 'task' });
  await dying(lab, 'finish', 'after');
  await lab.outside.shutdown('web-01', 'clean');
  await dying(lab, 'finish', 'before');
  await lab.outside.startSource('web-01');
  await expect(lab.up(go)).rejects.toThrow('decide which copy is the right one');
  expect((await lab.vm()).copies).toMatchObject([{ power: 'running' }, { power: 'off' }]);
});

it('a record of before, without the changes that hosts told, is continued', async () => {
  const lab = new Lab();
  await dying(lab, 'start', 'before');
  await lab.model.update(({ world }) => {
    const { record } = world.vms['web-01']!;
    delete (record as { offChange?: unknown }).offChange;
    delete (record as { startingChange?: unknown }).startingChange;
  });
  expect(await lab.up(go)).toMatchObject(moved);
  expect(await lab.journal()).toEqual([]);
});
