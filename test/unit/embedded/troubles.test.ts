/** Each fault by itself: what the platform does then, and that it can be taken back. */
import { describe, expect, test } from 'vitest';
import type { Copy, Vm } from '../../../provider/core/inventory.js';
import { isKnown } from '../../../provider/core/inventory.js';
import { run, moveOf } from './moves.js';
import { sim, type Sim } from './kit.js';

const MiB = 1024 ** 2;
const b1 = { cluster: 'b', host: 'b1' };
const clusters = { a: { hosts: { a1: {}, a2: {} } }, b: { hosts: { b1: {} } }, c: { hosts: { c1: {} } } };
const links = [{ between: ['a', 'b'], bandwidth: '64MiB/s' }];
const vm = { host: 'a1', dirtyRate: '0MiB/s', disks: [{ name: 'vda', size: '4GiB', allocated: '1GiB' }] };
const datacenter = (more: Parameters<typeof sim>[0] = { clusters }): Sim => sim({ links, vms: { x: vm }, ...more });
const off = { ...vm, power: 'off' as const };

const vmOf = async ({ driver }: Sim, name = 'x'): Promise<Vm> => (await driver.survey({})).vms.find((one) => one.name === name)!;
const copyOn = async (one: Sim, host: string): Promise<Copy> => (await vmOf(one)).copies.find((copy) => copy.ref.host === host)!;
const journal = async ({ outside }: Sim): Promise<unknown> => (await outside.show()).violations;
const freeOn = async ({ driver }: Sim, name: string): Promise<unknown> => {
  const facts = (await driver.survey({})).hosts.find((host) => host.name === name)!.facts;
  return isKnown(facts) && isKnown(facts.pools) ? facts.pools[0]?.freeBytes : null;
};
/** Does it once, at the first progress. */
const atFirstProgress = (act: () => Promise<void>): ReturnType<typeof run> => {
  let done = false;
  return run({
    emit: () => {
      if (!done) void act();
      done = true;
    },
  });
};

