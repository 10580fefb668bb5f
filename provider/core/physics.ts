/**
 * What copying a running machine costs. The estimate (estimate.ts) and the embedded datacenter compute with the same numbers, so that
 * what a preview says can be held against what a move then took.
 */
import type { DirtyRate } from './inventory.js';

/** QEMU migration parameter `downtime-limit`, default 300 ms: the pre-copy ends when the rest can be sent in this time. */
export const HOT_DOWNTIME_LIMIT_MS = 300;
/** Defining the VM on the target and starting it, until the platform reports it running. Ours, rounded up from lab runs (libvirt-facts.md). */
export const DEFINE_AND_START_MS = 1000;
/** How long a guest goes on writing after it was asked to shut down, until it is off and that was noticed. Ours; nobody can know. */
export const GUEST_SHUTDOWN_MS = 5000;
/** rules.md §6.3: increments stop shrinking when one is not at least 10 % smaller than the one before. */
export const SHRINKS_TO = 0.9;
/** A pre-copy that is not done by then hardly shrinks any more. Ours. */
const MAX_ROUNDS = 1000;
/** From this share of the throughput on, increments shrink too slowly to be worth waiting for. Ours. */
export const SLOW_SHARE = 0.7;
/** Taken where the platform does not tell; an estimate that uses them says so. */
export const ASSUMED_DIRTY: DirtyRate = {
  memoryBytesPerSecond: 10 * 1024 ** 2,
  diskBytesPerSecond: 1024 ** 2,
  memoryWorkingSetBytes: 0,
  diskWorkingSetBytes: 0,
};

export const transferMs = (bytes: number, bytesPerSecond: number): number => (bytes / bytesPerSecond) * 1000;

/** Bytes changed in a time: a guest writes to the same places over and over, so never more than its working set (0 = not known). */
export function dirtied(bytesPerSecond: number, workingSetBytes: number, milliseconds: number): number {
  // However long (also for ever): a guest that writes nothing changes nothing.
  const written = bytesPerSecond === 0 ? 0 : (bytesPerSecond * milliseconds) / 1000;
  return workingSetBytes > 0 ? Math.min(written, workingSetBytes) : written;
}

export interface CutoverInput {
  readonly verify: 'off' | 'increment' | 'full';
  readonly copiedBytes: number;
  readonly dirty: DirtyRate;
  readonly bytesPerSecond: number;
}

export interface Cutover {
  /** Sent while the VM is off, of what has changed when its shutdown is sent: it goes on writing until it is off. */
  readonly downBytes: (changedBytes: number) => number;
  readonly downtimeMs: (changedBytes: number) => number;
}

/** The last increment of a staged move: its bytes, their read-back, define and start. */
export function cutover({ verify, copiedBytes, dirty, bytesPerSecond }: CutoverInput): Cutover {
  const perByte = { off: 1, increment: 2, full: 1 }[verify];
  const always = DEFINE_AND_START_MS + (verify === 'full' ? transferMs(copiedBytes, bytesPerSecond) : 0);
  const changed = (ms: number): number => Math.min(copiedBytes, dirtied(dirty.diskBytesPerSecond, dirty.diskWorkingSetBytes, ms));
  // Never more than it writes to at all, but for what a pass has already found changed.
  const downBytes = (bytes: number): number => Math.max(bytes, Math.min(changed(Infinity), bytes + changed(GUEST_SHUTDOWN_MS)));
  return { downBytes, downtimeMs: (bytes) => transferMs(downBytes(bytes) * perByte, bytesPerSecond) + always };
}

export interface PreCopy {
  /** Sent while the guest runs. */
  readonly bytes: number;
  readonly ms: number;
  /** Left for the time the guest stands still. */
  readonly restBytes: number;
  readonly rounds: number;
  /** False: the rest did not get small enough, and does not shrink any more. */
  readonly converges: boolean;
}

/**
 * Rounds of copying something that changes meanwhile: the first copies everything, each further one what was dirtied during the one
 * before (`dirtyIn` a time), until the rest `fits` or is not smaller than `shrinksTo` of the one before.
 */
export function preCopy(
  bytes: number,
  dirtyIn: (milliseconds: number) => number,
  bytesPerSecond: number,
  fits: (restBytes: number) => boolean,
  shrinksTo = 1,
  roundsBefore = 0,
): PreCopy {
  let sent = 0;
  let ms = 0;
  let rounds = roundsBefore;
  let next = bytes;
  for (;;) {
    const took = transferMs(next, bytesPerSecond);
    sent += next;
    ms += took;
    rounds += 1;
    const dirty = dirtyIn(took);
    if (fits(dirty)) return { bytes: sent, ms, restBytes: dirty, rounds, converges: true };
    // The first round copies everything and says nothing about shrinking.
    if ((rounds > 1 && dirty >= next * shrinksTo) || rounds === MAX_ROUNDS)
      return { bytes: sent, ms, restBytes: dirty, rounds, converges: false };
    next = dirty;
  }
}

/** A hot migration: the disks once, then memory and what changed on the disks in rounds, down to what 300 ms carry. */
export function hotCopy(
  what: { readonly diskBytes: number; readonly memoryBytes: number; readonly dirty: DirtyRate },
  bytesPerSecond: number,
): PreCopy {
  const { diskBytes, memoryBytes, dirty } = what;
  const onDisks = (ms: number): number => (diskBytes > 0 ? dirtied(dirty.diskBytesPerSecond, dirty.diskWorkingSetBytes, ms) : 0);
  const inMemory = (ms: number): number => dirtied(dirty.memoryBytesPerSecond, dirty.memoryWorkingSetBytes, ms);
  const disksMs = transferMs(diskBytes, bytesPerSecond);
  const limit = (bytesPerSecond * HOT_DOWNTIME_LIMIT_MS) / 1000;
  const all = memoryBytes + onDisks(disksMs);
  const rounds = preCopy(
    all,
    (ms) => Math.min(all, inMemory(ms) + onDisks(ms)),
    bytesPerSecond,
    (rest) => rest <= limit,
  );
  return { ...rounds, bytes: diskBytes + rounds.bytes, ms: disksMs + rounds.ms };
}
