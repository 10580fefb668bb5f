/** A process that dies at any verb, before or after its effect; a later one, on any machine, goes on from what the platform holds. */
import { describe, expect, it } from 'vitest';
import type { Desired } from '../../../provider/core/desired.js';
import { applyPlacement } from '../../../provider/core/placement.js';
import type { Driver } from '../../../provider/core/driver.js';
import { Lab, want } from './lab.js';

interface Case {
  readonly name: string;
  readonly style: 'driven' | 'task';
  readonly vm: object;
  readonly desired: Desired;
  readonly ends: object;
  readonly copies: number;
}

const far = (more: Partial<Desired> = {}): Desired => want('f1', { keepSource: 'no', ...more });
const onFar = { phase: 'Settled', power: 'running', place: { cluster: 'far', host: 'f1' } };

const cases: readonly Case[] = (['driven', 'task'] as const).flatMap((style): Case[] => [
  { name: 'hot', style, vm: {}, desired: want('n1'), ends: { ...onFar, place: { cluster: 'near', host: 'n1' } }, copies: 1 },
  { name: 'cold, off before', style, vm: { power: 'off' }, desired: far(), ends: { ...onFar, power: 'off' }, copies: 1 },
  { name: 'cold, shut down', style, vm: {}, desired: far({ method: 'cold', allowShutdown: true }), ends: onFar, copies: 1 },
  { name: 'staged with a go', style, vm: {}, desired: far({ shutdown: 'now' }), ends: onFar, copies: 1 },
  {
    name: 'staged, source kept',
    style,
    vm: {},
    desired: far({ shutdown: 'now', keepSource: 'confirm' }),
    ends: { ...onFar, phase: 'AwaitingConfirmation' },
    copies: 2,
  },
]);

describe.each(cases)('$name (style $style)', { timeout: 60_000 }, ({ style, vm, desired, ends, copies }) => {
  it.each(['before', 'after'] as const)('dies %s its n-th verb, for every n: ends on the target, nothing is lost', async (when) => {
    const total = await verbs(style, vm, desired);
    expect(total).toBeGreaterThan(8);
    for (let n = 1; n <= total; n += 1) {
      const lab = new Lab({ style, vm });
      const where = `${when} verb ${n} of ${total}`;
      const dying = dyingAt(n, when);
      await lab.up(desired, undefined, lab.session(dying.wrap)).catch(() => undefined);
      // The dead run's lease has to run out; meanwhile the VM lives on.
      await lab.advance(61_000);
      let state = await lab.up(desired);
      // Rolled back or found the go spent on a pause: one more run ends it.
      for (let more = 0; more < 3 && state.phase !== (ends as { phase: string }).phase; more += 1) state = await lab.up(desired);
      expect(state, `${where} (${dying.last()})`).toMatchObject(ends);
      const now = await lab.vm();
      expect(now.copies.length, where).toBe(copies);
      expect(now.lease, where).toBeNull();
      expect(now.copies.find((copy) => copy.role === 'live')?.autostart, where).toBe(true);
      expect(await lab.journal(), where).toEqual([]);
    }
  });
});

describe('a revert after a crash', { timeout: 60_000 }, () => {
  it.each(['before', 'after'] as const)(
    '%s the n-th verb, for every n: settles at the source, or is a new move from the target',
    async (when) => {
      const desired = far({ shutdown: 'now' });
      const total = await verbs('driven', {}, desired);
      for (let n = 1; n <= total; n += 1) {
        const lab = new Lab();
        const dying = dyingAt(n, when);
        await lab.up(desired, undefined, lab.session(dying.wrap)).catch(() => undefined);
        await lab.advance(61_000);
        const where = `${when} verb ${n} of ${total} (${dying.last()})`;
        const past = (await lab.vm()).copies.some((copy) => copy.ref.host === 'f1' && copy.power === 'running');
        const starting = (await lab.vm()).record?.targetStarting === true;
        const state = await lab.up(want('a1'));
        expect(state.power, where).toBe('running');
        if (!past && !starting) {
          expect(state, where).toMatchObject({ phase: 'Settled', place: { host: 'a1' } });
          const vm = await lab.vm();
          expect(vm, where).toMatchObject({ record: null, lease: null });
          expect(vm.copies, where).toHaveLength(1);
          expect(vm.copies[0], where).toMatchObject({ blocked: false, autostart: true });
        }
        expect(await lab.journal(), where).toEqual([]);
      }
    },
  );
});

