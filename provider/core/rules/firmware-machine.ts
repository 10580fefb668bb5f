import type { Finding } from '../finding.js';
import { isUnknown, placeText } from '../inventory.js';
import { finding, hostSubject, unread, type RuleInput } from './rule.js';

/** `firmware-machine`, all methods, blocker: the target lacks the machine type or the firmware. */
export function firmwareMachine({ vm, target, to }: Pick<RuleInput, 'vm' | 'target' | 'to'>): readonly Finding[] {
  const subject = hostSubject(to);
  const way = 'Choose another host.';
  if (isUnknown(target.facts)) return [unread('firmware-machine', 'blocker', subject, `what ${placeText(to)} can run`, target.facts)];
  const { machineTypes, firmware } = target.facts;
  const findings: Finding[] = [];
  if (isUnknown(vm.machineType))
    findings.push(unread('firmware-machine', 'blocker', subject, `the machine type of VM ${vm.name}`, vm.machineType));
  else if (isUnknown(machineTypes))
    findings.push(unread('firmware-machine', 'blocker', subject, `the machine types of ${placeText(to)}`, machineTypes));
  else if (!machineTypes.includes(vm.machineType)) {
    findings.push(
      finding('firmware-machine', 'blocker', subject, `${placeText(to)} lacks the machine type ${vm.machineType} of VM ${vm.name}`, way),
    );
  }
  if (isUnknown(vm.firmware)) findings.push(unread('firmware-machine', 'blocker', subject, `the firmware of VM ${vm.name}`, vm.firmware));
  else if (isUnknown(firmware)) findings.push(unread('firmware-machine', 'blocker', subject, `the firmware of ${placeText(to)}`, firmware));
  else if (!firmware.includes(vm.firmware)) {
    findings.push(
      finding('firmware-machine', 'blocker', subject, `${placeText(to)} lacks the firmware ${vm.firmware} of VM ${vm.name}`, way),
    );
  }
  return findings;
}
