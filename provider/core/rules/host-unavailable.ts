import type { Finding } from '../finding.js';
import { isUnknown, placeText, reasonOf, type HostState, type Place } from '../inventory.js';
import { finding, hostSubject, sentence, unread, type RuleInput } from './rule.js';

/**
 * `host-unavailable`, all methods, blocker: target in or entering maintenance, disconnected, unreachable; source only: unreachable,
 * disconnected (evacuating a host in maintenance is the point).
 */
export function hostUnavailable({ source, target, from, to }: Pick<RuleInput, 'source' | 'target' | 'from' | 'to'>): readonly Finding[] {
  const findings: Finding[] = [];
  const blocker = (at: Place, text: string, way: string): void =>
    void findings.push(finding('host-unavailable', 'blocker', hostSubject(at), text, `${sentence(way)}.`));
  if (isUnknown(target.facts)) {
    const { why, next } = reasonOf(target.facts);
    blocker(to, `unknown: target ${placeText(to)} could not be read: ${why}`, `${next ?? 'bring it back'}, or choose another host`);
  } else if (target.state !== 'connected') {
    blocker(to, `target ${placeText(to)} ${texts[target.state]}`, 'choose another host, or wait until it is back');
  }
  if (source === null) {
    findings.push(unread('host-unavailable', 'blocker', hostSubject(from), `source ${placeText(from)}`, 'the inventory does not list it'));
  } else if (source.state === 'unreachable' || source.state === 'disconnected') {
    const silent = isUnknown(source.facts) ? reasonOf(source.facts) : null;
    const is = silent === null ? texts[source.state] : `could not be read: ${silent.why}`;
    blocker(from, `source ${placeText(from)} ${is}`, silent?.next ?? 'bring it back first');
  }
  return findings;
}

const texts: Readonly<Record<HostState, string>> = {
  connected: 'is connected',
  maintenance: 'is in maintenance',
  'entering-maintenance': 'is entering maintenance',
  disconnected: 'is disconnected from its platform',
  unreachable: 'does not answer',
};
