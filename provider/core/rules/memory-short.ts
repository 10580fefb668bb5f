import type { Finding } from '../finding.js';
import { isUnknown, placeText } from '../inventory.js';
import { freeMemory } from '../room.js';
import { formatBytes } from '../units.js';
import { finding, hostSubject, unread, type RuleInput } from './rule.js';

/** `memory-short`, all methods, blocker: against what is free after promises, moves in flight and the reserve. */
export function memoryShort(input: Pick<RuleInput, 'vm' | 'to' | 'target' | 'inventory' | 'promises' | 'settings'>): readonly Finding[] {
  const { vm, to, settings } = input;
  const subject = hostSubject(to);
  if (vm.copies.some((copy) => copy.power === 'running' && copy.ref.host === to.host && copy.ref.cluster === to.cluster)) return [];
  if (isUnknown(vm.memoryBytes)) return [unread('memory-short', 'blocker', subject, `the memory size of VM ${vm.name}`, vm.memoryBytes)];
  const free = freeMemory(input);
  if (isUnknown(free)) return [unread('memory-short', 'blocker', subject, `the free memory of ${placeText(to)}`, free)];
  const usable = free - settings.memoryReserveBytes;
  if (vm.memoryBytes <= usable) return [];
  return [
    finding(
      'memory-short',
      'blocker',
      subject,
      `VM ${vm.name} needs ${formatBytes(vm.memoryBytes)} of memory; ${placeText(to)} has ${formatBytes(Math.max(0, usable))} left ` +
        `(after other moves that lead there and the reserve of ${formatBytes(settings.memoryReserveBytes)})`,
      'Choose another host, free memory there, or lower memoryReserve.',
    ),
  ];
}
