import type { Finding } from '../finding.js';
import { isUnknown, type Device } from '../inventory.js';
import { finding, stopsVm, unread, vmSubject, type RuleInput } from './rule.js';

/**
 * `device-unmovable`, hot: blocker; cold, staged: blocker unless `detach` names it (then it is left out of the definition on the target
 * only): PCI, SR-IOV, USB, GPU, a CD-ROM with an ISO of this host.
 */
export function deviceUnmovable({
  vm,
  method,
  desired,
  capabilities,
}: Pick<RuleInput, 'vm' | 'method' | 'desired' | 'capabilities'>): readonly Finding[] {
  const subject = vmSubject(vm);
  if (isUnknown(vm.devices)) return [unread('device-unmovable', 'blocker', subject, `the devices of VM ${vm.name}`, vm.devices)];
  const detached = (device: Device): boolean => stopsVm(method) && capabilities.detach !== 'none' && desired.detach.includes(device.name);
  return vm.devices
    .filter((device) => device.hostLocal && !detached(device))
    .map((device) => {
      const what = device.kind === 'cdrom' ? 'holds a medium of this host' : 'is bound to this host';
      const way = stopsVm(method)
        ? `Declare detach: [${device.name}] to leave it out on the target, or detach it by hand.`
        : device.kind === 'cdrom'
          ? 'Eject the medium.'
          : `Detach it by hand, or move the VM while it is off with detach: [${device.name}] (staged to another cluster, or cold).`;
      return finding(
        'device-unmovable',
        'blocker',
        `device ${device.name}`,
        `${device.kind} device ${device.name} of VM ${vm.name} ${what}`,
        way,
      );
    });
}
