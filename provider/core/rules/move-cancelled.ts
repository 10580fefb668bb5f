import { command } from '../command.js';
import { declarationKey, isAllowed } from '../declaration.js';
import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `move-cancelled`, warning: this declaration's move was cancelled by hand; a schedule does not start it again (rules.md §6, Cancel). */
export function moveCancelled({ vm, desired }: Pick<RuleInput, 'vm' | 'desired'>): readonly Finding[] {
  const cancelled = vm.claim?.cancelled ?? null;
  if (vm.record !== null || cancelled === null) return [];
  // A cancel that did not know the declaration leaves it empty: then the target alone counts.
  const same = cancelled.declaration === '' ? isAllowed(desired, cancelled.to) : cancelled.declaration === declarationKey(desired);
  if (!same) return [];
  return [
    finding(
      'move-cancelled',
      'warning',
      vmSubject(vm),
      `the move of VM ${vm.name} to ${placeText(cancelled.to)} was cancelled by vmplacement cancel, and is not started again`,
      `Run: ${command('resume', vm.name)}, or change the declaration.`,
    ),
  ];
}
