/** Bytes and times of a move, from what was read; precise enough to be held against what the move then took (docs: within 25 %). */
import type { Desired } from './desired.js';
import type { Capabilities } from './driver.js';
import { isKnown, type Disk, type HostFacts, type Maybe, type Place, type Vm, type Inventory } from './inventory.js';
import { throughput } from './link.js';
import { ASSUMED_DIRTY, DEFINE_AND_START_MS, SHRINKS_TO, cutover, dirtied, hotCopy, preCopy, transferMs, type PreCopy } from './physics.js';
import type { Estimate } from './plan.js';
import type { Method, MigrationRecord } from './record.js';
import { formatRate } from './units.js';

export interface EstimateInput {
  readonly vm: Vm;
  readonly method: Method;
  readonly from: Place;
  readonly to: Place;
  readonly target: Maybe<HostFacts>;
  readonly desired: Pick<Desired, 'bandwidthBytesPerSecond' | 'verify' | 'downtimeBudgetMs' | 'storage'>;
  readonly inventory: Inventory;
  /** The recorded move that is continued: what it sent need not be sent again. */
  readonly record?: Pick<MigrationRecord, 'increment'> | null;
  readonly nowMs: number;
  readonly capabilities: Pick<Capabilities, 'verify' | 'verifiesCold'>;
}

/** Null where a size or the throughput is not known: then `whyNoEstimate` says which. */
export function estimate(input: EstimateInput): Estimate | null {
  const { vm, method } = input;
  const speed = throughput(input.inventory, input.from, input.to, input.desired.bandwidthBytesPerSecond);
  if (!isKnown(speed.bytesPerSecond) || !isKnown(vm.disks) || (method === 'hot' && !isKnown(vm.memoryBytes))) return null;
  const rate = speed.bytesPerSecond;
  const copied = copiedDisks(vm.disks, input.target);
  const allocated = copied.reduce((sum, disk) => sum + disk.allocatedBytes, 0);
  const dirty = isKnown(vm.dirtyRate) ? vm.dirtyRate : ASSUMED_DIRTY;
  const basis = ['sizes as read', speed.basis];
  if (method !== 'cold') {
    const rates = `disks ${formatRate(dirty.diskBytesPerSecond)}, memory ${formatRate(dirty.memoryBytesPerSecond)}`;
    basis.push(isKnown(vm.dirtyRate) ? `dirty rate measured: ${rates}` : `dirty rate assumed: ${rates} (${vm.dirtyRate.unknown})`);
  }
  const verify = input.capabilities.verify ? input.desired.verify : 'off';
  switch (method) {
    case 'hot': {
      const hot = hotCopy({ diskBytes: allocated, memoryBytes: isKnown(vm.memoryBytes) ? vm.memoryBytes : 0, dirty }, rate);
      if (!hot.converges) basis.push('it changes faster than the link carries: the move does not converge by itself');
      return { copyBytes: hot.bytes, copyMs: hot.ms, downtimeMs: transferMs(hot.restBytes, rate), downBytes: hot.restBytes, basis };
    }
    case 'cold': {
      // One pass is all there is: what it sent is read back by `increment` as well as by `full`.
      const readBack = verify === 'off' || !input.capabilities.verifiesCold ? 0 : allocated;
      const downtimeMs = transferMs(allocated + readBack, rate) + DEFINE_AND_START_MS;
      return { copyBytes: 0, copyMs: 0, downtimeMs, downBytes: allocated, basis };
    }
    case 'staged': {
      const last = cutover({ verify, copiedBytes: allocated, dirty, bytesPerSecond: rate });
      const fits = (rest: number): boolean => last.downtimeMs(rest) <= input.desired.downtimeBudgetMs;
      const changed = (ms: number): number => Math.min(allocated, dirtied(dirty.diskBytesPerSecond, dirty.diskWorkingSetBytes, ms));
      const passes = (bytes: number, before: number): PreCopy => preCopy(bytes, changed, rate, fits, SHRINKS_TO, before);
      const sent = input.record?.increment ?? null;
      const phase1 = sent === null ? passes(allocated, 0) : passes(changed(input.nowMs - Date.parse(sent.at)), sent.n);
      // After the go at least one more increment is sent while the VM runs.
      const shrink = passes(phase1.restBytes, phase1.rounds);
      if (!shrink.converges) basis.push('increments stop shrinking before they fit the downtime budget');
      return {
        copyBytes: phase1.bytes + shrink.bytes,
        copyMs: phase1.ms + shrink.ms,
        downtimeMs: last.downtimeMs(shrink.restBytes),
        downBytes: last.downBytes(shrink.restBytes),
        basis,
      };
    }
  }
}

/** What is missing for an estimate, for a person. */
export function whyNoEstimate(input: EstimateInput): string {
  const { vm } = input;
  if (!isKnown(vm.disks)) return `the disks could not be read (${vm.disks.unknown})`;
  if (input.method === 'hot' && !isKnown(vm.memoryBytes)) return `the memory size could not be read (${vm.memoryBytes.unknown})`;
  return throughput(input.inventory, input.from, input.to, input.desired.bandwidthBytesPerSecond).basis;
}

/** True when the target host sees the very storage the disk lies on (proved by reading): such a disk is never copied. */
export function onSharedStorage(disk: Disk, target: Maybe<HostFacts>): boolean {
  if (!isKnown(disk.storageId) || disk.storageId === null || !isKnown(target) || !isKnown(target.pools)) return false;
  return target.pools.some((pool) => isKnown(pool.storageId) && pool.storageId === disk.storageId);
}

export const copiedDisks = (disks: readonly Disk[], target: Maybe<HostFacts>): readonly Disk[] =>
  disks.filter((disk) => !onSharedStorage(disk, target));

/** Bytes that will really be written, by pool of the target after mapping. */
export function bytesByPool(
  disks: readonly Disk[],
  target: Maybe<HostFacts>,
  mapping: Readonly<Record<string, string>>,
): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const disk of copiedDisks(disks, target)) {
    const pool = mapping[disk.pool] ?? disk.pool;
    bytes.set(pool, (bytes.get(pool) ?? 0) + disk.allocatedBytes);
  }
  return bytes;
}
