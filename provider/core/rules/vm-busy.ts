import type { Finding } from '../finding.js';
import { finding, list, vmSubject, type RuleInput } from './rule.js';

/** `vm-busy`, all methods, blocker: locked by another operation. In `up` it is waited for until the no-progress timeout, never in preview. */
export function vmBusy({ vm }: Pick<RuleInput, 'vm'>): readonly Finding[] {
  if (vm.locks.length === 0) return [];
  const by = list(vm.locks.map((lock) => lock.by));
  return [
    finding(
      'vm-busy',
      'blocker',
      vmSubject(vm),
      `VM ${vm.name} is locked by another operation: ${by}`,
      'Wait until it has ended; `pulumi up` waits for it for noProgressTimeout.',
    ),
  ];
}
