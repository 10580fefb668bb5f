import { command } from '../command.js';
import type { Finding } from '../finding.js';
import { keptCopies, placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `source-kept`, all methods, blocker for a new move: an earlier move awaits confirmation. */
export function sourceKept({ vm }: Pick<RuleInput, 'vm'>): readonly Finding[] {
  const kept = keptCopies(vm).map((copy) => placeText(copy.ref));
  const places = kept.length > 0 ? kept : vm.record?.phase === 'AwaitingConfirmation' ? [placeText(vm.record.from)] : [];
  return places.map((place) =>
    finding(
      'source-kept',
      'blocker',
      vmSubject(vm),
      `an earlier move of VM ${vm.name} awaits confirmation: its source is kept on ${place}`,
      `Check the VM, then run: ${command('confirm', vm.name)}`,
    ),
  );
}
