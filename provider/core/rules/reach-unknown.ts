import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

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
    finding(
      'reach-unknown',
      desired.method === 'hot' ? 'warning' : 'blocker',
      vmSubject(vm),
      `unknown: whether ${placeText(from)} and ${placeText(to)} reach each other directly: ${link.because}`,
      `${link.fix === undefined ? 'Declare' : `${link.fix} Or declare`} it in the datacenter (links: [{between: [${from.cluster}, ${to.cluster}], direct: 'yes'}], or 'no'), or declare the method.`,
    ),
  ];
}
