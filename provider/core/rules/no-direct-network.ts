import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { crossesClusters, finding, vmSubject, type RuleInput } from './rule.js';

/** `no-direct-network`, hot, blocker: known that the source does not reach the target as a hot move has to. */
export function noDirectNetwork({
  vm,
  method,
  link,
  from,
  to,
}: Pick<RuleInput, 'vm' | 'method' | 'link' | 'from' | 'to'>): readonly Finding[] {
  if (method !== 'hot' || link.direct !== 'no') return [];
  const [here, there] = [placeText(from), placeText(to)];
  const [message, suggestion] =
    link.fix === undefined
      ? [
          `a hot move needs a direct network; ${here} and ${there} have none (${link.because})`,
          'Use a staged move (it is relayed), or cold with allowShutdown: true, or connect the two.',
        ]
      : [
          `a hot move goes straight from ${here} to ${there}, and that way is closed: ${link.because}`,
          `${link.fix} Or use ${crossesClusters({ from, to }) ? 'a staged move (it is relayed), or ' : ''}cold with allowShutdown: true.`,
        ];
  return [finding('no-direct-network', 'blocker', vmSubject(vm), message, suggestion)];
}
