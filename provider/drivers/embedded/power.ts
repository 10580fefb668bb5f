/** What starting and stopping a copy does to the world, and the two promises that are checked at every start. */
import { iso } from '../../core/clock.js';
import { placeText, type ChangeCause } from '../../core/inventory.js';
import { blocksOf, missingSpans, spanBlocks, versionAt, wholeImage, type Span } from './contents.js';
import type { Datacenter } from './datacenter.js';
import { isUp, ranMs, touch, writesOf } from './vm-state.js';
import { skewOf } from './troubles.js';
import type { CopyDisk, CopyWorld, Violation, VmWorld, World } from './world.js';

/** Runs the copy, whatever it holds: what a platform would not notice is journalled here. */
export function runCopy(dc: Datacenter, world: World, id: string, copy: CopyWorld, now: number, cause: ChangeCause = 'started'): void {
  if (isUp(copy)) return;
  const state = touch(dc, world, id);
  const others = state.copies.filter((other) => other !== copy && isUp(other));
  const journal = (kind: Violation['kind'], details: string): void => {
    world.journal.push({ at: iso(now), kind, vm: dc.vm(id).name, details });
  };
  const where = placeText(dc.place(copy.host));
  if (others.length > 0) {
    journal('two-running', `started on ${where} while it runs on ${others.map((other) => placeText(dc.place(other.host))).join(', ')}`);
  }
  for (const problem of problems(dc, id, state, copy, now)) journal(problem.kind, `${where}: ${problem.details}`);
  copy.role = 'live';
  copy.power = 'running';
  changed(world, copy, now, cause);
  copy.began = null;
  copy.shutdown = null;
  copy.leftBy = null;
  copy.boots += 1;
  state.runSince ??= now;
}

/** What is wrong with the disks of a copy that does not run. */
export function problems(
  dc: Datacenter,
  id: string,
  state: VmWorld,
  copy: CopyWorld,
  now: number,
): { kind: 'lost-write' | 'wrong-size'; details: string }[] {
  if (isUp(copy)) return [];
  const writes = writesOf(dc.vm(id), state, now);
  return state.disks.flatMap((truth) => {
    const disk = copy.disks.find((one) => one.name === truth.name);
    if (disk === undefined) return [{ kind: 'lost-write' as const, details: `disk ${truth.name} is missing` }];
    const found: { kind: 'lost-write' | 'wrong-size'; details: string }[] = [];
    const missing = missingOn(dc, id, disk, writes);
    if (missing.length > 0) found.push({ kind: 'lost-write', details: `disk ${truth.name}: ${describe(dc, id, disk, missing, writes)}` });
    if (disk.virtualBytes !== truth.virtualBytes) {
      found.push({ kind: 'wrong-size', details: `disk ${truth.name} has ${disk.virtualBytes} bytes instead of ${truth.virtualBytes}` });
    }
    return found;
  });
}

/** Blocks that lack an acknowledged write, or hold something else than was written. */
export function missingOn(dc: Datacenter, id: string, disk: CopyDisk, writes: number): Span[] {
  return disk.shared ? [] : [...missingSpans(disk.segments, dc.ring(id, disk.name), writes), ...disk.corrupt];
}

/** Stops the copy; the image keeps everything that was acknowledged (a crash loses bitmaps, not acknowledged writes). */
export function stopCopy(
  dc: Datacenter,
  world: World,
  id: string,
  copy: CopyWorld,
  now: number,
  how: { cause: ChangeCause; began?: number; bitmaps: 'kept' | 'broken' },
): void {
  if (!isUp(copy)) return;
  const state = touch(dc, world, id);
  const writes = writesOf(dc.vm(id), state, now);
  if (state.copies.filter(isUp).length === 1) {
    state.ranMs = ranMs(state, now);
    state.runSince = null;
  }
  for (const disk of copy.disks) {
    const truth = state.disks.find((one) => one.name === disk.name);
    if (truth !== undefined) disk.segments = wholeImage(blocksOf(truth.allocatedBytes), writes);
    disk.corrupt = [];
  }
  if (how.bitmaps === 'broken') for (const checkpoint of copy.checkpoints) checkpoint.broken = true;
  copy.power = how.cause === 'crashed' || how.cause === 'host-failed' ? 'crashed' : 'off';
  changed(world, copy, now, how.cause);
  copy.began = how.began ?? null;
  copy.shutdown = null;
}

function changed(world: World, copy: CopyWorld, now: number, cause: ChangeCause): void {
  copy.since = now;
  copy.cause = cause;
  const skew = skewOf(world, copy.host);
  if (skew === 0) delete copy.skew;
  else copy.skew = skew;
}

/** The guest stands still (or goes on) without the platform's power state changing: the switch-over of a hot migration. */
export function freezeGuest(state: VmWorld, now: number): void {
  state.ranMs = ranMs(state, now);
  state.runSince = null;
}

function describe(dc: Datacenter, id: string, disk: CopyDisk, missing: readonly Span[], writes: number): string {
  const block = missing[0]?.from ?? 0;
  const ring = dc.ring(id, disk.name);
  const index = ring.offset + block;
  const held = disk.segments.find((segment) => segment.from <= block && block < segment.to)?.at ?? -1;
  const truth = block < ring.hot ? versionAt(index, writes, ring.size) : 0;
  const has = held < 0 ? 'nothing' : `write ${block < ring.hot ? versionAt(index, held, ring.size) : 0}`;
  return `${spanBlocks(missing)} blocks lack acknowledged writes, first block ${block}: holds ${has} of ${truth}`;
}
