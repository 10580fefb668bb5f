import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { finding, unread, vmSubject, type RuleInput } from './rule.js';

/** `ha-or-balancer`, all methods, notice: the platform may move it back. */
export function haOrBalancer({ vm, to, targetCluster }: Pick<RuleInput, 'vm' | 'to' | 'targetCluster'>): readonly Finding[] {
  const findings: Finding[] = [];
  const way = 'Declare hosts or only cluster, so that a move inside the set is no drift.';
  if (isUnknown(vm.ha)) findings.push(unread('ha-or-balancer', 'notice', vmSubject(vm), `whether HA may move VM ${vm.name}`, vm.ha));
  else if (vm.ha) findings.push(finding('ha-or-balancer', 'notice', vmSubject(vm), `HA may restart VM ${vm.name} on another host`, way));
  const balancer = targetCluster?.balancer ?? { unknown: 'the inventory does not list the cluster' };
  const subject = `cluster ${to.cluster}`;
  if (isUnknown(balancer))
    findings.push(unread('ha-or-balancer', 'notice', subject, `whether a balancer moves VMs of cluster ${to.cluster}`, balancer));
  else if (balancer)
    findings.push(
      finding('ha-or-balancer', 'notice', subject, `the balancer of cluster ${to.cluster} may move VM ${vm.name} to another host`, way),
    );
  return findings;
}
