import type { Finding } from '../finding.js';
import { placeText, type Power, type Vm } from '../inventory.js';
import { finding, unread, vmSubject, type RuleInput } from './rule.js';

/** `vm-state`, all methods, blocker: paused, suspended, saved, crashed, unknown; being deleted, recycle bin, internal VM, transient definition. */
export function vmState({ vm, live }: Pick<RuleInput, 'vm' | 'live'>): readonly Finding[] {
  const subject = vmSubject(vm);
  const findings = vm.conditions.map((condition) =>
    finding('vm-state', 'blocker', subject, `VM ${vm.name} ${conditions[condition]}`, ways[condition]),
  );
  return [...powerFindings(vm, live.power, placeText(live.ref)), ...findings];
}

function powerFindings(vm: Vm, power: Power, where: string): readonly Finding[] {
  const subject = vmSubject(vm);
  switch (power) {
    case 'running':
    case 'off':
      return [];
    case 'unknown':
      return [
        unread(
          'vm-state',
          'blocker',
          subject,
          `the power state of VM ${vm.name} on ${where}`,
          'the platform does not tell',
          'Make it readable, then try again.',
        ),
      ];
    case 'paused':
    case 'suspended':
      return [finding('vm-state', 'blocker', subject, `VM ${vm.name} on ${where} is ${power}`, 'Resume it, or shut it down.')];
    case 'saved':
      return [
        finding(
          'vm-state',
          'blocker',
          subject,
          `VM ${vm.name} on ${where} is saved`,
          'Start it, which resumes it, or discard what is saved (libvirt: virsh managedsave-remove).',
        ),
      ];
    case 'crashed':
      return [finding('vm-state', 'blocker', subject, `VM ${vm.name} on ${where} crashed`, 'Start it again, or power it off.')];
  }
}

const conditions: Readonly<Record<Vm['conditions'][number], string>> = {
  transient: 'has only a transient definition, which is gone when it stops',
  deleting: 'is being deleted',
  'recycle-bin': 'is in the recycle bin',
  internal: 'is an internal VM of the platform',
};

const ways: Readonly<Record<Vm['conditions'][number], string>> = {
  transient: 'Define it persistently (libvirt: virsh define).',
  deleting: '',
  'recycle-bin': 'Restore it first.',
  internal: 'Leave its placement to the platform.',
};
