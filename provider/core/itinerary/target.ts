/** What is known against the target now. Asked before a running VM is stopped for it, and before it is started there. */
import { isKnown, placeText } from '../inventory.js';
import { hostOf } from '../locate.js';
import type { MigrationRecord } from '../record.js';
import { formatBytes } from '../units.js';
import type { Reality } from './step.js';

/** null = nothing. The rest of the preflight was settled when the move began; only what may have changed since counts here. */
export function againstTarget({ inventory, vm }: Reality, { to }: Pick<MigrationRecord, 'to'>): string | null {
  const host = hostOf(inventory, to);
  if (host === null) return `the target ${placeText(to)} is not found`;
  if (host.state !== 'connected') return `the target ${placeText(to)} is ${stateTexts[host.state]}`;
  if (!isKnown(host.facts)) return `the target ${placeText(to)} could not be read: ${host.facts.unknown}`;
  const { memory } = host.facts;
  if (!isKnown(memory)) return `the free memory of the target ${placeText(to)} could not be read: ${memory.unknown}`;
  if (!isKnown(vm.memoryBytes)) return `the memory size of VM ${vm.name} could not be read: ${vm.memoryBytes.unknown}`;
  if (memory.freeBytes >= vm.memoryBytes) return null;
  return `the target ${placeText(to)} has ${formatBytes(memory.freeBytes)} of memory free, VM ${vm.name} needs ${formatBytes(vm.memoryBytes)}`;
}

const stateTexts = {
  maintenance: 'in maintenance',
  'entering-maintenance': 'entering maintenance',
  disconnected: 'disconnected',
  unreachable: 'not reachable',
} as const;
