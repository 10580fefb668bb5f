/** What a turn is, from the moment it is asked for to its end: of processes that live, die, or lose sight of the pool. */
import { describe, expect, test } from 'vitest';
import { PlacementError } from '../../../provider/core/errors.js';
import { fleetOf } from './fleet.js';

const timeout = 60_000;

describe('a turn', { timeout }, () => {
  test('that is free costs no second reading of everything', async () => {
    const fleet = fleetOf(['web-01']);
    let readings = 0;
    const session = fleet.session({}, (driver) => ({
      ...driver,
      survey: (scope, signal) => {
        if (scope.vms === undefined) readings += 1;
        return driver.survey(scope, signal);
      },
    }));
    await fleet.up(session, 'web-01', 'n1');
    // The one of the process, and the one that decides.
    expect(readings).toBe(2);
  });

  test('that another process has is asked for again and again, and told once', async () => {
    const fleet = fleetOf(['web-01', 'web-02']);
    await fleet.takeAll('web-02');
    let asked = 0;
    const session = fleet.session({ perSourceHost: 1 }, (driver) => ({
      ...driver,
      pool: (change) => ((asked += 1), driver.pool(change)),
    }));
    const waits = fleet.up(session, 'web-01', 'n1');
    await fleet.until(() => asked > 5);
    await fleet.giveBack();
    await waits;
    expect(fleet.notices('web-01').filter((text) => text.includes('turn'))).toHaveLength(1);
  });

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
