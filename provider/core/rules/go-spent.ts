import { shownGo } from '../shutdown-annotation.js';
import { command } from '../command.js';
import type { Finding } from '../finding.js';
import { spentGo } from '../go.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `go-spent`, staged, warning: the declared annotation value was used by an earlier move; it is ignored until it changes. */
export function goSpent({ vm, desired, method }: Pick<RuleInput, 'vm' | 'desired' | 'method'>): readonly Finding[] {
  if (method !== 'staged' || desired.shutdown === null || desired.shutdown === 'hold' || desired.shutdown !== spentGo(vm)) return [];
  return [
    finding(
      'go-spent',
      'warning',
      vmSubject(vm),
      `the declared vmplacement/shutdown (${shownGo({ value: desired.shutdown, place: 'declared' })}) of VM ${vm.name} was used by an earlier move and is ignored`,
      `Remove it, and set it again when this move may shut the VM down; or run: ${command('annotate', vm.name, 'shutdown=now')}`,
    ),
  ];
}