describe('a link', () => {
  test.each([
    ['clusters', 'b', 'a'],
    ['hosts', 'a1', 'b1'],
  ])(
    'cut between %s in the middle of a copy: it stalls, fails with the reason, and goes on where it stopped',
    async (_scope, one, other) => {
      const world = datacenter();
      const move = await moveOf(world, 'x', b1, 'staged', { noProgressTimeoutMs: 30_000 });
      const cut = atFirstProgress(() => world.outside.setLink(one, other, 'cut'));
      await expect(world.driver.replicate(move, cut)).rejects.toMatchObject({
        code: 'timeout',
        message: expect.stringMatching(/copy of VM x from a1 to b1 made no progress for 30 s\..*the network between them/),
      });
      const { storedBytes } = await copyOn(world, 'b1');
      await world.outside.setLink(other, one, 'ok');
      expect(storedBytes).toBeGreaterThan(0);
      let first: number | null = null;
      await world.driver.replicate(
        move,
        run({
          emit: (event) => {
            if (event.kind === 'progress') first ??= event.bytes;
          },
        }),
      );
      expect(first).toBeGreaterThan(storedBytes as number);
    },
  );

  test('cut, then what is relayed between others goes on at its rate', async () => {
    const world = datacenter({ clusters, vms: { x: vm, y: { ...vm, host: 'b1' } }, relayBandwidth: '32MiB/s' });
    await world.outside.setLink('a', 'c', 'cut');
    const c1 = { cluster: 'c', host: 'c1' };
    expect(await world.driver.replicate(await moveOf(world, 'y', c1, 'staged'), run())).toMatchObject({ bytesPerSecond: 32 * MiB });
    await expect(world.driver.replicate(await moveOf(world, 'x', c1, 'staged', { noProgressTimeoutMs: 5000 }), run())).rejects.toThrow(
      'made no progress',
    );
  });

  test('slow: carries so much, shared by who uses it', async () => {
    const world = datacenter({ clusters, vms: { x: vm, y: { ...vm, host: 'a2' } } });
    await world.outside.setLink('a', 'b', { bytesPerSecond: 16 * MiB });
    const start = await world.driver.clock.now();
    const [x, y] = [await moveOf(world, 'x', b1, 'staged'), await moveOf(world, 'y', b1, 'staged')];
    const [pass] = await Promise.all([world.driver.replicate(x, run()), world.driver.replicate(y, run())]);
    expect(pass.bytesPerSecond).toBe(16 * MiB);
    expect(((await world.driver.clock.now()) - start) / 1000).toBeGreaterThan(126);
  });

  test('cut under a hot migration: it is aborted, and the VM stays', async () => {
    const world = datacenter();
    const move = await moveOf(world, 'x', b1, 'hot', { noProgressTimeoutMs: 30_000 });
    const cut = atFirstProgress(() => world.outside.setLink('a', 'b', 'cut'));
    await expect(world.driver.migrate(move, cut)).rejects.toThrow(/made no progress for 30 s and was aborted; the VM runs on a\/a1/);
    expect((await vmOf(world)).copies).toMatchObject([{ power: 'running', ref: { host: 'a1' } }]);
  });

  test('cut while what was sent is read back: it waits, and goes on', async () => {
    const world = datacenter({ clusters, vms: { x: off } });
    const move = await moveOf(world, 'x', b1, 'cold', { verify: 'full', noProgressTimeoutMs: 30_000 });
    const cut = run({
      emit: (event) => void (event.kind === 'progress' && event.bytes === event.total && world.outside.setLink('a', 'b', 'cut')),
    });
    await expect(world.driver.copyOff(move, cut)).rejects.toThrow('made no progress for 30 s');
    await world.outside.setLink('a', 'b', 'ok');
    await world.driver.start((await world.driver.copyOff(move, run())).target, run());
    expect(await journal(world)).toEqual([]);
  });

  test('of a host and a cluster, or of a host with itself: refused', async () => {
    const { outside } = datacenter();
    await expect(outside.setLink('a', 'b1', 'cut')).rejects.toThrow('A link joins two clusters or two different hosts, not a and b1.');
    await expect(outside.setLink('b1', 'b1', 'cut')).rejects.toThrow('two different hosts');
  });
});

describe('a full pool', () => {
  test('the copy fails with host, pool and VM, the reading shows no room, and afterwards it goes on where it stopped', async () => {
    const world = datacenter();
    const move = await moveOf(world, 'x', b1, 'staged');
    const fill = atFirstProgress(() => world.outside.setPool('b1', 'default', 'full'));
    await expect(world.driver.replicate(move, fill)).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringMatching(/copy of VM x failed: pool default of host b\/b1 is full, so disk vda .*goes on where it stopped/),
    });
    expect(await freeOn(world, 'b1')).toBe(0);
    const { storedBytes } = await copyOn(world, 'b1');
    expect(storedBytes).toBeGreaterThan(0);
    await world.outside.setPool('b1', 'default', 'ok');
    expect(await freeOn(world, 'b1')).toBeGreaterThan(0);
    let sent = 0;
    await world.driver.replicate(
      move,
      run({
        emit: (event) => {
          if (event.kind === 'progress' && sent === 0) sent = event.bytes;
        },
      }),
    );
    expect(sent).toBeGreaterThan(storedBytes as number);
  });

  test.each(['hot', 'staged'] as const)('a %s job of the platform ends with the reason, and the VM stays', async (method) => {
    const world = datacenter({ clusters, style: 'task', vms: { x: vm } });
    const move = await moveOf(world, 'x', b1, method);
    const fill = atFirstProgress(() => world.outside.setPool('b1', 'default', 'full'));
    const verb = method === 'hot' ? world.driver.migrate(move, fill) : world.driver.replicate(move, fill);
    await expect(verb).rejects.toThrow(/was aborted: pool default of host b\/b1 is full, .*still on a\/a1/);
    expect((await vmOf(world)).copies).toMatchObject([{ power: 'running', ref: { host: 'a1' } }]);
  });

  test('is full on every host that sees the storage; a pool that is not there is refused with those that are', async () => {
    const san = { pools: { default: { storage: 'san-1' } } };
    const world = sim({ clusters: { a: { hosts: { a1: san, a2: san } } }, vms: {} });
    await world.outside.setPool('a1', 'default', 'full');
    expect(await freeOn(world, 'a2')).toBe(0);
    await expect(world.outside.setPool('a1', 'ssd', 'full')).rejects.toThrow('Host a/a1 has no pool ssd; it has default.');
  });
});

