/** What operators, HA and failing hosts do to the copies of a VM, past every placement. */
import { PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import { losePower } from './contents.js';
import { abortJob, isOver } from './jobs.js';
import { hostState, type Found, type View } from './model.js';
import { runCopy, stopCopy } from './power.js';
import { obedience } from './troubles.js';
import { refuseStart, startCopy } from './verbs.js';
import { copyId, copyOf, isUp, touch } from './vm-state.js';
import type { CopyWorld } from './world.js';

/** The copy that is the VM: the running one, else its only live one. */
export function mainCopy(view: View, name: string): Found {
  const vm = view.dc.find(name);
  const state = touch(view.dc, view.world, vm.id);
  const live = state.copies.filter((copy) => copy.role === 'live');
  const copy = live.find(isUp) ?? live.find((one) => one.leftBy === null && one.blocked === null) ?? live[0];
  if (copy === undefined) throw new PlacementError('platform', `VM ${vm.name} has no copy.`, { vm: vm.name });
  return { vm, state, copy };
}

export function copyOn(view: View, name: string, host: string): Found {
  const vm = view.dc.find(name);
  const state = touch(view.dc, view.world, vm.id);
  const copy = state.copies.find((one) => one.host === host);
  if (copy === undefined)
    throw new PlacementError('platform', `VM ${vm.name} has no copy on ${placeText(view.dc.place(host))}.`, { vm: vm.name });
  return { vm, state, copy };
}

export function shutDown(view: View, { vm, copy }: Found, how: 'clean' | 'hard'): void {
  const { dc, world, now } = view;
  if (!isUp(copy)) return;
  if (how === 'hard') return stopCopy(dc, world, vm.id, copy, now, { cause: 'destroyed', bitmaps: 'broken' });
  const { takesMs } = obedience(world, vm);
  copy.shutdown = { began: now, offAt: now + takesMs };
  if (world.clock.kind === 'manual') world.clock.now += takesMs;
}

/** Somebody takes the block of the source away and starts it. Where no move is under way: the copy that a move has kept. */
export function startSource(view: View, name: string): PlacementError | null {
  const { vm, state, copy: main } = mainCopy(view, name);
  const from = state.record?.from.host;
  const copy = state.copies.find((one) => one.host === from) ?? state.copies.find((one) => one.role === 'kept') ?? main;
  copy.blocked = null;
  return startCopy(view, { vm, state, copy });
}

/** The copy gets a new identity; bitmaps do not travel, a job of ours ends. */
export function moveByHand(view: View, { vm, state, copy }: Found, host: string): CopyWorld {
  const place = view.dc.place(host);
  if (copy.host === place.host) return copy;
  for (const job of Object.values(view.world.jobs))
    if (job.source === copy.id && !isOver(job)) abortJob(view.dc, view.world, job, 'the VM was taken from its source');
  const moved: CopyWorld = { ...copy, id: copyId(vm.uuid, state.nextCopy), host, checkpoints: [], blocked: null };
  state.nextCopy += 1;
  state.copies = state.copies.map((other) => (other === copy ? moved : other));
  return moved;
}

/** As hypervisors do: the target was set up with the devices that the VM had when its migration began. */
export function refuseUnderJob({ world }: View, { vm, copy }: Found): void {
  const job = Object.values(world.jobs).find((one) => one.source === copy.id && !isOver(one));
  if (job === undefined) return;
  throw new PlacementError('platform', `VM ${vm.name} is locked by its migration ${job.moveId}.`, { vm: vm.name });
}

export function removeCopy(view: View, { vm, state, copy }: Found): void {
  if (isUp(copy))
    throw new PlacementError(
      'not-possible',
      `VM ${vm.name} runs on ${placeText(view.dc.place(copy.host))}: only a copy that is off is removed.`,
      {
        vm: vm.name,
      },
    );
  state.copies = state.copies.filter((other) => other !== copy);
}

/** HA takes the host for dead and starts the VM on another one; what its guest was told is durable is there. */
export function restartElsewhere(view: View, found: Found, host: string): void {
  const { dc, world, now } = view;
  const { vm, copy } = found;
  const refuse = (why: string): never => {
    throw new PlacementError('not-possible', `HA does not restart VM ${vm.name} on ${placeText(dc.place(host))}: ${why}.`, { vm: vm.name });
  };
  if (copy.host === host) refuse('it is there already');
  if (!isUp(copy) && copy.power !== 'crashed')
    refuse(`it is ${copy.power} on ${placeText(dc.place(copy.host))}, and HA restarts only what ran`);
  if (hostState(view, host) !== 'connected') refuse(`that host is ${hostState(view, host)}`);
  stopCopy(dc, world, vm.id, copy, now, { cause: 'host-failed', bitmaps: 'broken' });
  runCopy(dc, world, vm.id, moveByHand(view, found, host), now);
}

/** What runs there crashes; what was not flushed is gone. */
export function loseHostPower(view: View, host: string): void {
  const { dc, world, now } = view;
  dc.host(host);
  for (const job of Object.values(world.jobs)) {
    const target = job.stage === 'postcopy' ? undefined : copyOf(touch(dc, world, job.vm), job.target);
    if (target?.host === host) abortJob(dc, world, job, `host ${placeText(dc.place(host))} lost power`);
  }
  for (const vm of dc.config.vms) {
    const state = touch(dc, world, vm.id);
    const there = state.copies.filter((copy) => copy.host === host);
    for (const copy of there) {
      stopCopy(dc, world, vm.id, copy, now, { cause: 'host-failed', bitmaps: 'broken' });
      for (const disk of copy.disks) disk.segments = losePower(disk.segments);
    }
    // Whoever sends notices that the other host is a new boot: the pass under way begins again.
    for (const transfer of Object.values(world.transfers)) {
      if (there.some((copy) => copy.id === transfer.target)) transfer.pass = null;
    }
  }
}

/** A host that was down boots: it starts what it starts by itself. */
export function bootHost(view: View, host: string): void {
  const { dc, world, now } = view;
  delete world.hosts[host];
  for (const vm of dc.config.vms) {
    const state = touch(dc, world, vm.id);
    for (const copy of state.copies.filter((one) => one.host === host && isStartedWithHost(view, { vm, state, copy: one }))) {
      runCopy(dc, world, vm.id, copy, now);
    }
  }
}

function isStartedWithHost(view: View, found: Found): boolean {
  const { copy } = found;
  // The platform knows of a VM that it has moved away itself.
  if (!copy.autostart || isUp(copy) || copy.role === 'incoming' || copy.leftBy !== null) return false;
  try {
    refuseStart(view, found);
    return true;
  } catch {
    return false; // Blocked, or held by a task: it stays as it is.
  }
}
