import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `staged-not-running`, staged, blocker: phase 1 copies a running VM; one that is off moves cold. */
export function stagedNotRunning({ method, live, vm }: Pick<RuleInput, 'method' | 'live' | 'vm'>): readonly Finding[] {
  if (method !== 'staged' || live.power !== 'off') return [];
  return [
    finding(
      'staged-not-running',
      'blocker',
      vmSubject(vm),
      `VM ${vm.name} on ${placeText(live.ref)} is off; a staged move begins with a running VM`,
      'Declare method: cold or auto, or start it.',
    ),
  ];
}
