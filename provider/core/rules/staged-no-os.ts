import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { finding, unread, vmSubject, type RuleInput } from './rule.js';

/**
 * `staged-no-os`, staged, blocker: no operating system that obeys a shutdown is known to be installed (guest agent or tools seen, or the
 * platform says which); with `assumeOs: true` a warning.
 */
export function stagedNoOs({ method, vm, desired }: Pick<RuleInput, 'method' | 'vm' | 'desired'>): readonly Finding[] {
  if (method !== 'staged') return [];
  const subject = vmSubject(vm);
  const severity = desired.assumeOs ? 'warning' : 'blocker';
  const suggestion = desired.assumeOs
    ? 'assumeOs: true is declared; should it not obey the shutdown, the move returns to waiting.'
    : 'Declare assumeOs: true if the guest obeys a shutdown, or method: cold with allowShutdown: true.';
  if (isUnknown(vm.os))
    return [unread('staged-no-os', severity, subject, `whether VM ${vm.name} has an operating system`, vm.os, suggestion)];
  if (vm.os.installed) return [];
  return [
    finding(
      'staged-no-os',
      severity,
      subject,
      `no operating system is known to be installed on VM ${vm.name}: nothing would obey the shutdown`,
      suggestion,
    ),
  ];
}
