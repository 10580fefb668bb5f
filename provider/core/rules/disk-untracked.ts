import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { finding, unread, vmSubject, type RuleInput } from './rule.js';

/** `disk-untracked`, staged, blocker: changes of the disk (raw, LVM) cannot be tracked over a shutdown. Way out: cold. */
export function diskUntracked({ vm, method }: Pick<RuleInput, 'vm' | 'method'>): readonly Finding[] {
  if (method !== 'staged') return [];
  const way = 'Declare method: cold with allowShutdown: true, or convert the disk to qcow2.';
  if (isUnknown(vm.disks)) return [unread('disk-untracked', 'blocker', vmSubject(vm), `the disks of VM ${vm.name}`, vm.disks)];
  return vm.disks.flatMap((disk) => {
    const subject = `disk ${disk.name}`;
    if (isUnknown(disk.tracked)) {
      return [
        unread(
          'disk-untracked',
          'blocker',
          subject,
          `whether changes of disk ${disk.name} of VM ${vm.name} can be tracked`,
          disk.tracked,
          way,
        ),
      ];
    }
    if (disk.tracked) return [];
    return [
      finding(
        'disk-untracked',
        'blocker',
        subject,
        `changes of disk ${disk.name} (${disk.format}) of VM ${vm.name} cannot be tracked over a shutdown`,
        way,
      ),
    ];
  });
}
