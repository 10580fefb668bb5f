/** The verbs on one copy: power, block, autostart, keep, retire. */
import type { CopyRef } from '../../core/inventory.js';
import { placeText } from '../../core/inventory.js';
import { PlacementError } from '../../core/errors.js';
import { hostState, findCopy, needCopy, type Found, type View } from './model.js';
import { runCopy, stopCopy } from './power.js';
import { obedience, takeStartTrouble } from './troubles.js';
import { isUp } from './vm-state.js';

/** Asks the guest; that it is off is read later. A second request changes nothing. */
export function askShutdown(view: View, { vm, copy }: Found): void {
  // One that was ignored is not under way.
  if (!isUp(copy) || (copy.shutdown !== null && copy.shutdown.offAt !== null)) return;
  const { ignores, takesMs } = obedience(view.world, vm);
  copy.shutdown = { began: view.now, offAt: ignores ? null : view.now + takesMs };
}

/** As libvirt's graceful destroy: the hypervisor closes the images in order, so the dirty bitmaps stay good. */
export function powerOff(view: View, { vm, copy }: Found): void {
  stopCopy(view.dc, view.world, vm.id, copy, view.now, { cause: 'destroyed', bitmaps: 'kept' });
}

/** Why nobody can start this copy, ourselves or anybody else. */
export function refuseStart(view: View, { vm, copy }: Found): void {
  const refuse = (why: string): never => {
    throw new PlacementError('platform', `VM ${vm.name} cannot be started on ${placeText(view.dc.place(copy.host))}: ${why}.`, {
      vm: vm.name,
    });
  };
  if (!copy.defined) refuse('it is not defined there, only images exist');
  if (copy.blocked !== null) refuse(`its start is blocked by move ${copy.blocked}`);
  const job = Object.values(view.world.jobs).find((one) => one.source === copy.id && (one.stage === 'final' || one.stage === 'define'));
  if (job !== undefined) refuse(`it is locked by the migration task ${job.moveId}`);
  if (hostState(view, copy.host) !== 'connected' && copy.boots === 0) refuse(`the host is in ${hostState(view, copy.host)}`);
}

/** Returns why the hypervisor could not start it, so that what was counted down on the way is kept. */
export function startCopy(view: View, found: Found): PlacementError | null {
  const { vm, copy } = found;
  if (isUp(copy)) return null;
  refuseStart(view, found);
  const trouble = takeStartTrouble(view.world, vm.id, copy.host);
  if (trouble === 'refused')
    return new PlacementError(
      'platform',
      `VM ${vm.name} could not be started on ${placeText(view.dc.place(copy.host))}: it died at once.`,
      { vm: vm.name, next: 'look at that host, then run again' },
    );
  runCopy(view.dc, view.world, vm.id, copy, view.now);
  if (trouble === 'crashes') stopCopy(view.dc, view.world, vm.id, copy, view.now, { cause: 'crashed', bitmaps: 'broken' });
  return null;
}

export function blockCopy(view: View, ref: CopyRef, moveId: string): void {
  const found = findCopy(view, ref);
  if (found === null) return;
  const { vm, copy } = found;
  if (isUp(copy)) {
    throw new PlacementError('not-possible', `VM ${vm.name} runs on ${placeText(ref)}: only a copy that is off can be blocked.`, {
      vm: vm.name,
    });
  }
  copy.blocked = moveId;
}

export function unblockCopy(view: View, ref: CopyRef): void {
  const found = findCopy(view, ref);
  if (found !== null) found.copy.blocked = null;
}

export function keepCopy(view: View, ref: CopyRef, moveId: string): void {
  const { vm, copy } = needCopy(view, ref);
  if (isUp(copy)) {
    throw new PlacementError('not-possible', `VM ${vm.name} runs on ${placeText(ref)}: it cannot be kept as a source.`, { vm: vm.name });
  }
  copy.role = 'kept';
  copy.keptBy = moveId;
}

/** Removes a source after a move. Everything that makes this safe is read again here, in the same change. */
export function retireCopy(view: View, ref: CopyRef, moveId: string): void {
  const found = findCopy(view, ref);
  if (found === null) return;
  const { vm, state, copy } = found;
  const refuse = (why: string): never => {
    throw new PlacementError('not-possible', `The source of VM ${vm.name} on ${placeText(ref)} is not removed: ${why}.`, {
      vm: vm.name,
      next: 'look at both copies, then run again',
    });
  };
  if (isUp(copy)) refuse('it runs');
  if (copy.keptBy !== null && copy.role !== 'kept') refuse('it ran since it was kept');
  const labels = [copy.keptBy, copy.blocked, copy.leftBy];
  if (!labels.includes(moveId)) {
    const other = labels.find((label) => label !== null);
    refuse(other === undefined ? 'it carries no label of this move' : `it carries the label of another move, ${other}`);
  }
  const mine = (label: string | null): boolean => label === null || label === moveId;
  if (!mine(copy.keptBy) || !mine(copy.blocked)) refuse('it carries the label of another move');
  const stays = state.copies.some((other) => {
    const read = hostState(view, other.host) !== 'unreachable' && hostState(view, other.host) !== 'disconnected';
    return other !== copy && read && (isUp(other) || (other.role === 'live' && other.defined && other.moveId === moveId));
  });
  if (!stays) refuse('no other copy of the VM was read that runs, or that this move made complete');
  const used = state.disks.find((disk) => disk.sharedWith.length > 0);
  if (used !== undefined) refuse(`its disk ${used.name} is used by ${used.sharedWith.join(', ')}`);
  state.copies = state.copies.filter((other) => other !== copy);
  delete view.world.transfers[moveId];
  delete view.world.jobs[moveId];
}
