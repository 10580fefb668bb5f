import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { finding, list, stopsVm, unread, vmSubject, type RuleInput } from './rule.js';

/** `state-files`, cold and staged, blocker until the driver copies them: NVRAM, TPM state, libvirt secrets beside the disks. */
export function stateFiles({ vm, method, capabilities }: Pick<RuleInput, 'vm' | 'method' | 'capabilities'>): readonly Finding[] {
  if (!stopsVm(method)) return [];
  if (isUnknown(vm.stateFiles)) return [unread('state-files', 'blocker', vmSubject(vm), `the state files of VM ${vm.name}`, vm.stateFiles)];
  const left = vm.stateFiles.filter((file) => !capabilities.stateFiles.includes(file.kind));
  if (left.length === 0) return [];
  return [
    finding(
      'state-files',
      'blocker',
      vmSubject(vm),
      `VM ${vm.name} keeps state beside its disks that a ${method} move on ${capabilities.platform} does not copy: ${list(left.map((file) => `${file.kind} (${file.path})`))}`,
      'Move it hot, where that is possible.',
    ),
  ];
}
