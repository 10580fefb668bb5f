import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { crossesClusters, finding, vmSubject, type RuleInput } from './rule.js';

/** `staged-same-cluster`, staged, blocker: a staged move goes to another cluster only. */
export function stagedSameCluster(input: Pick<RuleInput, 'method' | 'from' | 'to' | 'vm'>): readonly Finding[] {
  if (input.method !== 'staged' || crossesClusters(input)) return [];
  const { from, to, vm } = input;
  return [
    finding(
      'staged-same-cluster',
      'blocker',
      vmSubject(vm),
      `a staged move goes to another cluster only; ${placeText(from)} and ${placeText(to)} are in the same one`,
      'Declare method: hot, or method: cold with allowShutdown: true, or another host.',
    ),
  ];
}
