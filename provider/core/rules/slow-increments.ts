import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { SLOW_SHARE } from '../physics.js';
import { formatRate } from '../units.js';
import { finding, unread, vmSubject, type RuleInput } from './rule.js';

/** `slow-increments`, staged, warning: the guest writes nearly as fast as the link carries. Not known: a notice. */
export function slowIncrements({ vm, method, bytesPerSecond }: Pick<RuleInput, 'vm' | 'method' | 'bytesPerSecond'>): readonly Finding[] {
  if (method !== 'staged') return [];
  const subject = vmSubject(vm);
  if (isUnknown(vm.dirtyRate))
    return [unread('slow-increments', 'notice', subject, `how fast VM ${vm.name} changes its disks`, vm.dirtyRate)];
  if (bytesPerSecond === null)
    return [unread('slow-increments', 'notice', subject, `how fast the increments of VM ${vm.name} travel`, 'the throughput is not known')];
  const { diskBytesPerSecond } = vm.dirtyRate;
  if (diskBytesPerSecond < SLOW_SHARE * bytesPerSecond) return [];
  return [
    finding(
      'slow-increments',
      'warning',
      subject,
      `VM ${vm.name} changes ${formatRate(diskBytesPerSecond)} of its disks, and the link carries ${formatRate(bytesPerSecond)}: increments hardly shrink`,
      'Give it more bandwidth, or move it at a quiet time.',
    ),
  ];
}
