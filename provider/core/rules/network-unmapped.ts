import type { Finding } from '../finding.js';
import { isUnknown, placeText } from '../inventory.js';
import { finding, hostSubject, list, unread, type RuleInput } from './rule.js';

/** `network-unmapped`, all methods, blocker: no such network on the target and no mapping. */
export function networkUnmapped({ vm, target, to, desired }: Pick<RuleInput, 'vm' | 'target' | 'to' | 'desired'>): readonly Finding[] {
  const subject = hostSubject(to);
  if (isUnknown(vm.nics)) return [unread('network-unmapped', 'blocker', subject, `the network interfaces of VM ${vm.name}`, vm.nics)];
  const needed = [...new Set(vm.nics.map((nic) => nic.network))];
  if (needed.length === 0) return [];
  const networks = isUnknown(target.facts) ? target.facts : target.facts.networks;
  if (isUnknown(networks)) return [unread('network-unmapped', 'blocker', subject, `the networks of ${placeText(to)}`, networks)];
  return needed
    .filter((network) => !networks.includes(desired.networks[network] ?? network))
    .map((network) => {
      const mapped = desired.networks[network];
      const how = mapped === undefined ? '' : `, which network ${network} is mapped to`;
      const message = `${placeText(to)} has no network ${mapped ?? network}${how} (interfaces of VM ${vm.name})`;
      return finding(
        'network-unmapped',
        'blocker',
        subject,
        message,
        `Declare networks: {${network}: <network there>}; there are: ${list(networks)}.`,
      );
    });
}
