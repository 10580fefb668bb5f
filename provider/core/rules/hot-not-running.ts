import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `hot-not-running`, hot, blocker: hot was declared for a VM that is off. */
export function hotNotRunning({ method, live, vm }: Pick<RuleInput, 'method' | 'live' | 'vm'>): readonly Finding[] {
  if (method !== 'hot' || live.power !== 'off') return [];
  return [
    finding(
      'hot-not-running',
      'blocker',
      vmSubject(vm),
      `VM ${vm.name} on ${placeText(live.ref)} is off; a hot move needs it running`,
      'Declare method: cold or auto, or start it.',
    ),
  ];
}
