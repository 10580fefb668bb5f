import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `no-direct-network`, hot, blocker: known that the two hosts do not reach each other. */
export function noDirectNetwork({
  vm,
  method,
  link,
  from,
  to,
}: Pick<RuleInput, 'vm' | 'method' | 'link' | 'from' | 'to'>): readonly Finding[] {
  if (method !== 'hot' || link.direct !== 'no') return [];
  return [
    finding(
      'no-direct-network',
      'blocker',
      vmSubject(vm),
      `a hot move needs a direct network; ${placeText(from)} and ${placeText(to)} have none (${link.because})`,
      'Use a staged move (it is relayed), or cold with allowShutdown: true, or connect the two.',
    ),
  ];
}
