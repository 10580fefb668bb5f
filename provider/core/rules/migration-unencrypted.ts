import type { Finding } from '../finding.js';
import { placeText } from '../inventory.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/** `migration-unencrypted`, hot, warning: memory and disks of the VM travel between the hosts in the clear (libvirt without TLS). */
export function migrationUnencrypted({
  vm,
  method,
  from,
  to,
  capabilities,
}: Pick<RuleInput, 'vm' | 'method' | 'from' | 'to' | 'capabilities'>): readonly Finding[] {
  if (method !== 'hot' || capabilities.encryptsHot) return [];
  return [
    finding(
      'migration-unencrypted',
      'warning',
      vmSubject(vm),
      `memory and disks of VM ${vm.name} travel unencrypted from ${placeText(from)} to ${placeText(to)}`,
      'Give the hosts certificates and set libvirt.tls, move it over a network that nobody else reads, or cold: that goes through SSH.',
    ),
  ];
}
