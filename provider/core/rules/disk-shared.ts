import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { finding, list, unread, vmSubject, type RuleInput } from './rule.js';

/** `disk-shared`, all methods, blocker: shared with another VM. Where the platform does not tell, a notice says that it was not checked. */
export function diskShared({ vm, capabilities }: Pick<RuleInput, 'vm' | 'capabilities'>): readonly Finding[] {
  if (isUnknown(vm.disks)) return [unread('disk-shared', 'blocker', vmSubject(vm), `the disks of VM ${vm.name}`, vm.disks)];
  const { platform, readsSharing } = capabilities;
  const findings: Finding[] = [];
  for (const disk of vm.disks) {
    const subject = `disk ${disk.name}`;
    if (isUnknown(disk.sharedWith)) {
      if (readsSharing)
        findings.push(unread('disk-shared', 'blocker', subject, `which VMs share disk ${disk.name} of VM ${vm.name}`, disk.sharedWith));
    } else if (disk.sharedWith.length > 0) {
      const message = `disk ${disk.name} of VM ${vm.name} is shared with ${list(disk.sharedWith)}`;
      findings.push(
        finding(
          'disk-shared',
          'blocker',
          subject,
          message,
          'Detach it from the other VM first; a shared disk cannot follow one of its users.',
        ),
      );
    }
  }
  if (!readsSharing && vm.disks.some((disk) => isUnknown(disk.sharedWith))) {
    const message = `${platform} does not tell whether disks are shared: not checked for VM ${vm.name}`;
    findings.push(finding('disk-shared', 'notice', vmSubject(vm), message, 'Make sure that no other VM uses its disks.'));
  }
  return findings;
}