describe.each([
  ['staged', {}, far({ shutdown: 'now' })],
  ['cold', { power: 'off' }, far({ method: 'cold' })],
  ['cold of a VM that runs', {}, far({ method: 'cold', allowShutdown: true })],
] as const)('%s: the copy on the target is started by hand after a crash', { timeout: 60_000 }, (_method, vm, desired) => {
  it.each(['up', 'revert'] as const)('then %s never starts the source beside it', async (then) => {
    const total = await verbs('driven', vm, desired);
    let started = 0;
    for (let n = 1; n <= total; n += 1) {
      const lab = new Lab({ vm });
      const dying = dyingAt(n, 'after');
      await lab.up(desired, undefined, lab.session(dying.wrap)).catch(() => undefined);
      await lab.advance(61_000);
      const { copies } = await lab.vm();
      if (copies.some(({ power }) => power === 'running')) continue;
      const isStarted = await lab.outside.start('web-01', 'f1').then(
        () => true,
        () => false,
      );
      if (!isStarted) continue;
      started += 1;
      for (let run = 0; run < 3; run += 1) {
        await lab.up(then === 'up' ? desired : want('a1')).catch(() => undefined);
        await lab.advance(61_000);
        const running = (await lab.vm()).copies.filter(({ power }) => power === 'running').map(({ ref }) => ref.host);
        expect(running.length, `after verb ${n} of ${total} (${dying.last()}), run ${run}: ${running.join(', ')}`).toBeLessThanOrEqual(1);
      }
    }
    expect(started).toBeGreaterThan(0);
  });
});

const oncePerMethod = cases.filter(({ copies }) => copies === 1);

describe.each(oncePerMethod)('$name (style $style)', { timeout: 60_000 }, ({ style, vm, desired, ends }) => {
  it('dies in the middle of the work, at every progress that it reports', async () => {
    for (let n = 1; ; n += 1) {
      const lab = new Lab({ style, vm });
      const session = lab.session();
      const run = lab.run();
      let seen = 0;
      // What throws out of a verb in the middle stands for a process that is gone: `kill` keeps it from putting anything back.
      const dying = dyingAt(Infinity, 'before');
      const mortal = { ...session, driver: dying.wrap(session.driver) };
      const emit: typeof run.emit = (event) => {
        if (event.kind !== 'progress' || (seen += 1) !== n) return;
        dying.kill();
        throw new Error('this process is dead');
      };
      await applyPlacement(mortal, 'urn:web-01', desired, null, { ...run, emit }).catch(() => undefined);
      if (seen < n) break;
      await lab.advance(61_000);
      let state = await lab.up(desired);
      for (let more = 0; more < 3 && state.phase !== (ends as { phase: string }).phase; more += 1) state = await lab.up(desired);
      expect(state, `progress ${n}`).toMatchObject(ends);
      expect(await lab.journal(), `progress ${n}`).toEqual([]);
    }
  });
});

const inert = new Set(['survey', 'close', 'capabilities', 'clock']);

/** Dies at its n-th verb: from then on nothing of this process reaches the platform. */
function dyingAt(
  n: number,
  when: 'before' | 'after',
): { wrap: (driver: Driver) => Driver; last: () => string; count: () => number; kill: () => void } {
  let count = 0;
  let dead = false;
  let last = '';
  const wrap = (driver: Driver): Driver =>
    new Proxy(driver, {
      get(target, name: string) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (dead) throw new Error('this process is dead');
          if (inert.has(name)) return (value as (...all: unknown[]) => unknown).apply(target, args);
          count += 1;
          const mine = count === n;
          if (mine) last = name;
          if (mine && when === 'before') dead = true;
          if (dead) throw new Error('this process is dead');
          const result = await (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
          if (mine) dead = true;
          if (dead) throw new Error('this process is dead');
          return result;
        };
      },
    });
  return { wrap, last: () => last, count: () => count, kill: () => void (dead = true) };
}

async function verbs(style: 'driven' | 'task', vm: object, desired: Desired): Promise<number> {
  const lab = new Lab({ style, vm });
  const counting = dyingAt(Infinity, 'before');
  await lab.up(desired, undefined, lab.session(counting.wrap));
  return counting.count();
}
