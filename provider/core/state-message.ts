/** What to know or do in each phase, with the exact next command. */
import { command } from './command.js';
import { keptCopies, placeText, samePlace, type Copy, type Inventory, type Vm } from './inventory.js';
import { copyText } from './host-clock.js';
import { doubtfulCopies, runningCopies } from './locate.js';
import type { MigrationRecord, Phase } from './record.js';
import { shutdownAnnotation } from './shutdown-annotation.js';
import type { PlacementState } from './state.js';
import { formatBytes, formatDuration } from './units.js';

export function messageOf(vm: Vm, live: Copy | null, phase: Phase, kept: PlacementState['keptSource'], inventory: Inventory): string {
  const { record } = vm;
  if (phase === 'Failed') return failed(vm, inventory);
  if (record === null) return phase === 'AwaitingConfirmation' ? awaitingConfirmation(vm, live, kept) : cancelled(vm);
  const where = `${placeText(record.from)} -> ${placeText(record.to)}`;
  const warnings = record.warnings.map((warning) => ` ${warning}.`).join('');
  switch (phase) {
    case 'Settled':
      return '';
    case 'Migrating':
      return `The ${record.method} move ${where} is under way (${record.step}). If no run is working on it: pulumi up`;
    case 'Replicating':
      return `${offText(vm, live, inventory)}The staged move ${where} copies the disks while the VM runs. If no run is working on it: pulumi up${warnings}`;
    case 'AwaitingShutdown':
      if (live !== null && live.power === 'running' && samePlace(live.ref, record.to))
        return `VM ${vm.name} runs on ${placeText(record.to)} already: the platform has cut it over. To write down the end of the move: pulumi up`;
      return awaitingShutdown(vm, live, record, warnings, inventory);
    case 'CuttingOver':
      return `The staged move ${where} is cutting over (${record.step}); the VM is off and restarts on the target. If no run is working on it: pulumi up`;
    case 'AwaitingConfirmation':
      return awaitingConfirmation(vm, live, kept);
    case 'Parked':
      return `The ${record.method} move ${where} was interrupted at ${record.step}; the VM is ${live?.power ?? 'unknown'} on ${live === null ? 'no host that was read' : placeText(live.ref)}. To go on: pulumi up. To undo it: ${command('cancel', vm.name)}`;
  }
}

function failed(vm: Vm, inventory: Inventory): string {
  const running = runningCopies(vm);
  if (running.length > 1)
    return `VM ${vm.name} runs on ${running.length} hosts at once: ${running.map((copy) => copyText(copy, inventory)).join('; ')}. Stop the wrong copy by hand now; then: pulumi up`;
  const doubtful = doubtfulCopies(vm);
  if (doubtful.length > 0)
    return `Which copy is VM ${vm.name} cannot be told: ${doubtful.map((copy) => copyText(copy, inventory)).join('; ')}. Remove the other one by hand; then: pulumi up`;
  if (vm.recordProblem !== undefined)
    return `The migration record of VM ${vm.name} cannot be read: ${vm.recordProblem}. Nothing is done until it can.`;
  const undo = vm.record?.targetStarting === true ? '' : `, or ${command('cancel', vm.name)}`;
  return `${vm.record?.failed ?? 'A person is needed.'} Then: pulumi up${undo}`;
}

function awaitingShutdown(vm: Vm, live: Copy | null, record: MigrationRecord, reasons: string, inventory: Inventory): string {
  const downtime = record.increment === null ? '' : ` Projected downtime: ${formatDuration(record.increment.projectedDowntimeMs)}.`;
  const held = record.declaredGo === 'hold' || vm.annotation.length > 1 || vm.annotation.some(({ value }) => value === 'hold');
  const spent = record.declaredGo !== undefined && record.declaredGo !== null && record.declaredGo === record.spentGo;
  const ways = [
    spent
      ? `change ${shutdownAnnotation} on the resource (its value was used up by an earlier move) and run pulumi up`
      : `set annotations: {"${shutdownAnnotation}": now} on the resource and run pulumi up`,
    `or run ${command('annotate', vm.name, 'shutdown=now')} and then pulumi up`,
    'or shut the guest down and run pulumi up again',
  ].filter((_way, index) => (index === 0 ? record.options.goFrom !== 'vm' : index === 1 ? record.options.goFrom !== 'declared' : true));
  return (
    `${offText(vm, live, inventory)}VM ${vm.name} is copied from ${placeText(record.from)} to ${placeText(record.to)} but for the last increment, and waits for its shutdown.${downtime}${reasons} ` +
    `${held ? 'Without the hold, to cut over' : 'To cut over now'}: ${ways.join(', ').replace(/^or /, '')}. ` +
    'Shut down by hand it stays off until the next pulumi up (or a running onPending: wait), unless the platform cuts over at any power-off by itself. To give it up: revert the declaration, or run ' +
    command('cancel', vm.name)
  );
}

/** A VM that is off while its move waits: said first, since somebody may miss it. */
const offText = (vm: Vm, live: Copy | null, inventory: Inventory): string =>
  live === null || live.power === 'running' ? '' : `VM ${vm.name} IS NOT RUNNING (${copyText(live, inventory)}). `;

function awaitingConfirmation(vm: Vm, live: Copy | null, kept: PlacementState['keptSource']): string {
  const runs = live === null ? '' : `VM ${vm.name} is ${live.power} on ${placeText(live.ref)}; `;
  const source =
    kept === null
      ? 'its source is kept'
      : `its source on ${placeText(kept.place)} (${formatBytes(kept.bytes)}) is kept${isBlocked(vm) ? ', blocked,' : ' (this platform cannot block its start: do not start it)'} since ${kept.since}`;
  return `${runs}${source}. Check the VM, then: ${command('confirm', vm.name)} (or declare keepSource: no)`;
}

const isBlocked = (vm: Vm): boolean => keptCopies(vm).every((copy) => copy.blocked);

function cancelled(vm: Vm): string {
  const target = vm.claim?.cancelled;
  if (target === null || target === undefined) return '';
  return `Its move to ${placeText(target.to)} was cancelled and is not started again. To start it: ${command('resume', vm.name)}, or change the declaration`;
}
