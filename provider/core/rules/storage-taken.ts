import { copiedDisks } from '../estimate.js';
import type { Finding } from '../finding.js';
import { isUnknown, placeText, samePlace } from '../inventory.js';
import { finding, hostSubject, type RuleInput } from './rule.js';

/**
 * `storage-taken`, moves that copy disks, blocker: the pool on the target has a file of the name that the copy of a disk gets. It may be
 * anybody's, so it is never written to. Where a platform does not tell its files, the move itself looks before it touches anything.
 */
export function storageTaken({
  vm,
  to,
  target,
  desired,
  record,
}: Pick<RuleInput, 'vm' | 'to' | 'target' | 'desired' | 'record'>): readonly Finding[] {
  // Other rules say that its disks or the pools could not be read.
  if (isUnknown(vm.disks) || isUnknown(target.facts) || isUnknown(target.facts.pools)) return [];
  // Made by this very move, or the disks of a source that is kept there, which `source-kept` tells of.
  if (record !== null || vm.copies.some((copy) => samePlace(copy.ref, to))) return [];
  const { pools } = target.facts;
  return copiedDisks(vm.disks, target.facts).flatMap((disk) => {
    const pool = desired.storage[disk.pool] ?? disk.pool;
    const name = disk.path.slice(disk.path.lastIndexOf('/') + 1);
    if (pools.find((each) => each.name === pool)?.files?.includes(name) !== true) return [];
    return [
      finding(
        'storage-taken',
        'blocker',
        hostSubject(to),
        `pool ${pool} of ${placeText(to)} already has a file ${name}, the name that the copy of disk ${disk.name} of VM ${vm.name} would get`,
        'Look whose it is; rename or remove it there, or map the disk to another pool (storage).',
      ),
    ];
  });
}
