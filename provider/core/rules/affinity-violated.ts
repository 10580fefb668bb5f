import type { Finding, Severity } from '../finding.js';
import { isUnknown, placeText, samePlace, unreadHosts, type Affinity } from '../inventory.js';
import { liveCopy } from '../locate.js';
import { lookup } from '../lookup.js';
import { finding, list, unread, vmSubject, type RuleInput } from './rule.js';

/** `affinity-violated`, all methods: must: blocker, prefer: warning. Rules of this VM, and rules of others that name it. */
export function affinityViolated(input: Pick<RuleInput, 'vm' | 'to' | 'inventory'>): readonly Finding[] {
  const { vm, inventory } = input;
  if (isUnknown(vm.affinity))
    return [unread('affinity-violated', 'blocker', vmSubject(vm), `the affinity rules of VM ${vm.name}`, vm.affinity)];
  const own = vm.affinity.flatMap((rule) => check(input, rule, `a rule of VM ${vm.name}`, rule.members));
  const { rulesNaming } = lookup(inventory);
  const named = [...new Set([...rulesNaming(vm.name), ...rulesNaming(vm.uuid)])]
    .filter(({ owner }) => owner.uuid !== vm.uuid)
    .flatMap(({ owner, rule }) => check(input, rule, `a rule of VM ${owner.name}`, [owner.uuid]));
  return [...own, ...named];
}

function check(
  { vm, to, inventory }: Pick<RuleInput, 'vm' | 'to' | 'inventory'>,
  rule: Affinity,
  whose: string,
  members: readonly string[],
): readonly Finding[] {
  const severity: Severity = rule.strength === 'must' ? 'blocker' : 'warning';
  const subject = vmSubject(vm);
  const way = rule.strength === 'must' ? 'Choose another host, or change the rule on the platform.' : '';
  if (rule.kind === 'hosts') {
    if (members.includes(to.host) || members.includes(placeText(to))) return [];
    return [
      finding(
        'affinity-violated',
        severity,
        subject,
        `${whose} (${rule.strength}) wants it on ${list(members)}, not on ${placeText(to)}`,
        way,
      ),
    ];
  }
  return members.flatMap((member) => {
    const { vmsByName, vmsByUuid } = lookup(inventory);
    const others = [...new Set([...vmsByName(member), ...vmsByUuid(member)])].filter((other) => other.uuid !== vm.uuid);
    const places = others.flatMap((other) => liveCopy(other)?.ref ?? []);
    if (places.length === 0) {
      const unreadable = unreadHosts(inventory);
      if (unreadable.length === 0) return []; // It is nowhere: nothing to be with or apart from.
      const why = `${list(unreadable.map((host) => placeText({ cluster: host.cluster, host: host.name })))} could not be read`;
      return [unread('affinity-violated', severity, subject, `where VM ${member} is, which ${whose} (${rule.strength}) names`, why, way)];
    }
    const together = places.some((place) => samePlace(place, to));
    const name = others[0]?.name ?? member;
    if (rule.kind === 'with' && !together) {
      return [
        finding(
          'affinity-violated',
          severity,
          subject,
          `${whose} (${rule.strength}) wants it with ${name}, which is on ${list(places.map(placeText))}, not on ${placeText(to)}`,
          way,
        ),
      ];
    }
    if (rule.kind === 'apart' && together) {
      return [
        finding(
          'affinity-violated',
          severity,
          subject,
          `${whose} (${rule.strength}) wants it apart from ${name}, which is on ${placeText(to)}`,
          way,
        ),
      ];
    }
    return [];
  });
}
