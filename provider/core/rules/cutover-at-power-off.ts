import type { Finding } from '../finding.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/**
 * `cutover-at-power-off`, staged, notice: the platform itself starts the cutover at any power-off of the source, a crash included; `hold` stops
 * only the shutdown that this provider would send (rules.md §6.5).
 */
export function cutoverAtPowerOff({ method, vm, capabilities }: Pick<RuleInput, 'method' | 'vm' | 'capabilities'>): readonly Finding[] {
  if (method !== 'staged' || capabilities.holdsCutover) return [];
  return [
    finding(
      'cutover-at-power-off',
      'notice',
      vmSubject(vm),
      `${capabilities.platform} cuts VM ${vm.name} over at any power-off, also a crash or one by hand; hold stops only our own shutdown`,
      'Revert the declaration if it must not be cut over yet.',
    ),
  ];
}
