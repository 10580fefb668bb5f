/** One placement as `status` reports it, from what was read back. */
import { placeText, type Vm } from '../core/inventory.js';
import type { PlacementState } from '../core/state.js';
import type { GoNote, StatusEntry } from './types.js';

export function statusEntry(state: PlacementState, vm: Vm): StatusEntry {
  const { record, claim } = vm;
  return {
    vm: state.vm,
    vmId: state.vmId,
    place: placeText(state.place),
    power: state.power,
    phase: state.phase,
    message: state.message,
    pending: state.pending === null ? null : placeText(state.pending),
    method: record?.method ?? null,
    step: record?.step ?? null,
    startedAt: record?.startedAt ?? null,
    replication: state.replication,
    goes: goesOf(vm, state.spentGo),
    lastMove:
      state.lastMove === null ? null : { ...state.lastMove, from: placeText(state.lastMove.from), to: placeText(state.lastMove.to) },
    keptSource: state.keptSource === null ? null : { ...state.keptSource, place: placeText(state.keptSource.place) },
    owner: record?.stack ?? claim?.stack ?? null,
    lease: vm.lease,
    findings: state.findings,
  };
}

/** Every go: the one the move acts on, those that stand on the VM, and the declared one that an earlier move used up. */
function goesOf(vm: Vm, spent: string | null): GoNote[] {
  // Once the VM is back the go is history: the last move names it.
  const taken = vm.record?.backAt === null ? vm.record.go : null;
  return [
    ...(taken === null ? [] : [{ ...taken, state: 'taken' as const }]),
    ...vm.annotation
      .filter((given) => taken === null || taken.place !== 'vm' || given.value !== taken.value || given.at !== taken.at)
      .map((given) => ({ value: given.value, place: 'vm' as const, giver: given.giver, at: given.at, state: 'given' as const })),
    ...(spent === null ? [] : [{ value: spent, place: 'declared' as const, giver: '', at: '', state: 'spent' as const }]),
  ];
}

/** A VM that somebody looks after here, or that something of a move is left on. */
export function isManaged(vm: Vm): boolean {
  return (
    vm.claim !== null ||
    vm.record !== null ||
    vm.recordProblem !== undefined ||
    vm.annotation.length > 0 ||
    vm.copies.some((copy) => copy.role !== 'live')
  );
}