describe('a start that ends badly', () => {
  test.each([
    ['refused', 'off', 'could not be started on a/a1: it died at once'],
    ['crashes', 'crashed', null],
  ] as const)('%s as often as said, then it starts', async (how, power, message) => {
    const world = datacenter({ clusters, vms: { x: off } });
    await world.outside.setStarts('x', 'a1', how, 2);
    const { source: ref } = await moveOf(world, 'x', b1, 'staged');
    for (let times = 0; times < 2; times += 1) {
      const start = world.driver.start(ref, run());
      await (message === null ? start : expect(start).rejects.toThrow(message));
      expect(await copyOn(world, 'a1')).toMatchObject({ power });
    }
    await world.driver.start(ref, run());
    expect(await copyOn(world, 'a1')).toMatchObject({ power: 'running' });
  });

  test('under a hot migration: it is aborted at the switch-over, and the guest runs on', async () => {
    const world = datacenter();
    await world.outside.setStarts('x', 'b1', 'crashes', null);
    await expect(world.driver.migrate(await moveOf(world, 'x', b1, 'hot'), run())).rejects.toThrow(
      /aborted: it died at its start on b\/b1/,
    );
    const writes = async (): Promise<number> => (await world.outside.show()).vms[0]!.writes;
    expect(await copyOn(world, 'a1')).toMatchObject({ power: 'running' });
    await world.outside.setStarts('x', 'b1', 'ok', null);
    await world.driver.migrate(await moveOf(world, 'x', b1, 'hot'), run());
    expect(await copyOn(world, 'b1')).toMatchObject({ power: 'running' });
    expect([await writes(), await journal(world)]).toEqual([0, []]);
  });
});

describe('a guest', () => {
  test('that ignores a shutdown obeys the next one when it is told to; one that delays it takes its time', async () => {
    const world = datacenter();
    const { source: ref } = await moveOf(world, 'x', b1, 'staged');
    const ask = async (waitMs: number): Promise<string> => {
      await world.driver.shutdown(ref, 'graceful', run());
      await world.outside.advance(waitMs);
      return (await copyOn(world, 'a1')).power;
    };
    await world.outside.setGuest('x', 'ignores');
    expect(await ask(3_600_000)).toBe('running');
    await world.outside.setGuest('x', { takesMs: 120_000 });
    expect(await ask(119_000)).toBe('running');
    expect(await ask(1000)).toBe('off');
    await world.outside.start('x');
    await world.outside.setGuest('x', 'obeys');
    expect(await ask(5000)).toBe('off');
  });
});

