import type { Finding } from '../finding.js';
import { finding, vmSubject, type RuleInput } from './rule.js';

/**
 * `will-stop-vm`, cold and staged, warning: *this* `up` may stop a running VM: a go is already given, `allowShutdown`, or with
 * `onPending: wait` a time, a window or a go at the VM can come.
 */
export function willStopVm({ method, vm, whyStops }: Pick<RuleInput, 'method' | 'vm' | 'whyStops'>): readonly Finding[] {
  if (method === 'hot' || whyStops === null) return [];
  const way = method === 'cold' ? 'Remove allowShutdown to prevent it.' : 'Set vmplacement/shutdown to hold to prevent it.';
  return [finding('will-stop-vm', 'warning', vmSubject(vm), `this update may stop the running VM ${vm.name}: ${whyStops}`, way)];
}
