import type { Finding } from '../finding.js';
import { formatBytes, formatDuration } from '../units.js';
import { finding, stopsVm, vmSubject, type RuleInput } from './rule.js';

/** `downtime-estimate`, cold and staged, notice: from size, dirty rate and throughput, and which of these was measured. */
export function downtimeEstimate({
  vm,
  live,
  method,
  estimate,
  noEstimate,
}: Pick<RuleInput, 'vm' | 'live' | 'method' | 'estimate' | 'noEstimate'>): readonly Finding[] {
  if (!stopsVm(method)) return [];
  const subject = vmSubject(vm);
  if (estimate === null)
    return [finding('downtime-estimate', 'notice', subject, `unknown: the downtime of VM ${vm.name} cannot be estimated: ${noEstimate}`)];
  const what =
    live.power === 'off' && method === 'cold' ? `VM ${vm.name} is off already; the copy takes` : `estimated downtime of VM ${vm.name}`;
  const copy =
    estimate.copyBytes > 0 ? `, after copying ${formatBytes(estimate.copyBytes)} in ${formatDuration(estimate.copyMs)} while it runs` : '';
  return [
    finding(
      'downtime-estimate',
      'notice',
      subject,
      `${what} ${formatDuration(estimate.downtimeMs)} (${formatBytes(estimate.downBytes)})${copy}; from ${estimate.basis.join('; ')}`,
    ),
  ];
}
