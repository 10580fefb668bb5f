import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { unread, vmSubject, type RuleInput } from './rule.js';

/** `reach-unknown`, hot: blocker under `auto` (it cannot choose between hot and staged), warning where hot was declared. */
export function reachUnknown({
  vm,
  method,
  desired,
  link,
  from,
  to,
}: Pick<RuleInput, 'vm' | 'method' | 'desired' | 'link' | 'from' | 'to'>): readonly Finding[] {
  if (method !== 'hot' || link.direct !== 'unknown') return [];
  return [
    unread(
      'reach-unknown',
      desired.method === 'hot' ? 'warning' : 'blocker',
      vmSubject(vm),
      `whether ${placeText(from)} and ${placeText(to)} reach each other directly`,
      link.because,
      `Declare the link between ${from.cluster} and ${to.cluster} in the configuration of the datacenter (direct: true or false), or declare the method.`,
    ),
  ];
}
