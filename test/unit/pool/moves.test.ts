/** Moves of several processes take turns. */
import { describe, expect, test } from 'vitest';
import type { Concurrency } from '../../../provider/core/desired.js';
import type { Driver } from '../../../provider/core/driver.js';
import { PlacementError } from '../../../provider/core/errors.js';
import { Fleet } from './fleet.js';
import { moving } from './tickets.js';

const dozen = Array.from({ length: 12 }, (_, index) => `web-${String(index + 1).padStart(2, '0')}`);
const fleetOf = (names: readonly string[], vm = {}) => new Fleet(Object.fromEntries(names.map((name) => [name, vm])));

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

describe('a turn', { timeout }, () => {
  test('of a process that is dead is free when it has expired', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    const dying = fleet.session({ perSourceHost: 1 }, (driver) => {
      let dead = false;
      const mortal = <T extends (...args: never[]) => Promise<unknown>>(verb: T): T =>
        ((...args) => (dead ? Promise.reject(new Error('this process is dead')) : verb(...args))) as T;
      return {
        ...driver,
        migrate: () => ((dead = true), Promise.reject(new Error('this process is dead'))),
        ...Object.fromEntries(
          (['record', 'lease', 'release', 'survey', 'pool', 'claim'] as const).map((verb) => [verb, mortal(driver[verb])]),
        ),
      };
    });
    await expect(fleet.up(dying, 'web-01', 'n1')).rejects.toThrow('dead');
    expect(await fleet.named('moving')).toEqual(['web-01']);
    const before = (await fleet.outside.show()).now;
    const next = fleet.session({ perSourceHost: 1 });
    await fleet.up(next, 'web-02', 'n2');
    const waited = Date.parse((await fleet.outside.show()).now) - Date.parse(before);
    expect(waited).toBeGreaterThanOrEqual(60_000);
  });

  test('is not waited for by a VM whose dead run still holds one', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    await fleet.takeAll('web-01');
    await fleet.up(fleet.session({ perSourceHost: 1 }), 'web-01', 'n1');
    expect(fleet.notices('web-01').filter((text) => text.includes('turn'))).toEqual([]);
  });

  test('is renewed during a copy that takes longer than it lasts', async () => {
    const fleet = fleetOf(['web-01', 'web-02'], { disks: [{ name: 'vda', size: '2TiB', allocated: '160GiB' }] });
    const slow = {
      method: 'cold',
      allowShutdown: true,
      keepSource: 'no',
      verify: 'off',
      bandwidthBytesPerSecond: 100 * 1024 ** 2,
    } as const;
    const [one, other] = [fleet.session({ perSourceHost: 1 }), fleet.session({ perSourceHost: 1 })];
    await Promise.all([fleet.up(one, 'web-01', 'f1', slow), fleet.up(other, 'web-02', 'f1', slow)]);
    expect(fleet.most).toBe(1);
  });

  test('is given back in the pause of a staged move', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    const session = fleet.session({ perSourceHost: 1 });
    const waits = { onPending: 'wait', waitTimeoutMs: 600_000 } as const;
    const first = fleet.up(session, 'web-01', 'f1', waits);
    const second = fleet.up(session, 'web-02', 'f2', waits);
    const phases = async () => (await fleet.outside.show()).vms.map(({ step }) => step);
    await fleet.until(async () => (await phases()).every((step) => step === 'staged: await-go') && (await fleet.tickets()).length === 0);
    await fleet.outside.advance(60_000);
    await fleet.until(() => fleet.events.filter(({ kind }) => kind === 'progress').length > 0 && fleet.moving.size === 0);
    await fleet.outside.advance(700_000);
    expect([(await first).phase, (await second).phase]).toEqual(['AwaitingShutdown', 'AwaitingShutdown']);
    expect(fleet.most).toBe(1);
    expect(await fleet.tickets()).toEqual([]);
  });

  test('is not waited for by a VM that is off because of its move', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    const stop = fleet.session({}, (driver) => ({
      ...driver,
      finish: () => Promise.reject(new Error('killed')),
      start: () => Promise.reject(new Error('killed')),
    }));
    await fleet.up(stop, 'web-01', 'f1', { shutdown: 'now' }).catch(() => undefined);
    await fleet.takeAll('web-02');
    await fleet.up(fleet.session({ perSourceHost: 1 }), 'web-01', 'f1', { shutdown: 'now' });
    expect(fleet.notices('web-01').filter((text) => text.includes('turn'))).toEqual([]);
  });

  test('is not waited for where the platform may be moving the VM by itself', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    const dead = (): Promise<never> => Promise.reject(new PlacementError('lease-lost', 'killed'));
    // The hot job runs on; the process that began it is gone.
    const began = fleet.session({}, (driver) => ({
      ...driver,
      migrate: (move, run) => driver.migrate(move, { ...run, checkLease: dead }),
    }));
    await fleet.up(began, 'web-01', 'n1').catch(() => undefined);
    await fleet.takeAll('web-02');
    expect(await fleet.up(fleet.session({ perSourceHost: 1 }), 'web-01', 'n1')).toMatchObject({ place: { host: 'n1' } });
    expect(fleet.notices('web-01').filter((text) => text.includes('turn'))).toEqual([]);
  });

  test('is not waited for longer than the timeout of the resource', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    await fleet.takeAll('web-02');
    const waiting = fleet.up(fleet.session({ perSourceHost: 1 }), 'web-01', 'n1', {}, { timeoutMs: 600_000 });
    await expect(waiting).rejects.toMatchObject({ code: 'timeout', message: expect.stringMatching(/within 10m.*Nothing was done/) });
    expect(await fleet.named('waiting')).toEqual([]);
    expect((await fleet.outside.show()).vms[0]).toMatchObject({ step: null });
  });

  test('is not waited for any longer when the VM was shut down meanwhile', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    await fleet.up(fleet.session({}), 'web-01', 'f1');
    await fleet.takeAll('web-02');
    const cutOver = fleet.up(fleet.session({ perSourceHost: 1 }), 'web-01', 'f1', { keepSource: 'no' });
    await fleet.until(async () => (await fleet.named('waiting')).includes('web-01'));
    await fleet.outside.shutdown('web-01', 'clean');
    expect(await cutOver).toMatchObject({ phase: 'Settled', place: { host: 'f1' } });
    expect(await fleet.named('moving')).toEqual(['web-02']);
  });
});

describe('a pool that cannot be reached', { timeout }, () => {
  test('stops a move before anything is done', async () => {
    const fleet = fleetOf(['web-01']);
    const session = fleet.session({}, (driver) => ({ ...driver, pool: () => Promise.reject(new Error('no route to host')) }));
    await expect(fleet.up(session, 'web-01', 'n1')).rejects.toThrow('no route to host');
    expect((await fleet.outside.show()).vms[0]).toMatchObject({ step: null });
  });

  test('for a while does no harm to one that moves', async () => {
    const fleet = fleetOf(['web-01'], { disks: [{ name: 'vda', size: '2TiB', allocated: '1TiB' }] });
    let asked = 0;
    const session = fleet.session({}, (driver) => ({
      ...driver,
      pool: (change) => ((asked += 1) % 3 === 2 ? Promise.reject(new Error('no route to host')) : driver.pool(change)),
    }));
    expect(await fleet.up(session, 'web-01', 'n1')).toMatchObject({ place: { host: 'n1' } });
    expect(asked).toBeGreaterThan(3);
  });
});
