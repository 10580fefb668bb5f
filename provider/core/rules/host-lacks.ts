import type { Finding } from '../finding.js';
import { isUnknown, placeText, type Host, type Place } from '../inventory.js';
import { finding, hostSubject, sentence, type RuleInput } from './rule.js';

/** `host-lacks`, the methods that need it, blocker: something that the method uses on the source or on the target is not installed there, or the login may not use it. */
export function hostLacks({
  vm,
  from,
  to,
  source,
  target,
  method,
}: Pick<RuleInput, 'vm' | 'from' | 'to' | 'source' | 'target' | 'method'>): readonly Finding[] {
  const on = (place: Place, host: Host | null): readonly Finding[] => {
    if (host === null || isUnknown(host.facts)) return [];
    return (host.facts.lacks ?? [])
      .filter(({ methods }) => methods.includes(method))
      .map(({ what, fix }) =>
        finding(
          'host-lacks',
          'blocker',
          hostSubject(place),
          `${placeText(place)} has no ${what}, which a ${method} move of VM ${vm.name} needs`,
          `${sentence(fix)}.`,
        ),
      );
  };
  return [...on(from, source), ...on(to, target)];
}
