/** Work of the platform itself, which goes on without any process of ours: hot migrations, and in style `task` all others. */
import { placeText } from '../../core/inventory.js';
import { HOT_DOWNTIME_LIMIT_MS } from '../../core/physics.js';
import { blocksOf, BLOCK, dirtySpans, spanBlocks, wholeImage } from './contents.js';
import type { Datacenter } from './datacenter.js';
import { switchOver, startTarget } from './takeover.js';
import { isMoving, rateOf } from './throughput.js';
import { copyOf, isUp, touch, vmState, writesOf } from './vm-state.js';
import { DEFINE_MS } from './timing.js';
import { freezeGuest, stopCopy } from './power.js';
import { diskOnFull, noRoomText, takeStartTrouble, troublesOf } from './troubles.js';
import type { CopyWorld, Job, VmWorld, World } from './world.js';

/** The platform's own task sends an increment so often while it waits for the source's shutdown. */
export const TASK_INCREMENT_EVERY_MS = 60_000;
/** Rounds after which a pre-copy that does not converge is ended by the declared means. */
const PATIENCE_ROUNDS = 3;

export const isOver = (job: Job): boolean => job.stage === 'done' || job.stage === 'aborted';

/** When the next thing happens to it by itself; null: nothing does. */
export function dueOf(dc: Datacenter, world: World, job: Job): number | null {
  if (isOver(job)) return null;
  if (sourceOff(dc, world, job) && (job.kind === 'hot' || job.stage === 'waiting')) return world.at;
  if (!isMoving(job)) return job.until;
  if (job.left <= 0) return Math.max(world.at, job.stageSince + 1);
  const rate = rateOf(dc, world, job);
  // Not one millisecond later because the way here was cut into pieces and rounded.
  return rate === 0 ? null : world.at + Math.max(1, Math.ceil((job.left / rate) * 1000 - 1e-6));
}

export function isDue(dc: Datacenter, world: World, job: Job): boolean {
  if (isMoving(job) && job.left > 0 && !(job.kind === 'hot' && sourceOff(dc, world, job))) return false;
  const due = dueOf(dc, world, job);
  return due !== null && due <= world.at;
}

/** Bytes that the guest wrote to the copied disks between two write counts. */
export const dirtyBytes = (dc: Datacenter, job: Pick<Job, 'vm' | 'disks'>, since: number, until: number): number =>
  BLOCK * job.disks.reduce((sum, disk) => sum + spanBlocks(dirtySpans(dc.ring(job.vm, disk), since, until)), 0);

export function fire(dc: Datacenter, world: World, job: Job): void {
  const state = touch(dc, world, job.vm);
  const [source, target] = [copyOf(state, job.source), copyOf(state, job.target)];
  if (source === undefined) return abortJob(dc, world, job, 'the VM was taken from its source');
  if (target === undefined) return abortJob(dc, world, job, 'what it had built on the target is gone');
  switch (job.kind) {
    case 'hot':
      return fireHot(dc, world, job, state, source, target);
    case 'cold':
      return fireCold(dc, world, job, source, target);
    case 'staged':
      return fireStaged(dc, world, job, state, source, target);
  }
}

/** Stops it and removes what it built; the VM stays where it is. `why`: the platform itself gives up. */
export function abortJob(dc: Datacenter, world: World, job: Job, why?: string): void {
  if (isOver(job)) return;
  if (why !== undefined) job.why = why;
  const state = touch(dc, world, job.vm);
  if (job.stage === 'switch') state.runSince = world.at;
  state.copies = state.copies.filter((copy) => copy.id !== job.target || isUp(copy));
  enter(world, job, 'aborted', 0);
  job.endedAt = world.at;
}

/** Jobs that write to storage without room end, as a hypervisor ends them. */
export function failWithoutRoom(dc: Datacenter, world: World): void {
  if (troublesOf(world).full.length === 0) return;
  for (const job of Object.values(world.jobs)) {
    const target = isMoving(job) && job.left > 0 ? copyOf(vmState(dc, world, job.vm), job.target) : undefined;
    const disk = target === undefined ? null : diskOnFull(dc, world, target);
    if (target !== undefined && disk !== null) abortJob(dc, world, job, noRoomText(dc, target, disk));
  }
}

export function enter(world: World, job: Job, stage: Job['stage'], bytes: number, until: number | null = null): void {
  job.stage = stage;
  job.stageSince = world.at;
  job.stageBytes = bytes;
  job.left = bytes;
  job.until = until;
}

