/** Nobody waits for a run any more: it stops before its next effect, writes nothing more, and gives its lease back. */
import { describe, expect, it } from 'vitest';
import type { Desired } from '../../../provider/core/desired.js';
import type { MoveEvent } from '../../../provider/core/events.js';
import { applyPlacement } from '../../../provider/core/placement.js';
import type { Driver } from '../../../provider/core/driver.js';
import { Lab, urn, want } from './lab.js';

interface Case {
  readonly name: string;
  readonly desired: Desired;
  readonly vm: object;
}

const far = (more: Partial<Desired> = {}): Desired => want('f1', { keepSource: 'no', ...more });

const cases: readonly Case[] = [
  { name: 'hot', desired: want('n1'), vm: {} },
  { name: 'cold, off before', desired: far(), vm: { power: 'off' } },
  { name: 'cold, shut down', desired: far({ method: 'cold', allowShutdown: true }), vm: {} },
  { name: 'staged with a go', desired: far({ shutdown: 'now' }), vm: {} },
];
// Then what is sent is the same in every run, and anything sent twice shows.
const quiet = { dirtyRate: '0B/s', memoryDirtyRate: '0B/s' };

describe.each(cases)('$name', { timeout: 60_000 }, ({ desired, vm }) => {
  it('halted at its n-th event, for every n: the next run goes on at once and ends it', async () => {
    const undisturbed = await new Lab({ vm: { ...vm, ...quiet } }).up(desired);
    for (let n = 1; ; n += 1) {
      const lab = new Lab({ vm: { ...vm, ...quiet } });
      // The engine's end comes with an interrupt or without.
      const { seen, effects, outcome } = await halted(lab, desired, n, n % 2 === 0 ? 'alone' : 'with an interrupt');
      if (seen < n) break;
      const where = `event ${n}`;
      const { record, claim, lease } = await lab.vm();
      const isOver = record === null && claim?.lastMove != null;
      if (isOver) expect(outcome, where).toMatchObject({ phase: 'Settled' });
      else expect(outcome, where).toMatchObject({ code: 'lease-lost', message: expect.stringContaining('the engine is gone') as string });
      expect(effects, where).toEqual([]);
      expect(lease, where).toBeNull();
      let state = await lab.up(desired);
      // Its shutdown was on the way: it is off now, and that was not an operator's go.
      for (let more = 0; more < 2 && state.phase !== 'Settled'; more += 1) state = await lab.up(desired);
      const power = 'power' in vm ? 'off' : 'running';
      expect(state, where).toMatchObject({ phase: 'Settled', place: { host: desired.hosts[0] }, power });
      expect(state.lastMove?.bytes, where).toBe(undisturbed.lastMove?.bytes);
      expect(await lab.journal(), where).toEqual([]);
    }
  });
});

describe('a run that is halted before it holds its lease', () => {
  it('does nothing', async () => {
    const lab = new Lab();
    const run = { ...lab.run(), halt: AbortSignal.abort(new Error('the engine is gone')) };
    await expect(applyPlacement(lab.session(), urn, want('n1'), null, run)).rejects.toMatchObject({ code: 'interrupted' });
    expect(await lab.vm()).toMatchObject({ record: null, claim: null, lease: null });
  });
});

const harmless = new Set(['survey', 'release', 'pool', 'lease', 'capabilities', 'clock']);

/** `effects`: verbs that were begun after the halt. */
async function halted(
  lab: Lab,
  desired: Desired,
  n: number,
  how: 'alone' | 'with an interrupt',
): Promise<{ seen: number; effects: readonly string[]; outcome: unknown }> {
  const [halt, interrupt] = [new AbortController(), new AbortController()];
  const effects: string[] = [];
  let seen = 0;
  const emit = (event: MoveEvent): void => {
    lab.events.push(event);
    if ((event.kind !== 'progress' && event.kind !== 'start' && event.kind !== 'end') || (seen += 1) !== n) return;
    halt.abort(new Error('the engine is gone'));
    if (how === 'with an interrupt') interrupt.abort();
  };
  const watched = (driver: Driver): Driver =>
    new Proxy(driver, {
      get: (target, name: keyof Driver) => {
        const value = target[name];
        if (typeof value !== 'function' || harmless.has(name)) return value;
        return (...args: unknown[]) => {
          if (halt.signal.aborted) effects.push(name);
          return (value as (...given: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  const run = { ...lab.run(interrupt.signal), emit, halt: halt.signal };
  const outcome: unknown = await applyPlacement(lab.session(watched), urn, desired, null, run).catch((one: unknown) => one);
  return { seen, effects, outcome };
}
