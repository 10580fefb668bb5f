import { describe, expect, test } from 'vitest';
import { sim, stoppedWall } from './kit.js';

const clusters = { a: { hosts: { a1: {} } } };

describe('a manual clock', () => {
  test('given several sleepers, then they wake in the order of their time, and time jumps to each', async () => {
    const { driver } = sim({ clusters });
    const start = await driver.clock.now();
    const woke: [string, number][] = [];
    const sleeper = async (name: string, ...naps: number[]): Promise<void> => {
      for (const nap of naps) {
        await driver.clock.sleep(nap, 'work');
        woke.push([name, (await driver.clock.now()) - start]);
      }
    };
    await Promise.all([sleeper('a', 10, 10, 30), sleeper('b', 25, 10), sleeper('c', 1000)]);
    expect(woke).toEqual([
      ['a', 10],
      ['a', 20],
      ['b', 25],
      ['b', 35],
      ['a', 50],
      ['c', 1000],
    ]);
  });

  test('given a wait for an operator, then it does not move by itself, only `advance` moves it', async () => {
    const { driver, outside } = sim({ clusters });
    const start = await driver.clock.now();
    let over = false;
    const waiting = driver.clock.sleep(60_000, 'operator').then(() => (over = true));
    await driver.clock.sleep(30_000, 'work');
    expect([over, (await driver.clock.now()) - start]).toEqual([false, 30_000]);
    await outside.advance(30_000);
    await waiting;
    expect(over).toBe(true);
  });

  test('given a wait for an operator, when work makes time pass it, then it ends in its order', async () => {
    const { driver } = sim({ clusters });
    const start = await driver.clock.now();
    const woke: [string, number][] = [];
    const nap = async (name: string, milliseconds: number, why: 'work' | 'operator'): Promise<void> => {
      await driver.clock.sleep(milliseconds, why);
      woke.push([name, (await driver.clock.now()) - start]);
    };
    const late = new AbortController();
    const waiting = driver.clock.sleep(200, 'operator', late.signal).catch(() => 'still waiting');
    await Promise.all([nap('long', 100, 'work'), nap('first', 15, 'operator'), nap('short', 40, 'work'), nap('second', 70, 'operator')]);
    late.abort();
    expect(await waiting).toBe('still waiting');
    expect(woke).toEqual([
      ['first', 15],
      ['short', 40],
      ['second', 70],
      ['long', 100],
    ]);
  });

  test.each(['work', 'operator'] as const)('a sleep for %s ends when it is aborted', async (why) => {
    const { driver } = sim({ clusters });
    const stop = new AbortController();
    const sleeping = driver.clock.sleep(60_000, why, stop.signal);
    stop.abort();
    await expect(sleeping).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('a wall clock', () => {
  test('runs at the declared speed from the making of the store on', async () => {
    const wall = stoppedWall(1_000_000);
    const { driver } = sim({ clusters, clock: 'wall', speed: 60 }, wall);
    const start = await driver.clock.now();
    wall.advance(1000);
    expect((await driver.clock.now()) - start).toBe(60_000);
    await driver.clock.sleep(6000, 'operator');
    expect((await driver.clock.now()) - start).toBe(66_000);
  });

  test('cannot be advanced', async () => {
    await expect(sim({ clusters, clock: 'wall' }).outside.advance(1)).rejects.toMatchObject({ code: 'not-possible' });
  });

  test('given a lease, then it runs out in wall time, whatever the speed', async () => {
    const wall = stoppedWall();
    const { driver } = sim({ clusters, clock: 'wall', speed: 3600, vms: { web: { host: 'a1' } } }, wall);
    await driver.lease('web', 'one', { expireMs: 60_000 });
    wall.advance(59_000);
    await expect(driver.lease('web', 'two', { expireMs: 60_000 })).rejects.toMatchObject({ code: 'lease-lost' });
    wall.advance(1001);
    expect((await driver.lease('web', 'two', { expireMs: 60_000 })).holder).toBe('two');
  });

  test('given the turns of moves, then they run out as leases do, and whoever renews them knows how fast the clock is', async () => {
    const wall = stoppedWall(1_000_000);
    const { driver } = sim({ clusters, clock: 'wall', speed: 60 }, wall);
    const time = () => driver.pool((tickets, now) => ({ tickets, result: now }));
    expect(await time()).toEqual({ nowMs: 1_000_000, pace: 60 });
    await driver.clock.sleep(15_000 * 60, 'operator');
    expect(await time()).toEqual({ nowMs: 1_015_000, pace: 60 });
  });
});
