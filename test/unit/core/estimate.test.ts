import { describe, expect, it } from 'vitest';
import { estimate, type EstimateInput } from '../../../provider/core/estimate.js';
import { unknown, type DirtyRate } from '../../../provider/core/inventory.js';
import { reach, throughput } from '../../../provider/core/link.js';
import { dirtied, hotCopy, preCopy } from '../../../provider/core/physics.js';
import { desired, disk, facts, GiB, inventory, link, MiB, place, vm } from './builders.js';

const still: DirtyRate = { memoryBytesPerSecond: 0, diskBytesPerSecond: 0, memoryWorkingSetBytes: 0, diskWorkingSetBytes: 0 };
const of = (over: Partial<EstimateInput>): ReturnType<typeof estimate> =>
  estimate({
    vm: vm(),
    method: 'cold',
    from: place('a/a1'),
    to: place('b/b1'),
    target: facts(),
    desired: desired(),
    nowMs: Date.parse('2026-05-01T10:00:00Z'),
    inventory: inventory({ links: [link(['a', 'b'], 'yes', { bytesPerSecond: 512 * MiB })] }),
    capabilities: { verify: true, verifiesCold: true },
    ...over,
  });

describe('cold', () => {
  it('is off for the copy, the read-back and define + start', () => {
    expect(of({ desired: desired({ verify: 'off' }) })).toMatchObject({ copyBytes: 0, copyMs: 0, downtimeMs: 11_000, downBytes: 5 * GiB });
    expect(of({})).toMatchObject({ downtimeMs: 21_000 });
    for (const verify of [false, true]) expect(of({ capabilities: { verify, verifiesCold: false } })).toMatchObject({ downtimeMs: 11_000 });
  });
  it('copies nothing that both hosts see', () => {
    const shared = {
      vm: vm({ disks: [disk({ storageId: 'nfs' })] }),
      target: facts({ pools: [{ name: 'x', freeBytes: 0, storageId: 'nfs' }] }),
    };
    expect(of(shared)).toMatchObject({ downBytes: 0, downtimeMs: 1000 });
  });
});

describe('hot', () => {
  it('a still guest: disks and memory once, no downtime', () => {
    expect(of({ method: 'hot', vm: vm({ dirtyRate: still }) })).toMatchObject({ copyBytes: 7 * GiB, copyMs: 14_000, downtimeMs: 0 });
  });
  it('rounds shrink geometrically down to what 300 ms carry', () => {
    const got = hotCopy({ diskBytes: 0, memoryBytes: 1000, dirty: { ...still, memoryBytesPerSecond: 50 } }, 100);
    // 1000, 500, 250, 125, 62.5; then 31.25 are left, which is more than 30; 31.25; then 15.6 are left.
    expect(got).toMatchObject({ bytes: 1968.75, restBytes: 15.625, rounds: 6, converges: true });
  });
  it('a working set that 300 ms carry converges whatever the rate; else faster than the link does not', () => {
    const fast = { ...still, memoryBytesPerSecond: 200 };
    expect(hotCopy({ diskBytes: 0, memoryBytes: 1000, dirty: { ...fast, memoryWorkingSetBytes: 30 } }, 100).converges).toBe(true);
    expect(hotCopy({ diskBytes: 0, memoryBytes: 1000, dirty: { ...fast, memoryWorkingSetBytes: 31 } }, 100).converges).toBe(false);
    expect(of({ method: 'hot', vm: vm({ dirtyRate: { ...still, memoryBytesPerSecond: GiB } }) })?.basis.join()).toContain(
      'does not converge',
    );
  });
  it('ends also where rounds hardly shrink', () => {
    expect(
      preCopy(
        1000,
        (ms) => dirtied(99.9999, 0, ms),
        100,
        (rest) => rest === 0,
      ).converges,
    ).toBe(false);
  });
});

