import { copiedDisks } from '../estimate.js';
import type { Finding } from '../finding.js';
import { isKnown, isUnknown } from '../inventory.js';
import { finding, list, stopsVm, unread, vmSubject, type RuleInput } from './rule.js';

/** `snapshots-lost`, where disks are copied: blocker; warning when the source is kept or `dropSnapshots: true`. */
export function snapshotsLost(input: Pick<RuleInput, 'vm' | 'target' | 'method' | 'desired' | 'capabilities'>): readonly Finding[] {
  const { vm, target, method, desired, capabilities } = input;
  if (isKnown(vm.disks) && copiedDisks(vm.disks, target.facts).length === 0) return [];
  const kept = capabilities.keepsSource && (desired.keepSource ?? (stopsVm(method) ? 'confirm' : 'no')) === 'confirm';
  const severity = kept || desired.dropSnapshots ? 'warning' : 'blocker';
  const way = desired.dropSnapshots
    ? 'dropSnapshots: true is declared.'
    : kept
      ? 'They stay on the kept source until it is confirmed.'
      : 'Delete them, or declare dropSnapshots: true, or keepSource: confirm.';
  const subject = vmSubject(vm);
  if (isUnknown(vm.snapshots)) return [unread('snapshots-lost', severity, subject, `the snapshots of VM ${vm.name}`, vm.snapshots, way)];
  if (vm.snapshots.length === 0) return [];
  return [
    finding(
      'snapshots-lost',
      severity,
      subject,
      `the snapshots of VM ${vm.name} do not come along when its disks are copied: ${list(vm.snapshots)}`,
      way,
    ),
  ];
}
