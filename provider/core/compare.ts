/** What a placement looks like, and how it differs from its declaration; from one reading. */
import { shownGo } from './shutdown-annotation.js';
import { platformTime } from './host-clock.js';
import { isAllowed, wants } from './declaration.js';
import type { Desired } from './desired.js';
import { isKnown, keptCopies, samePlace, type Copy, type Inventory, type Place, type Vm } from './inventory.js';
import { doubtfulCopies, liveCopy, locate, runningCopies, unreadText } from './locate.js';
import type { Plan } from './plan.js';
import type { LastMove, MigrationRecord, Phase } from './record.js';
import { spentGo } from './go.js';
import type { PlacementState } from './state.js';
import { messageOf } from './state-message.js';

/** No record and nothing odd = Settled. A kept source without a record (its resource was deleted) still awaits confirmation. */
export function phaseOf(vm: Vm): Phase {
  if (vm.recordProblem !== undefined || runningCopies(vm).length > 1 || doubtfulCopies(vm).length > 0) return 'Failed';
  if (vm.record !== null) return vm.record.failed === null ? vm.record.phase : 'Failed';
  return keptCopies(vm).length > 0 ? 'AwaitingConfirmation' : 'Settled';
}

/** The state as outputs and reports show it. The VM must have a copy in this reading (`locate` found it). */
export function stateOf(vm: Vm, inventory: Inventory, plan: Plan | null = null): PlacementState {
  // A VM of which only the source was kept, or only the half-built target was read, is shown there.
  const shown = liveCopy(vm) ?? vm.copies[0];
  const place: Place = shown === undefined ? { cluster: '', host: '' } : { cluster: shown.ref.cluster, host: shown.ref.host };
  const phase = phaseOf(vm);
  const { record } = vm;
  const kept = keptSourceOf(vm, inventory);
  return {
    vm: vm.name,
    vmId: vm.uuid,
    place,
    power: shown?.power ?? 'unknown',
    phase,
    message: messageOf(vm, shown ?? null, phase, kept, inventory),
    pending: record === null || samePlace(record.to, place) || phase === 'AwaitingConfirmation' ? null : record.to,
    replication: replicationOf(record),
    lastMove: lastMoveOf(vm),
    keptSource: kept,
    spentGo: spentGo(vm),
    findings: plan?.findings ?? [],
  };
}

export type Drift =
  /** Where it may be, and nothing is under way. */
  | { readonly kind: 'none'; readonly place: Place }
  /** Not drift: the declaration is not applied yet, a move is under way, or a source awaits confirmation. */
  | {
      readonly kind: 'pending';
      readonly why: 'not-applied' | 'under-way' | 'awaiting-confirmation';
      readonly place: Place;
      readonly phase: Phase;
    }
  /** Somebody or something else moved it away. */
  | { readonly kind: 'moved-outside'; readonly place: Place; readonly expected: Place | null }
  | { readonly kind: 'missing'; readonly among: readonly string[] }
  | { readonly kind: 'two-copies'; readonly places: readonly Place[] }
  /** A host that could hold it, or its record, could not be read. */
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * `last`: the place that was read back last (the outputs in the state), null when none is known: then the claim's last move stands in.
 * A VM that is where it was left, but not where it is declared, is waiting for an `up`, not drifted.
 */
export function driftOf(desired: Desired, inventory: Inventory, last: Place | null = null): Drift {
  const located = locate(inventory, desired.vm);
  switch (located.kind) {
    case 'missing':
      return { kind: 'missing', among: [] };
    case 'ambiguous':
      return { kind: 'missing', among: located.among.map((vm) => vm.uuid) };
    case 'unread':
      return {
        kind: 'unknown',
        reason: `not found; could not be read: ${unreadText(located.hosts)}`,
      };
    case 'found':
      return driftOfFound(desired, located.vm, located.live, last);
  }
}

function driftOfFound(desired: Desired, vm: Vm, live: Copy, last: Place | null): Drift {
  const place = placeOf(live);
  const doubled = runningCopies(vm).length > 1 ? runningCopies(vm) : doubtfulCopies(vm);
  if (doubled.length > 0) return { kind: 'two-copies', places: doubled.map(placeOf) };
  if (vm.recordProblem !== undefined) return { kind: 'unknown', reason: `the migration record cannot be read: ${vm.recordProblem}` };
  const phase = phaseOf(vm);
  const allowed = isAllowed(desired, place);
  if (phase === 'AwaitingConfirmation' && allowed) return { kind: 'pending', why: 'awaiting-confirmation', place, phase };
  if (vm.record !== null && phase !== 'AwaitingConfirmation' && isOnItsWay(vm.record, place))
    return { kind: 'pending', why: 'under-way', place, phase };
  if (allowed) return { kind: 'none', place };
  const left = last ?? vm.claim?.lastMove?.to ?? null;
  if (left === null || samePlace(left, place)) return { kind: 'pending', why: 'not-applied', place, phase };
  return { kind: 'moved-outside', place, expected: wants(desired, left) ? left : null };
}

const isOnItsWay = (record: MigrationRecord, place: Place): boolean => samePlace(place, record.from) || samePlace(place, record.to);
const placeOf = (copy: Copy): Place => ({ cluster: copy.ref.cluster, host: copy.ref.host });

function keptSourceOf(vm: Vm, inventory: Inventory): PlacementState['keptSource'] {
  const [kept] = keptCopies(vm);
  if (kept === undefined) return null;
  const allocated = isKnown(vm.disks) ? vm.disks.reduce((sum, disk) => sum + disk.allocatedBytes, 0) : 0;
  const since =
    vm.record?.backAt ??
    vm.claim?.lastMove?.end ??
    (isKnown(kept.lastChange) ? platformTime(inventory, kept.ref, kept.lastChange.at) : inventory.observedAt);
  return { place: placeOf(kept), since, bytes: isKnown(kept.storedBytes) ? kept.storedBytes : allocated };
}

function replicationOf(record: MigrationRecord | null): PlacementState['replication'] {
  if (record === null || record.method !== 'staged' || record.phase === 'AwaitingConfirmation' || record.increment === null) return null;
  const { n, bytes, at, projectedDowntimeMs } = record.increment;
  return { increments: n, bytes: record.bytes, lastIncrementBytes: bytes, lastIncrementAt: at, projectedDowntimeMs };
}

/** While a source awaits confirmation the move itself is over. */
function lastMoveOf({ record, claim }: Vm): LastMove | null {
  const told = claim?.lastMove ?? null;
  if (record === null || record.phase !== 'AwaitingConfirmation' || told?.moveId === record.moveId) return told;
  const { moveId, method, from, to, startedAt, offAt, backAt, bytes, go } = record;
  const end = backAt ?? startedAt;
  const downtimeMs = offAt === null || record.powerBefore !== 'running' ? 0 : Math.max(0, Date.parse(end) - Date.parse(offAt));
  const given = go === null ? '' : `${go.place}: ${shownGo(go).replaceAll('"', '')} by ${go.giver} at ${go.at}`;
  return { moveId, method, from, to, start: startedAt, end, downtimeMs, bytes, go: given };
}
