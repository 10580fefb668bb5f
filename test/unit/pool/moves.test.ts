/** Moves of several processes take turns. */
import { describe, expect, test } from 'vitest';
import type { Concurrency } from '../../../provider/core/desired.js';
import type { Driver } from '../../../provider/core/driver.js';
import { Fleet, fleetOf } from './fleet.js';
import { moving } from './tickets.js';

const dozen = Array.from({ length: 12 }, (_, index) => `web-${String(index + 1).padStart(2, '0')}`);

/** Holds up what it wraps until it is let go. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

const timeout = 60_000;

describe('twelve VMs that leave one host at the same time, in two processes', { timeout }, () => {
  test.each([
    ['hot', 'n1', {}],
    ['cold', 'f1', { method: 'cold', allowShutdown: true, keepSource: 'no' }],
    ['staged', 'f1', { shutdown: 'now', keepSource: 'no' }],
  ] as const)('%s: never more than two move, and all arrive', async (_method, host, more) => {
    const fleet = fleetOf(dozen);
    const sessions = [fleet.session({ perSourceHost: 2 }), fleet.session({ perSourceHost: 2 })];
    const states = await Promise.all(dozen.map((vm, index) => fleet.up(sessions[index % 2]!, vm, host, more)));
    const seen = (await Promise.all(fleet.seen)).map((tickets) => moving(tickets).length);
    expect(states.map(({ phase, place }) => `${phase} ${place.host}`)).toEqual(dozen.map(() => `Settled ${host}`));
    expect([fleet.most, Math.max(...seen)]).toEqual([2, 2]);
    expect(await fleet.tickets()).toEqual([]);
    expect((await fleet.outside.show()).violations).toEqual([]);
  });
});

describe('each limit counts', { timeout }, () => {
  const cases: readonly (readonly [keyof Concurrency, readonly string[]])[] = [
    ['perSourceHost', ['a1 n1', 'a1 a2', 'a1 n2']],
    ['perTargetHost', ['a1 n1', 'a2 n1', 'n2 n1']],
    ['perLink', ['a1 n1', 'a2 n2', 'n1 a1']],
    ['perDatacenter', ['a1 a2', 'n1 n2', 'f1 f2']],
  ];

  test.each(cases)('%s', async (limit, ways) => {
    const routes = ways.map((way) => way.split(' '));
    const most = async (concurrency: Partial<Concurrency>): Promise<number> => {
      const fleet = new Fleet(Object.fromEntries(routes.map(([host = ''], index) => [`web-${index}`, { host }])));
      const session = fleet.session(concurrency);
      await Promise.all(routes.map(([, to = ''], index) => fleet.up(session, `web-${index}`, to)));
      return fleet.most;
    };
    expect([await most({ [limit]: 1 }), await most({})]).toEqual([1, 3]);
  });

  test('given two processes that are configured differently, then the smaller one counts for both', async () => {
    const fleet = fleetOf(dozen.slice(0, 6));
    const [careful, bold] = [fleet.session({ perSourceHost: 1 }), fleet.session({ perSourceHost: 3 })];
    const [first = '', ...rest] = dozen.slice(0, 6);
    await Promise.all([fleet.up(careful, first, 'n1'), ...rest.map((vm) => fleet.up(bold, vm, 'n2'))]);
    // One at a time until that of the careful one was over.
    const moved = fleet.seen.map(async (tickets) => moving(await tickets).map(({ vm }) => vm.name));
    const together = (await Promise.all(moved)).filter((names) => names.includes(first));
    expect(together).not.toEqual([]);
    expect(together.filter((names) => names.length > 1)).toEqual([]);
    expect(fleet.most).toBe(3);
  });
});

describe('a move that waits for its turn', { timeout }, () => {
  /** web-01 moves and stays at it until the gate opens; web-02 waits. */
  async function oneWaits(more = {}, signal?: AbortSignal) {
    const fleet = fleetOf(['web-01', 'web-02']);
    const held = gate();
    const wrap = (driver: Driver): Driver => ({
      ...driver,
      migrate: async (...args) => {
        if (args[0].vm.name === 'web-01') await held.opened;
        return driver.migrate(...args);
      },
    });
    const session = fleet.session({ perSourceHost: 1 }, wrap);
    const first = fleet.up(session, 'web-01', 'n1');
    await fleet.until(async () => (await fleet.named('moving')).includes('web-01'));
    const second = fleet.up(session, 'web-02', 'n2', more, signal === undefined ? {} : { signal }).catch((error: unknown) => error);
    await fleet.until(async () => (await fleet.named('waiting')).includes('web-02'));
    return { fleet, held, first, second };
  }

  test('says what it waits for, once', async () => {
    const { fleet, held, first, second } = await oneWaits();
    for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    held.open();
    await Promise.all([first, second]);
    expect(fleet.notices('web-02').filter((text) => text.includes('turn'))).toEqual([
      'web-02: waits for a turn: a/a1 already sends 1 of 1 VM (web-01)',
    ]);
  });

  test("and is interrupted, then nothing was done, and it stands in nobody's way", async () => {
    const stop = new AbortController();
    const { fleet, held, first, second } = await oneWaits({}, stop.signal);
    stop.abort();
    expect(await second).toMatchObject({ code: 'interrupted', message: 'web-02: interrupted before anything was done.' });
    expect(await fleet.named('waiting')).toEqual([]);
    held.open();
    await first;
    expect(await fleet.tickets()).toEqual([]);
  });

  test('decides when its turn has come: what changed meanwhile counts', async () => {
    const { fleet, held, first, second } = await oneWaits();
    await fleet.outside.setHost('n2', 'maintenance');
    held.open();
    await first;
    expect(await second).toMatchObject({ code: 'blocked', message: expect.stringContaining('maintenance') });
    expect(await fleet.tickets()).toEqual([]);
  });

  test('decides then also where nothing was expected to move', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    const session = fleet.session({ perSourceHost: 1 });
    // What this process has read is that it is where it shall be.
    await fleet.outside.move('web-02', 'n2');
    session.refresh();
    await session.inventory();
    await fleet.outside.move('web-02', 'a1');
    await fleet.takeAll('web-01');
    const waits = fleet.up(session, 'web-02', 'n2').catch((error: unknown) => error);
    await fleet.until(async () => (await fleet.named('waiting')).includes('web-02'));
    await fleet.outside.setHost('n2', 'maintenance');
    await fleet.giveBack();
    expect(await waits).toMatchObject({ code: 'blocked', message: expect.stringContaining('maintenance') });
  });

  test('and turns out to go elsewhere, then it takes the turn for there', async () => {
    const { fleet, held, first, second } = await oneWaits({
      hosts: ['n2', 'f1'],
      cluster: null,
      scope: 'any',
      method: 'cold',
      allowShutdown: true,
    });
    await fleet.outside.setHost('n2', 'maintenance');
    held.open();
    await first;
    expect(await second).toMatchObject({ place: { host: 'f1' } });
  });
});
