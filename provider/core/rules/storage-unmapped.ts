import { copiedDisks } from '../estimate.js';
import type { Finding } from '../finding.js';
import { isUnknown, placeText } from '../inventory.js';
import { finding, hostSubject, list, unread, type RuleInput } from './rule.js';

/** `storage-unmapped`, all methods, blocker: no such pool on the target and no mapping. A disk on storage that both see needs none. */
export function storageUnmapped({ vm, target, to, desired }: Pick<RuleInput, 'vm' | 'target' | 'to' | 'desired'>): readonly Finding[] {
  const subject = hostSubject(to);
  if (isUnknown(vm.disks)) return [unread('storage-unmapped', 'blocker', subject, `the disks of VM ${vm.name}`, vm.disks)];
  const needed = [...new Set(copiedDisks(vm.disks, target.facts).map((disk) => disk.pool))];
  if (needed.length === 0) return [];
  const pools = isUnknown(target.facts) ? target.facts : target.facts.pools;
  if (isUnknown(pools)) return [unread('storage-unmapped', 'blocker', subject, `the storage pools of ${placeText(to)}`, pools)];
  const there = pools.map((pool) => pool.name);
  return needed
    .filter((pool) => !there.includes(desired.storage[pool] ?? pool))
    .map((pool) => {
      const mapped = desired.storage[pool];
      const how = mapped === undefined ? '' : `, which pool ${pool} is mapped to`;
      const message = `${placeText(to)} has no pool ${mapped ?? pool}${how} (disks of VM ${vm.name})`;
      return finding(
        'storage-unmapped',
        'blocker',
        subject,
        message,
        `Declare storage: {${pool}: <pool there>}; there are: ${list(there)}.`,
      );
    });
}
