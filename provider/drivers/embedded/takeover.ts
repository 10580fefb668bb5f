/** The VM passes from one copy to the other. */
import type { Datacenter } from './datacenter.js';
import { runCopy, stopCopy } from './power.js';
import { blocksOf, wholeImage } from './contents.js';
import { touch, writesOf } from './vm-state.js';
import type { CopyWorld, Job, World } from './world.js';

/** The end of a hot migration: the target runs with everything, the source is off but still defined. */
export function switchOver(dc: Datacenter, world: World, job: Job, source: CopyWorld, target: CopyWorld): void {
  const state = touch(dc, world, job.vm);
  const writes = writesOf(dc.vm(job.vm), state, world.at);
  for (const disk of target.disks) {
    const truth = state.disks.find((one) => one.name === disk.name);
    if (disk.shared || truth === undefined) continue;
    disk.segments = wholeImage(blocksOf(truth.allocatedBytes), writes);
    disk.virtualBytes = truth.virtualBytes;
  }
  stopCopy(dc, world, job.vm, source, world.at, { cause: 'migrated', bitmaps: 'broken' });
  source.leftBy = job.moveId;
  target.defined = true;
  runCopy(dc, world, job.vm, target, world.at, 'migrated');
}

export function startTarget(dc: Datacenter, world: World, job: Job, target: CopyWorld): void {
  runCopy(dc, world, job.vm, target, world.at);
}
