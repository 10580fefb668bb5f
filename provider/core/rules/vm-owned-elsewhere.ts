import type { Finding } from '../finding.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `vm-owned-elsewhere`, all methods, blocker: another stack's claim or move. Override: `takeOver: <that stack>`, never while its lease is alive. */
export function vmOwnedElsewhere(input: Pick<RuleInput, 'vm' | 'desired' | 'stack' | 'holder' | 'nowMs'>): readonly Finding[] {
  const { vm, desired, stack } = input;
  const owner = vm.record?.stack ?? vm.claim?.stack ?? stack;
  if (owner === stack) return [];
  const subject = vmSubject(vm);
  const what = vm.record === null ? 'is placed by' : 'is being moved by';
  if (desired.takeOver !== owner) {
    const other = desired.takeOver === null ? '' : ` (takeOver names ${desired.takeOver})`;
    return [
      finding(
        'vm-owned-elsewhere',
        'blocker',
        subject,
        `VM ${vm.name} ${what} the stack ${owner}, not by ${stack}${other}`,
        `Remove it from that stack first, or declare takeOver: ${owner}.`,
      ),
    ];
  }
  const { lease } = vm;
  // A lease whose end cannot be read counts as alive.
  if (lease === null || lease.holder === input.holder || Date.parse(lease.expiresAt) <= input.nowMs) return [];
  return [
    finding(
      'vm-owned-elsewhere',
      'blocker',
      subject,
      `VM ${vm.name} ${what} the stack ${owner}, and its lease is alive: held by ${lease.holder} until ${lease.expiresAt}`,
      'Wait until that run has ended; a live lease is never taken over.',
    ),
  ];
}