function fireHot(dc: Datacenter, world: World, job: Job, state: VmWorld, source: CopyWorld, target: CopyWorld): void {
  // A guest that shuts down takes its migration with it.
  if (!isUp(source) && job.stage !== 'postcopy') return abortJob(dc, world, job, `the VM went ${source.power} on its source`);
  const vm = dc.vm(job.vm);
  const took = world.at - job.stageSince;
  const rate = rateOf(dc, world, job);
  const diskRate = job.disks.length > 0 ? vm.dirtyBytesPerSecond : 0;
  const dirtied =
    Math.min(vm.memoryWorkingSetBytes, (vm.memoryDirtyBytesPerSecond * took) / 1000) +
    Math.min(diskRate > 0 ? vm.workingSetBytes : 0, (diskRate * took) / 1000);
  switch (job.stage) {
    case 'disks':
      job.round = 1;
      return enter(world, job, 'memory', vm.memoryBytes + Math.min(vm.workingSetBytes, (diskRate * took) / 1000));
    case 'memory': {
      // Cut off in the very moment: the next round stalls.
      if (rate === 0) return enter(world, job, 'memory', Math.max(1, dirtied));
      const rest = Math.ceil((dirtied / rate) * 1000);
      const patient = job.round < PATIENCE_ROUNDS;
      if (rest <= HOT_DOWNTIME_LIMIT_MS || (job.suspend && !patient)) {
        freezeGuest(state, world.at);
        job.downtimeMs = Math.max(1, rest);
        job.sent += dirtied;
        return enter(world, job, 'switch', 0, world.at + job.downtimeMs);
      }
      if (job.postCopy && !patient) {
        if (takeStartTrouble(world, job.vm, target.host) !== null) return abortJob(dc, world, job, diedText(dc, target));
        job.downtimeMs = HOT_DOWNTIME_LIMIT_MS;
        switchOver(dc, world, job, source, target);
        return enter(world, job, 'postcopy', dirtied);
      }
      job.round += 1;
      return enter(world, job, 'memory', dirtied);
    }
    case 'switch':
      if (takeStartTrouble(world, job.vm, target.host) !== null) return abortJob(dc, world, job, diedText(dc, target));
      switchOver(dc, world, job, source, target);
      return finished(world, job);
    case 'postcopy':
      return finished(world, job);
    case 'waiting':
    case 'increment':
    case 'final':
    case 'define':
    case 'done':
    case 'aborted':
      return;
  }
}

function fireCold(dc: Datacenter, world: World, job: Job, source: CopyWorld, target: CopyWorld): void {
  if (isUp(source)) return abortJob(dc, world, job, 'the VM was started on its source');
  if (job.stage === 'disks') {
    hold(dc, world, job, target);
    return enter(world, job, 'define', 0, world.at + DEFINE_MS);
  }
  target.defined = true;
  finished(world, job);
}

function fireStaged(dc: Datacenter, world: World, job: Job, state: VmWorld, source: CopyWorld, target: CopyWorld): void {
  const writes = writesOf(dc.vm(job.vm), state, world.at);
  switch (job.stage) {
    case 'disks':
    case 'increment':
      job.lastBytes = job.stageBytes;
      job.lastMs = world.at - job.stageSince;
      job.n += 1;
      hold(dc, world, job, target);
      return enter(
        world,
        job,
        'waiting',
        0,
        job.stageSince + TASK_INCREMENT_EVERY_MS > world.at ? job.stageSince + TASK_INCREMENT_EVERY_MS : world.at + 1,
      );
    case 'waiting':
      job.passAt = writes;
      // Any power-off of the source starts the cutover: the platform does not ask why.
      return enter(world, job, isUp(source) ? 'increment' : 'final', dirtyBytes(dc, job, job.heldAt, writes));
    case 'final':
      job.n += 1;
      hold(dc, world, job, target);
      return enter(world, job, 'define', 0, world.at + DEFINE_MS);
    case 'define': {
      const trouble = takeStartTrouble(world, job.vm, target.host);
      if (trouble === 'refused') return abortJob(dc, world, job, diedText(dc, target));
      target.defined = true;
      target.autostart = source.autostart;
      source.leftBy = job.moveId;
      startTarget(dc, world, job, target);
      if (trouble === 'crashes') stopCopy(dc, world, job.vm, target, world.at, { cause: 'crashed', bitmaps: 'broken' });
      return finished(world, job);
    }
    case 'memory':
    case 'switch':
    case 'postcopy':
    case 'done':
    case 'aborted':
      return;
  }
}

const diedText = (dc: Datacenter, target: CopyWorld): string => `it died at its start on ${placeText(dc.place(target.host))}`;

function hold(dc: Datacenter, world: World, job: Job, target: CopyWorld): void {
  const state = vmState(dc, world, job.vm);
  for (const disk of target.disks) {
    const truth = state.disks.find((one) => one.name === disk.name);
    if (!disk.shared && truth !== undefined) disk.segments = wholeImage(blocksOf(truth.allocatedBytes), job.passAt);
  }
  job.heldAt = job.passAt;
}

function finished(world: World, job: Job): void {
  enter(world, job, 'done', 0);
  job.endedAt = world.at;
}

function sourceOff(dc: Datacenter, world: World, job: Job): boolean {
  const source = copyOf(vmState(dc, world, job.vm), job.source);
  if (job.kind === 'hot' && job.stage === 'postcopy') return false;
  return source === undefined || !isUp(source);
}
