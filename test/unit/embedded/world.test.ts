import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { isKnown, type HostFacts } from '../../../provider/core/inventory.js';
import type { Driver } from '../../../provider/core/driver.js';
import { run, moveOf } from './moves.js';
import { sim } from './kit.js';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const two = { a: { hosts: { a1: {} } }, b: { hosts: { b1: {}, b2: {} } } };
const b1 = { cluster: 'b', host: 'b1' };

async function factsOf(driver: Driver, name: string): Promise<HostFacts> {
  const facts = (await driver.survey({})).hosts.find((host) => host.name === name)?.facts;
  if (facts === undefined || !isKnown(facts)) throw new Error('unknown facts');
  return facts;
}
const freeOf = async (driver: Driver, host: string): Promise<number> => {
  const { pools } = await factsOf(driver, host);
  const free = isKnown(pools) ? pools[0]?.freeBytes : undefined;
  return typeof free === 'number' ? free : NaN;
};
const freeMemory = async (driver: Driver, host: string): Promise<number> => {
  const { memory } = await factsOf(driver, host);
  return isKnown(memory) ? memory.freeBytes : NaN;
};

describe('the world goes on without any process', () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 12 })], { numRuns: 20 })(
    'given the same end, then it does not matter in how many steps it was read',
    async (steps) => {
      const outcome = async (cut: readonly number[]): Promise<unknown> => {
        const one = sim({
          style: 'task',
          clusters: two,
          vms: { web: { host: 'a1', dirtyRate: '20MiB/s', workingSet: '1GiB' }, db: { host: 'a1' } },
        });
        const { driver, outside, model } = one;
        // Started, not watched.
        const stop = new AbortController();
        stop.abort();
        for (const [name, method] of [
          ['web', 'staged'],
          ['db', 'hot'],
        ] as const) {
          const move = await moveOf(one, name, b1, method);
          const emit = (): void => watcher.abort();
          const watcher = new AbortController();
          const verb =
            method === 'hot'
              ? driver.migrate(move, run({ emit, signal: watcher.signal }))
              : driver.replicate(move, run({ emit, signal: watcher.signal }));
          await verb.catch(() => undefined);
        }
        await driver.shutdown((await moveOf(one, 'web', b1, 'staged')).source, 'graceful', run());
        for (const step of cut) {
          await outside.advance(step);
          await model.update(() => undefined);
        }
        return { shown: await outside.show(), inventory: await driver.survey({}) };
      };
      expect(await outcome(steps)).toEqual(await outcome([steps.reduce((sum, step) => sum + step, 0)]));
    },
  );

  test('a shutdown ends after the time that the guest takes, and says when it began', async () => {
    const { driver, outside } = sim({ clusters: two, vms: { web: { host: 'a1', shutdown: { takes: '7s' } } } });
    const start = await driver.clock.now();
    const { ref } = (await driver.survey({})).vms[0]!.copies[0]!;
    await driver.lease('web', run().holder, { expireMs: 60_000 });
    await driver.shutdown(ref, 'graceful', run());
    await outside.advance(6999);
    expect((await driver.survey({})).vms[0]!.copies[0]!.power).toBe('running');
    await outside.advance(60_000);
    expect((await driver.survey({})).vms[0]!.copies[0]).toMatchObject({
      power: 'off',
      lastChange: { cause: 'guest-shutdown', began: new Date(start).toISOString(), at: new Date(start + 7000).toISOString() },
    });
  });

  test('a lock is gone after its time, one without time stays', async () => {
    const { driver, outside } = sim({ clusters: two, vms: { web: { host: 'a1', locks: [{ by: 'backup', for: '1m' }, { by: 'audit' }] } } });
    const locks = async (): Promise<string[]> => (await driver.survey({})).vms[0]!.locks.map(({ by }) => by);
    expect(await locks()).toEqual(['backup', 'audit']);
    await outside.advance(60_000);
    expect(await locks()).toEqual(['audit']);
  });
});

describe('throughput', () => {
  const vm = { host: 'a1', dirtyRate: '0MiB/s', disks: [{ name: 'vda', size: '4GiB', allocated: '1GiB' }] };
  const clusters = two;
  const links = [{ between: ['a', 'b'], bandwidth: '64MiB/s' }];

  test('given one copy, then it takes its bytes through the rate of the link', async () => {
    const one = sim({ clusters, links, vms: { x: vm } });
    const pass = await one.driver.replicate(await moveOf(one, 'x', b1, 'staged'), run());
    expect(pass).toMatchObject({ bytes: GIB, bytesPerSecond: 64 * MIB });
    expect(pass.durationMs).toBeGreaterThanOrEqual(16_000);
    expect(pass.durationMs).toBeLessThan(16_050);
  });

  test('given two copies at once, then they share the link, and together take the time of both', async () => {
    const both = sim({ clusters, links, vms: { x: vm, y: vm } });
    const start = await both.driver.clock.now();
    const [x, y] = [await moveOf(both, 'x', b1, 'staged'), await moveOf(both, 'y', { cluster: 'b', host: 'b2' }, 'staged')];
    await Promise.all([both.driver.replicate(x, run()), both.driver.replicate(y, run())]);
    const took = (await both.driver.clock.now()) - start;
    expect(took).toBeGreaterThan(31_000);
    expect(took).toBeLessThan(33_500);
  });

  test.each([
    ['no link is declared', undefined],
    ['there is no direct network', [{ between: ['a', 'b'], direct: 'no' as const }]],
  ])('given that %s, then the copy is relayed at the relay rate', async (_why, none) => {
    const one = sim({ clusters, ...(none === undefined ? {} : { links: none }), relayBandwidth: '32MiB/s', vms: { x: vm } });
    expect((await one.driver.replicate(await moveOf(one, 'x', b1, 'staged'), run())).bytesPerSecond).toBe(32 * MIB);
    const [link] = (await one.driver.survey({})).links.filter((other) => other.between.includes('a') && other.between.includes('b'));
    expect(link).toMatchObject({ direct: none === undefined ? 'unknown' : 'no', bytesPerSecond: 32 * MIB });
  });

  test('given a host that is cut off in the middle, then the copy stalls and says so, and goes on when it is back', async () => {
    const one = sim({ clusters, links, vms: { x: vm } });
    const move = await moveOf(one, 'x', b1, 'staged', { noProgressTimeoutMs: 30_000 });
    const cut = run({ emit: () => void one.outside.setHost('b1', 'disconnected') });
    await expect(one.driver.replicate(move, cut)).rejects.toMatchObject({ code: expect.stringMatching(/timeout|platform/) });
    await one.outside.setHost('b1', null);
    const rest = await one.driver.replicate(move, run());
    expect(rest).toMatchObject({ n: 1, kind: 'full', distrust: '' });
  });
});

