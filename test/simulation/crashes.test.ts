/**
 * A process that dies at its n-th access to the store, for every n there is: before and after each write that it makes, of records,
 * leases, claims and places in the queue as well as of effects on VMs. A fresh process then goes on.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { Play } from './play.js';
import type { Declared, Guest, Happening, HostName, Scenario } from './scenario.js';

interface Case {
  readonly name: string;
  readonly power?: Guest['power'];
  /** Before the process that dies. */
  readonly before?: readonly Happening[];
  /** What the process that dies does, and the one that goes on after it. */
  readonly does: Happening;
  readonly ends: { readonly phase: string; readonly host: HostName; readonly power: 'running' | 'off' };
  /** What the operator does after the crash, where that is not the same again. */
  readonly then?: Happening;
}

const declared: Declared = {
  host: 'f1',
  shutdown: null,
  method: 'auto',
  keepSource: 'no',
  allowShutdown: false,
  startAfter: 'asBefore',
  onPending: 'succeed',
  goFrom: 'both',
  verify: 'increment',
};
const up = (more: Partial<Declared>): Happening => ({ kind: 'up', vm: 'web-01', declared: { ...declared, ...more }, fate: null });
const command = (what: 'cancel' | 'confirm' | 'release'): Happening => ({ kind: 'command', vm: 'web-01', what, fate: null });
const onTarget = { phase: 'Settled', host: 'f1', power: 'running' } as const;
const atHome = { phase: 'Settled', host: 'a1', power: 'running' } as const;
const cold = up({ method: 'cold', allowShutdown: true });

const cases: readonly Case[] = [
  { name: 'adopting', does: up({ host: 'a1' }), ends: atHome },
  { name: 'hot', does: up({ host: 'n1' }), ends: { ...onTarget, host: 'n1' } },
  {
    name: 'hot, source kept',
    does: up({ host: 'a2', keepSource: 'confirm' }),
    ends: { ...onTarget, host: 'a2', phase: 'AwaitingConfirmation' },
  },
  { name: 'cold, off before', power: 'off', does: up({}), ends: { ...onTarget, power: 'off' } },
  { name: 'cold, shut down by us', does: cold, ends: onTarget },
  { name: 'cold, left off', does: up({ method: 'cold', allowShutdown: true, startAfter: 'never' }), ends: { ...onTarget, power: 'off' } },
  { name: 'staged up to its pause', does: up({}), ends: { ...atHome, phase: 'AwaitingShutdown' } },
  { name: 'staged with a declared go', does: up({ shutdown: 'now' }), ends: onTarget },
  { name: 'staged, go at the VM', before: [up({}), { kind: 'annotate', vm: 'web-01', value: 'now' }], does: up({}), ends: onTarget },
  {
    name: 'staged, shut down by the operator',
    before: [up({}), { kind: 'guest', vm: 'web-01', what: 'shuts down' }, { kind: 'time passes', minutes: 1 }],
    does: up({}),
    ends: onTarget,
  },
  {
    name: 'staged by force on a deaf guest',
    before: [{ kind: 'obedience', vm: 'web-01', what: 'ignores' }],
    does: up({ shutdown: 'force' }),
    ends: onTarget,
  },
  {
    name: 'staged, source kept',
    does: up({ shutdown: 'now', keepSource: 'confirm' }),
    ends: { ...onTarget, phase: 'AwaitingConfirmation' },
  },
  {
    name: 'confirm',
    before: [up({ shutdown: 'now', keepSource: null })],
    does: command('confirm'),
    then: up({ keepSource: 'no', shutdown: 'now' }),
    ends: onTarget,
  },
  { name: 'cancel by the command', before: [up({})], does: command('cancel'), then: up({ host: 'a1' }), ends: atHome },
  { name: 'a revert', before: [up({})], does: up({ host: 'a1' }), ends: atHome },
  {
    name: 'a revert in the middle of the cutover',
    does: up({ shutdown: 'now' }),
    then: up({ host: 'a1', method: 'cold', allowShutdown: true }),
    ends: atHome,
  },
  {
    name: 'a revert in the middle of a cold move',
    does: cold,
    then: up({ host: 'a1', method: 'cold', allowShutdown: true }),
    ends: atHome,
  },
  { name: 'another target', before: [up({})], does: up({ host: 'f2', shutdown: 'now' }), ends: { ...onTarget, host: 'f2' } },
  { name: 'deleting the resource', before: [up({})], does: command('release'), then: up({ host: 'a1' }), ends: atHome },
];

let crashes = 0;
afterAll(() => console.log(`enumerated crashes: ${crashes}`));

describe.each(['driven', 'task'] as const)('style %s', (style) => {
  it.each(cases)('$name: dies at every access to the store, and a fresh process ends it', { timeout: 300_000 }, async (one) => {
    const guest: Guest = { power: one.power ?? 'running', writes: 'little', shutdown: 'at once', autostart: true };
    const scenario: Scenario = { style, vms: { 'web-01': guest }, events: [], order: 1 };
    const turns = await turnsOf(scenario, one);
    expect(turns).toBeGreaterThan(3);
    for (let turn = 1; turn <= turns; turn += 1) {
      const { history, violations, last, copies } = await crashed(scenario, one, turn);
      const where = `dies at turn ${turn} of ${turns}\n${history.join('\n')}`;
      expect(violations, where).toEqual([]);
      expect({ phase: last?.phase, host: last?.place.host, power: last?.power }, where).toEqual(one.ends);
      expect(copies, where).toBe(last?.phase === 'AwaitingConfirmation' || last?.phase === 'AwaitingShutdown' ? 2 : 1);
      crashes += 1;
    }
  });
});

/** Turns that the process takes when nothing happens to it. */
async function turnsOf(scenario: Scenario, one: Case): Promise<number> {
  const play = new Play(scenario);
  for (const happening of one.before ?? []) await play.happens({ after: null, does: happening });
  await play.untilIdle();
  const before = play.turns.count;
  await play.happens({ after: null, does: one.does });
  await play.untilIdle();
  return play.turns.count - before;
}

async function crashed(scenario: Scenario, one: Case, turn: number) {
  const play = new Play(scenario);
  for (const happening of one.before ?? []) await play.happens({ after: null, does: happening });
  await play.happens({ after: null, does: withFate(one.does, turn) });
  await play.untilIdle();
  // Rolled back, or at the pause with its go spent: the operator runs it once more.
  for (let more = 0; more < 4 && !isEnd(play, one); more += 1) {
    await play.happens({ after: null, does: { kind: 'time passes', minutes: 2 } });
    play.last = null;
    const next = one.then ?? one.does;
    await play.happens({ after: null, does: next });
    // A move that went through is reverted by another one, once its source is gone.
    if (one.then !== undefined) await play.happens({ after: null, does: command('confirm') });
    await play.untilIdle();
  }
  const { copies } = await play.outside.show().then(({ vms }) => ({ copies: vms[0]?.copies.length ?? 0 }));
  return { history: play.history, violations: play.violations, last: play.last, copies };
}

function isEnd({ last }: Play, { ends }: Case): boolean {
  return last?.phase === ends.phase && last.place.host === ends.host && last.power === ends.power;
}

function withFate(happening: Happening, turn: number): Happening {
  if (happening.kind !== 'up' && happening.kind !== 'command') return happening;
  return { ...happening, fate: { what: 'killed', turn, milliseconds: 0 } };
}
