import type { Finding } from '../finding.js';
import { isUnknown, placeText, type HostState } from '../inventory.js';
import { finding, hostSubject, unread, type RuleInput } from './rule.js';

/**
 * `host-unavailable`, all methods, blocker: target in or entering maintenance, disconnected, unreachable; source only: unreachable,
 * disconnected (evacuating a host in maintenance is the point).
 */
export function hostUnavailable({ source, target, from, to }: Pick<RuleInput, 'source' | 'target' | 'from' | 'to'>): readonly Finding[] {
  const findings: Finding[] = [];
  if (target.state !== 'connected') {
    findings.push(
      finding(
        'host-unavailable',
        'blocker',
        hostSubject(to),
        `target ${placeText(to)} ${texts[target.state]}`,
        'Choose another host, or wait until it is back.',
      ),
    );
  } else if (isUnknown(target.facts)) {
    findings.push(
      unread(
        'host-unavailable',
        'blocker',
        hostSubject(to),
        `target ${placeText(to)}`,
        target.facts,
        'Make it readable, or choose another host.',
      ),
    );
  }
  if (source === null) {
    findings.push(unread('host-unavailable', 'blocker', hostSubject(from), `source ${placeText(from)}`, 'the inventory does not list it'));
  } else if (source.state === 'unreachable' || source.state === 'disconnected') {
    findings.push(
      finding('host-unavailable', 'blocker', hostSubject(from), `source ${placeText(from)} ${texts[source.state]}`, 'Bring it back first.'),
    );
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