describe('a host', () => {
  test('that went down boots with what starts by itself: not what is blocked, not what is half built', async () => {
    const world = datacenter({ clusters, vms: { x: vm, y: vm, z: { ...vm, autostart: false } } });
    const y = await moveOf(world, 'y', { cluster: 'a', host: 'a2' }, 'staged');
    await world.driver.replicate(y, run());
    await world.driver.shutdown(y.source, 'power-off', run());
    await world.driver.block(y.source, y.record.moveId, run());
    await world.outside.hostDown('a1');
    const { hosts, vms } = await world.driver.survey({});
    expect(hosts[0]).toMatchObject({ state: 'unreachable', facts: { unknown: 'host a/a1 does not answer' } });
    expect(vms.map(({ name }) => name)).toEqual(['y']);
    await world.outside.hostUp('a1');
    const powers = (await world.driver.survey({})).vms.map(({ name, copies }) => `${name} ${copies.map(({ power }) => power).join(' ')}`);
    expect(powers).toEqual(['x running', 'y off off', 'z crashed']);
    expect(await journal(world)).toEqual([]);
  });

  test('that goes down takes a migration to it along, and the VM stays', async () => {
    const world = datacenter();
    const down = atFirstProgress(() => world.outside.hostDown('b1'));
    await expect(world.driver.migrate(await moveOf(world, 'x', b1, 'hot'), down)).rejects.toThrow('aborted: host b/b1 lost power');
    expect((await vmOf(world)).copies).toMatchObject([{ power: 'running' }]);
  });

  test('with a wrong clock tells its times by it, also of what happened before the clock was put right', async () => {
    const world = datacenter();
    const start = await world.driver.clock.now();
    await world.outside.setClock('a1', -600_000);
    await world.outside.shutdown('x', 'clean');
    const told = { at: new Date(start + 5000 - 600_000).toISOString(), began: new Date(start - 600_000).toISOString() };
    expect(await copyOn(world, 'a1')).toMatchObject({ lastChange: told });
    const observed = async (): Promise<number[]> => {
      const { hosts, observedAt } = await world.driver.survey({});
      return [observedAt, hosts[0]!.observedAt, hosts[1]!.observedAt].map((time) => Date.parse(time) - start);
    };
    expect(await observed()).toEqual([5000, -595_000, 5000]);
    await world.outside.setClock('a1', 0);
    expect(await observed()).toEqual([5000, 5000, 5000]);
    expect(await copyOn(world, 'a1')).toMatchObject({ lastChange: told });
  });
});

describe('somebody', () => {
  test('starts the blocked source', async () => {
    const world = datacenter();
    const move = await moveOf(world, 'x', b1, 'staged');
    await world.driver.shutdown(move.source, 'power-off', run());
    await world.driver.block(move.source, move.record.moveId, run());
    await expect(world.outside.start('x')).rejects.toThrow('blocked');
    await world.outside.startSource('x');
    expect(await copyOn(world, 'a1')).toMatchObject({ power: 'running', blocked: false });
  });

  test('HA restarts the VM elsewhere: bitmaps do not travel, nothing durable is lost', async () => {
    const world = datacenter({ clusters, vms: { x: { ...vm, dirtyRate: '10MiB/s' } } });
    const move = await moveOf(world, 'x', b1, 'staged');
    await world.driver.replicate(move, run());
    await world.outside.restartElsewhere('x', 'a2');
    const now = await copyOn(world, 'a2');
    expect(now).toMatchObject({ power: 'running', role: 'live' });
    expect(await world.driver.replicate({ ...move, source: now.ref }, run())).toMatchObject({
      kind: 'full',
      distrust: 'the VM was moved by others',
    });
    expect(await journal(world)).toEqual([]);
  });

  test.each([
    ['it is off', async ({ outside }: Sim) => outside.shutdown('x', 'clean'), 'a2', 'it is off on a/a1'],
    ['that host is away', async ({ outside }: Sim) => outside.setHost('a2', 'disconnected'), 'a2', 'that host is disconnected'],
    ['it is there', async () => undefined, 'a1', 'it is there already'],
  ])('HA does not restart it when %s', async (_why, before, host, reason) => {
    const world = datacenter();
    await before(world);
    await expect(world.outside.restartElsewhere('x', host)).rejects.toThrow(reason);
  });
});

test('what lasts is shown in words, and is gone after a reset', async () => {
  const world = datacenter();
  const { outside } = world;
  await outside.setLink('a1', 'b1', 'cut');
  await outside.setLink('a', 'b', { bytesPerSecond: 10 * MiB });
  await outside.setPool('b1', 'default', 'full');
  await outside.setStarts('x', 'b1', 'crashes', 2);
  await outside.setGuest('x', 'ignores');
  await outside.setClock('a2', -90_000);
  expect((await outside.show()).troubles).toEqual([
    'link a1 - b1 cut',
    'link a - b carries 10 MiB/s at most',
    'pool default of b/b1 full',
    'the next 2 starts of x on b/b1: crashes',
    'guest of x ignores a shutdown',
    'clock of a/a2 1m30s behind',
  ]);
  await outside.reset();
  expect((await outside.show()).troubles).toEqual([]);
});
