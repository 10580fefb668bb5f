/** Whether what was sent so far may be built upon: the VM compared with what it was at the last acknowledged pass (rules.md §6.3). */
import type { Move } from '../../core/driver.js';
import { areSent, checkpointOf, type Open } from './transfers.js';

/** Why an increment would leave a silent gap; empty when it would not. */
export function distrustOf(open: Open, move: Move): string {
  const { state, source, target, transfer } = open;
  const named = move.record.increment;
  if (transfer.distrust !== '') return transfer.distrust;
  if (named !== null && transfer.n < named.n) return `the target holds increment ${transfer.n}, the record names ${named.n}`;
  if (transfer.n === 0) return '';
  if (transfer.source !== source.id) return 'the VM was moved by others';
  const checkpoint = checkpointOf(source, transfer.moveId, transfer.n);
  if (checkpoint === undefined) return 'its checkpoint is gone';
  if (checkpoint.broken) return 'its dirty bitmaps are broken (crash or forced power-off)';
  for (const truth of state.disks) {
    const then = transfer.disks[truth.name];
    if (then === undefined) continue;
    const path = source.disks.find((disk) => disk.name === truth.name)?.path;
    if (path !== then.path) return `disk ${truth.name} was replaced`;
    if (truth.chain !== then.chain) return `the image chain of disk ${truth.name} was changed by others`;
    if (truth.virtualBytes < then.virtualBytes) return `disk ${truth.name} was shrunk`;
    const image = target.disks.find((disk) => disk.name === truth.name)?.image;
    // The record may be one pass behind (a crash before it was written), never about another image.
    if (image !== then.image || (named?.n === transfer.n && named.images[truth.name] !== image)) {
      return `the target's image of disk ${truth.name} is not the one that was sent`;
    }
  }
  return '';
}

/** Whether a pass that was interrupted can go on where it stopped. */
export function passHolds(open: Open): boolean {
  const { source, transfer, writes } = open;
  const pass = transfer.pass;
  if (pass === null || transfer.source !== source.id || transfer.distrust !== '' || !areSent(open, pass.disks)) return false;
  if (transfer.kind === 'cold') return pass.boots === source.boots && pass.at === writes;
  const checkpoint = checkpointOf(source, transfer.moveId, pass.n);
  return checkpoint !== undefined && !checkpoint.broken;
}

/** After *off*: a disk that the target does not hold at all would be copied whole with the VM off. */
export function newDiskOf(open: Open): string {
  const added = open.state.disks.find((disk) => open.transfer.disks[disk.name] === undefined);
  return added === undefined ? '' : `disk ${added.name} was added after the last increment`;
}