describe('room', () => {
  test('running copies take memory, copies being built and kept ones take storage', async () => {
    const one = sim({ clusters: two, vms: { web: { host: 'a1', memory: '4GiB', disks: [{ name: 'vda', allocated: '3GiB' }] } } });
    const { driver } = one;
    expect(await freeMemory(driver, 'a1')).toBe(60 * GIB);
    const [before, source] = [await freeOf(driver, 'b1'), await freeOf(driver, 'a1')];
    await driver.replicate(await moveOf(one, 'web', b1, 'staged'), run());
    expect(before - (await freeOf(driver, 'b1'))).toBe(3 * GIB);
    expect(await freeOf(driver, 'a1')).toBe(source);
    expect(await freeMemory(driver, 'b1')).toBe(64 * GIB);
  });

  test('pools with one identity are one storage, and what lies there is not copied', async () => {
    const shared = { pools: { default: { capacity: '100GiB', storage: 'san-1' } } };
    const one = sim({
      clusters: { a: { hosts: { a1: shared, a2: shared } } },
      vms: { web: { host: 'a1', power: 'off', disks: [{ name: 'vda', allocated: '10GiB' }] } },
    });
    expect([await freeOf(one.driver, 'a1'), await freeOf(one.driver, 'a2')]).toEqual([90 * GIB, 90 * GIB]);
    const outcome = await one.driver.copyOff(await moveOf(one, 'web', { cluster: 'a', host: 'a2' }, 'cold'), run());
    expect(outcome.bytes).toBe(0);
    expect(await freeOf(one.driver, 'a2')).toBe(90 * GIB);
    await one.driver.start(outcome.target, run());
    expect((await one.outside.show()).violations).toEqual([]);
  });

  test('storage and networks are mapped, and what the target lacks is refused', async () => {
    const far = { pools: { ssd: {} }, networks: ['lan-b'] };
    const one = sim({ clusters: { a: { hosts: { a1: {} } }, b: { hosts: { b1: far } } }, vms: { web: { host: 'a1', power: 'off' } } });
    await expect(one.driver.copyOff(await moveOf(one, 'web', b1, 'cold'), run())).rejects.toThrow(/no network default/);
    const move = await moveOf(one, 'web', b1, 'cold', { storage: { default: 'ssd' }, networks: { default: 'lan-b' } });
    const { target } = await one.driver.copyOff(move, run());
    await one.driver.start(target, run());
    const web = (await one.driver.survey({})).vms[0];
    expect(web).toMatchObject({ nics: [{ network: 'lan-b' }], disks: [{ pool: 'ssd', path: expect.stringContaining('/ssd/') }] });
  });
});

describe('what must never happen is noticed', () => {
  test('given a target that lacks writes, when somebody starts it, then the lost writes are journalled', async () => {
    const one = sim({ clusters: two, vms: { web: { host: 'a1', power: 'off' } } });
    const { target } = await one.driver.copyOff(await moveOf(one, 'web', b1, 'cold'), run());
    await one.outside.start('web', 'a1');
    await one.outside.advance(60_000);
    await one.outside.start('web', target.host);
    const kinds = (await one.outside.show()).violations.map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['lost-write', 'two-running']);
  });

  test('given a copy of which only images exist, then nobody can start it', async () => {
    const one = sim({ clusters: two, vms: { web: { host: 'a1' } } });
    await one.driver.replicate(await moveOf(one, 'web', b1, 'staged'), run());
    await expect(one.outside.start('web', 'b1')).rejects.toThrow(/not defined/);
  });
});

test('five thousand VMs are read in one survey', async () => {
  const hosts = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`h${index}`, { memory: '1TiB' }]));
  const vms = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`vm${index}`, { host: `h${index % 50}` }]));
  const { driver, outside } = sim({ clusters: { a: { hosts } }, vms });
  await driver.survey({});
  await outside.lock('vm7', 'backup', null);
  expect((await driver.survey({})).vms).toHaveLength(5000);
});