describe('staged', () => {
  it('a guest that writes nothing: only define + start', () => {
    expect(of({ method: 'staged', vm: vm({ dirtyRate: still }) })).toMatchObject({ copyBytes: 5 * GiB, downBytes: 0, downtimeMs: 1000 });
  });
  it('a full copy, increments until one fits the budget and one after the go; then the last one, its read-back and define + start', () => {
    const writing = vm({ dirtyRate: { ...still, diskBytesPerSecond: 51.2 * MiB } });
    // 10 s for 5 GiB; 512 MiB dirtied meanwhile: 1 s after the go; then 51.2 MiB, and 5 s of writing while the guest shuts down.
    const got = of({ method: 'staged', vm: writing });
    expect(got).toMatchObject({ copyBytes: 5.5 * GiB, copyMs: 11_000, downBytes: 307.2 * MiB });
    expect(got?.downtimeMs).toBeCloseTo(2200, 3);
    const tight = of({ method: 'staged', vm: writing, desired: desired({ downtimeBudgetMs: 2500 }) });
    expect(tight?.copyBytes).toBeCloseTo(5.55 * GiB, -1);
    expect(tight?.downtimeMs).toBeCloseTo(2020, 3);
    expect(of({ method: 'staged', vm: writing, desired: desired({ verify: 'off' }) })?.downtimeMs).toBeCloseTo(1600, 3);
    expect(of({ method: 'staged', vm: writing, desired: desired({ verify: 'full' }) })?.downtimeMs).toBeCloseTo(11_600, 3);
  });
  it('a move that is continued copies only what changed since its last increment', () => {
    const writing = vm({ dirtyRate: { ...still, diskBytesPerSecond: 51.2 * MiB } });
    const increment = { n: 3, images: {}, at: '2026-05-01T09:59:50Z', bytes: 1, projectedDowntimeMs: 1 };
    expect(of({ method: 'staged', vm: writing, record: { increment } })?.copyBytes).toBeCloseTo((512 + 51.2) * MiB, -1);
  });
  it('stops when increments shrink by less than a tenth, and says so', () => {
    const busy = vm({ dirtyRate: { ...still, diskBytesPerSecond: 0.95 * 512 * MiB } });
    const got = of({ method: 'staged', vm: busy, desired: desired({ downtimeBudgetMs: 2000 }) });
    expect(got?.copyBytes).toBeCloseTo(5 * GiB * (1 + 0.95 + 0.95 ** 2), -3);
    expect(got?.basis.join()).toContain('stop shrinking');
  });
  it('says what it assumed', () => {
    expect(of({ method: 'staged', vm: vm({ dirtyRate: unknown('no agent') }) })?.basis.join()).toMatch(/dirty rate assumed.*no agent/);
    expect(of({ method: 'staged' })?.basis.join()).toMatch(/throughput 512 MiB\/s \(declared\).*dirty rate measured/);
  });
});

describe('no estimate', () => {
  it.each([
    ['disks', { vm: vm({ disks: unknown('x') }) }],
    ['throughput', { inventory: inventory({ links: [] }) }],
    ['memory of a hot move', { method: 'hot', vm: vm({ memoryBytes: unknown('x') }) }],
  ] as const)('%s unknown', (_name, over) => expect(of(over)).toBeNull());
});

describe('links', () => {
  const [a1, b1] = [place('a/a1'), place('b/b1')];
  it('the slower of bandwidth and link; the link of the hosts first; what was measured before what was declared', () => {
    const links = [link(['a', 'b'], 'yes', { bytesPerSecond: 100 }), link(['a', 'b'], 'no', { bytesPerSecond: 90, source: 'measured' })];
    expect(throughput(inventory({ links }), a1, b1, null)).toEqual({ bytesPerSecond: 90, basis: 'throughput 90 B/s (measured)' });
    expect(throughput(inventory({ links }), b1, a1, 50)).toEqual({
      bytesPerSecond: 50,
      basis: 'throughput 50 B/s (measured, limited by the declared bandwidth)',
    });
    expect(
      throughput(inventory({ links: [...links, link(['a1', 'b1'], 'yes', { scope: 'hosts', bytesPerSecond: 7 })] }), a1, b1, null)
        .bytesPerSecond,
    ).toBe(7);
    expect(reach(inventory({ links }), a1, b1)).toMatchObject({ direct: 'no' });
  });
  it('not known: only a declared bandwidth is assumed', () => {
    expect(
      throughput(inventory({ links: [link(['a', 'b'], 'yes', { bytesPerSecond: unknown('x') })] }), a1, b1, null).bytesPerSecond,
    ).toHaveProperty('unknown');
    expect(throughput(inventory({ links: [] }), a1, b1, 50)).toEqual({
      bytesPerSecond: 50,
      basis: 'throughput 50 B/s (assumed: the declared bandwidth)',
    });
  });
  it('inside a cluster there is a network unless a link of the hosts denies it', () => {
    expect(reach(inventory({ links: [] }), a1, place('a/a2'))).toEqual({ direct: 'yes', because: 'same cluster a' });
    expect(reach(inventory({ links: [] }), a1, b1).direct).toBe('unknown');
  });
});
