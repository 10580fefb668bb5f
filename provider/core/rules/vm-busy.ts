import { command } from '../command.js';
import type { Finding } from '../finding.js';
import { finding, list, vmSubject, type RuleInput } from './rule.js';

/** `vm-busy`, all methods, blocker: locked by another operation. In `up` it is waited for until the no-progress timeout, never in preview. */
export function vmBusy({ vm, holder, nowMs }: Pick<RuleInput, 'vm' | 'holder' | 'nowMs'>): readonly Finding[] {
  if (vm.locks.length === 0) return [];
  const by = list(vm.locks.map((lock) => lock.by));
  const { lease } = vm;
  // A lease whose end cannot be read counts as alive.
  const isHeld = lease !== null && lease.holder !== holder && !(Date.parse(lease.expiresAt) <= nowMs);
  return [
    finding(
      'vm-busy',
      'blocker',
      vmSubject(vm),
      `VM ${vm.name} is locked by another operation: ${by}${isHeld ? `; ${lease.holder} is working on it, and its lease ends ${lease.expiresAt} unless renewed` : ''}`,
      `Wait until it has ended${isHeld ? ` (${command('status', vm.name)} shows how far it is)` : ''}; \`pulumi up\` waits for it for noProgressTimeout.`,
    ),
  ];
}
