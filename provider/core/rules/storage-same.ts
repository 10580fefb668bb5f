import { onSharedStorage } from '../estimate.js';
import type { Finding } from '../finding.js';
import { isKnown, isUnknown, placeText, type Disk, type Unknown } from '../inventory.js';
import { finding, unread, vmSubject, type RuleInput } from './rule.js';

/**
 * `storage-same`, notice, staged: blocker: a disk lies on storage that both hosts see, proved by reading its identity, not by an equal
 * path. It is never copied and never removed.
 */
export function storageSame({
  vm,
  target,
  from,
  to,
  method,
}: Pick<RuleInput, 'vm' | 'target' | 'from' | 'to' | 'method'>): readonly Finding[] {
  const severity = method === 'staged' ? 'blocker' : 'notice';
  const way =
    method === 'staged' ? 'Declare method: hot, or method: cold with allowShutdown: true: both leave such a disk where it is.' : '';
  if (isUnknown(vm.disks))
    return [unread('storage-same', severity, vmSubject(vm), `whether VM ${vm.name} has disks on storage that both hosts see`, vm.disks)];
  return vm.disks.flatMap((disk) => {
    const subject = `disk ${disk.name}`;
    if (onSharedStorage(disk, target.facts)) {
      const message = `disk ${disk.name} of VM ${vm.name} lies on storage that ${placeText(from)} and ${placeText(to)} both see: it is not copied and not removed`;
      return [finding('storage-same', severity, subject, message, way)];
    }
    const doubt = inDoubt(disk, { target });
    if (doubt === null) return [];
    return [
      unread(
        'storage-same',
        severity,
        subject,
        `whether ${placeText(to)} sees the storage of disk ${disk.name} of VM ${vm.name} too`,
        doubt,
        way,
      ),
    ];
  });
}

/** Storage known to be local to one host is not the other's. */
function inDoubt(disk: Disk, { target }: Pick<RuleInput, 'target'>): Unknown | null {
  if (disk.storageId === null) return null;
  if (isUnknown(target.facts)) return target.facts;
  if (isUnknown(target.facts.pools)) return target.facts.pools;
  const identities = target.facts.pools.map((pool) => pool.storageId).filter((identity) => identity !== null);
  if (isUnknown(disk.storageId)) return identities.length > 0 ? disk.storageId : null;
  return identities.filter((identity) => !isKnown(identity)).find(isUnknown) ?? null;
}
