import { describe, expect, test } from 'vitest';
import { hotCopy } from '../../../provider/core/physics.js';
import type { Method, MoveOptions } from '../../../provider/core/record.js';
import type { EmbeddedVm } from '../../../schema/generated/types.js';
import { sim, type Sim } from './kit.js';
import { moveOf, run } from './moves.js';

const MIB = 1024 ** 2;
const san = { pools: { default: { capacity: '1TiB', storage: 'san-1' } } };
const a2 = { cluster: 'a', host: 'a2' };

/** One VM whose disk both hosts see, on a network of 100 MiB/s. */
const one = (vm: Partial<EmbeddedVm>): Sim =>
  sim({ clusters: { a: { bandwidth: '100MiB/s', hosts: { a1: san, a2: san } } }, vms: { web: { host: 'a1', memory: '1GiB', ...vm } } });
const hot = async (
  world: Sim,
  how: Partial<MoveOptions> = {},
  method: Method = 'hot',
): Promise<Awaited<ReturnType<Sim['driver']['migrate']>>> => world.driver.migrate(await moveOf(world, 'web', a2, method, how), run());

describe('pre-copy', () => {
  test('given a guest that changes less than the network carries, then it converges, and takes what the estimate says', async () => {
    const world = one({ memoryDirtyRate: '20MiB/s', memoryWorkingSet: '256MiB' });
    const outcome = await hot(world);
    const dirty = { memoryBytesPerSecond: 20 * MIB, diskBytesPerSecond: MIB, memoryWorkingSetBytes: 256 * MIB, diskWorkingSetBytes: 0 };
    const estimate = hotCopy({ diskBytes: 0, memoryBytes: 1024 * MIB, dirty }, 100 * MIB);
    expect(estimate.converges).toBe(true);
    expect(outcome.downtimeMs).toBeLessThanOrEqual(300);
    expect(outcome.bytes / (estimate.bytes + estimate.restBytes)).toBeCloseTo(1, 1);
    expect(outcome.durationMs / estimate.ms).toBeCloseTo(1, 1);
    expect((await world.outside.show()).violations).toEqual([]);
  });

  test('given shared storage, then no disk is copied', async () => {
    expect((await hot(one({ memoryDirtyRate: '0MiB/s', disks: [{ name: 'vda', allocated: '8GiB' }] }))).bytes).toBe(1024 * MIB);
  });

  const wild = { memoryDirtyRate: '500MiB/s', memoryWorkingSet: '600MiB' };

  test('given a guest that changes more than the network carries, then it goes on until its time is over, and the VM stays', async () => {
    const world = one(wild);
    const start = await world.driver.clock.now();
    await expect(hot(world, { maxDurationMs: 120_000 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('converge'),
    });
    expect((await world.driver.clock.now()) - start).toBeGreaterThanOrEqual(120_000);
    expect((await world.driver.survey({})).vms[0]?.copies).toMatchObject([{ ref: { host: 'a1' }, power: 'running' }]);
  });

  test('with suspend it ends, and the guest stands still for the rest', async () => {
    const outcome = await hot(one(wild), { suspend: true });
    expect(outcome.downtimeMs).toBe(6000);
    expect(outcome.started).toBe(true);
  });

  test('with post-copy it ends, and the guest runs on the target before everything is there', async () => {
    const world = one(wild);
    const outcome = await hot(world, { postCopy: true });
    expect(outcome.downtimeMs).toBeLessThanOrEqual(300);
    expect((await world.outside.show()).violations).toEqual([]);
  });

  test('given a guest that shuts down meanwhile, then the migration is gone and the VM is off where it was', async () => {
    const world = one({});
    const move = await moveOf(world, 'web', a2, 'hot');
    const off = run({ emit: () => void world.outside.shutdown('web', 'clean') });
    await expect(world.driver.migrate(move, off)).rejects.toMatchObject({ code: 'platform', message: expect.stringContaining('aborted') });
    expect((await world.driver.survey({})).vms[0]?.copies).toMatchObject([{ ref: { host: 'a1' }, power: 'off' }]);
  });

  test.each([
    ['a CPU feature the target lacks', { cpu: { features: ['avx512f'] } }, /lacks avx512f/],
    ['a device bound to the host', { devices: [{ name: 'gpu0', kind: 'gpu' as const }] }, /gpu0/],
    ['a lock', { locks: [{ by: 'backup' }] }, /locked by backup/],
    ['more memory than is free', { memory: '63GiB' }, null],
  ])('given %s, then the platform refuses or not, as it would', async (_what, vm, refusal) => {
    const moved = hot(one(vm));
    if (refusal === null) expect((await moved).started).toBe(true);
    else await expect(moved).rejects.toThrow(refusal);
  });
});
