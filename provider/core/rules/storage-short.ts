import { bytesByPool } from '../estimate.js';
import type { Finding } from '../finding.js';
import { isUnknown, placeText, samePlace } from '../inventory.js';
import { freeStorage } from '../room.js';
import { formatBytes } from '../units.js';
import { finding, hostSubject, unread, type RuleInput } from './rule.js';

/** `storage-short`, moves that copy disks, blocker: what will really be written per pool, against what is free after promises and moves in flight. */
export function storageShort(
  input: Pick<RuleInput, 'vm' | 'to' | 'target' | 'inventory' | 'promises' | 'desired' | 'record'>,
): readonly Finding[] {
  const { vm, to, target, desired } = input;
  const subject = hostSubject(to);
  if (isUnknown(vm.disks)) return [unread('storage-short', 'blocker', subject, `the disks of VM ${vm.name}`, vm.disks)];
  // What a copy of this very move reserves or wrote is not free any more, and is not needed again.
  if (input.record !== null && vm.copies.some((copy) => copy.role === 'incoming' && samePlace(copy.ref, to))) return [];
  const pools = freeStorage(input);
  const findings: Finding[] = [];
  for (const [pool, bytes] of bytesByPool(vm.disks, target.facts, desired.storage)) {
    if (isUnknown(pools)) return [unread('storage-short', 'blocker', subject, `the free storage of ${placeText(to)}`, pools)];
    const free = pools.get(pool);
    if (free === undefined) continue; // No such pool there: `storage-unmapped` says so.
    if (isUnknown(free))
      findings.push(unread('storage-short', 'blocker', subject, `the free space of pool ${pool} on ${placeText(to)}`, free));
    else if (bytes > free) {
      findings.push(
        finding(
          'storage-short',
          'blocker',
          subject,
          `VM ${vm.name} needs ${formatBytes(bytes)} on pool ${pool} of ${placeText(to)}; ${formatBytes(Math.max(0, free))} are left (after other moves that lead there)`,
          'Choose another host, map the storage to another pool, or free space there.',
        ),
      );
    }
  }
  return findings;
}
