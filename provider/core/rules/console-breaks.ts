import type { Finding } from '../finding.js';
import { isUnknown } from '../inventory.js';
import { finding, list, unread, vmSubject, type RuleInput } from './rule.js';

/** `console-breaks`, hot, notice: open VNC and SPICE consoles break; the VM itself is not affected. */
export function consoleBreaks({ vm, method }: Pick<RuleInput, 'vm' | 'method'>): readonly Finding[] {
  if (method !== 'hot') return [];
  if (isUnknown(vm.consoles))
    return [
      unread('console-breaks', 'notice', vmSubject(vm), `the consoles of VM ${vm.name}`, vm.consoles, 'Open ones break; reopen them.'),
    ];
  if (vm.consoles.length === 0) return [];
  return [
    finding(
      'console-breaks',
      'notice',
      vmSubject(vm),
      `open consoles (${list(vm.consoles)}) of VM ${vm.name} break when it moves`,
      'Reopen them afterwards.',
    ),
  ];
}
