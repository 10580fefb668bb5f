/** What is kept with the VM: record, claim, annotation, lease; and the pool of turns, which lives as leases do. */
import { iso } from '../../core/clock.js';
import type { AnnotationChange, Lease, PoolChange } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { Claim, MigrationRecord } from '../../core/record.js';
import { modelNow, reachable, type View } from './model.js';
import { isUp, touch } from './vm-state.js';
import type { VmWorld } from './world.js';

const stateOf = (view: View, vm: string): VmWorld => touch(view.dc, view.world, view.dc.find(vm).id);

export function writeRecord(view: View, vm: string, next: MigrationRecord | null, ifEpoch: number | null): 'ok' | 'conflict' {
  const state = stateOf(view, vm);
  if ((state.record?.epoch ?? null) !== ifEpoch) return 'conflict';
  const before = state.record;
  // It lies with the source; from the point of no return on with the target, which is then enough.
  const { from, to } = next ?? before ?? {};
  if (from !== undefined && before?.targetStarting !== true) reachable(view, from);
  if (to !== undefined && (next ?? before)?.targetStarting === true) reachable(view, to);
  state.record = next;
  if (next?.targetStarting === true) {
    // The point of no return: from here the target is the VM, whether it is started or not.
    for (const copy of state.copies) {
      if (copy.role === 'incoming' && copy.defined && copy.moveId === next.moveId) copy.role = 'live';
    }
  } else if (next !== null && before?.targetStarting === true) {
    // Taken back: what never ran is no more than a copy again.
    for (const copy of state.copies) if (copy.moveId === next.moveId && copy.boots === 0 && !isUp(copy)) copy.role = 'incoming';
  }
  if (next === null && before !== null) forget(view, state, before.moveId);
  return 'ok';
}

export function writeClaim(view: View, vm: string, next: Claim | null): void {
  const { id, claim } = view.dc.find(vm);
  if (next === null && claim === null) delete view.world.claims[id];
  else view.world.claims[id] = next;
}

export function writeAnnotation(view: View, vm: string, change: AnnotationChange): void {
  stateOf(view, vm).annotation = change.shutdown === null ? [] : [{ value: change.shutdown, giver: change.giver, at: iso(view.now) }];
}

/**
 * A lease guards against processes, so it runs out in wall time; with a manual clock in model time, so that `advance` can
 * play the death of a holder. What is told is the platform's time.
 */
export function takeLease(view: View, wallNow: number, vm: string, holder: string, expireMs: number): Lease {
  const { id, name } = view.dc.find(vm);
  const now = leaseNow(view, wallNow);
  const held = view.world.leases[id];
  if (held !== undefined && held.holder !== holder && held.expiresAt > now) {
    const until = leaseEnd(view, held.expiresAt);
    throw new PlacementError('lease-lost', `VM ${name} is being worked on by ${held.holder} (its lease ends ${until} unless renewed).`, {
      vm: name,
    });
  }
  view.world.leases[id] = { holder, expiresAt: now + expireMs };
  return { holder, expiresAt: leaseEnd(view, now + expireMs) };
}

/** Refuses, in the very update that would act: whoever slept through its lease finds another holder here, or none. */
export function needLease(view: View, wallNow: number, vm: string, holder: string): void {
  const { id, name } = view.dc.find(vm);
  const held = view.world.leases[id];
  if (held?.holder === holder && held.expiresAt > leaseNow(view, wallNow)) return;
  const whose = held === undefined || held.holder === holder ? 'its lease has run out' : `its lease is held by ${held.holder}`;
  throw new PlacementError('lease-lost', `VM ${name}: ${holder} does nothing more, ${whose}.`, { vm: name, next: 'pulumi up goes on' });
}

export function releaseLease(view: View, vm: string, holder: string): void {
  const { id } = view.dc.find(vm);
  if (view.world.leases[id]?.holder === holder) delete view.world.leases[id];
}

export function readLease(view: View, wallNow: number, id: string): Lease | null {
  const held = view.world.leases[id];
  if (held === undefined || held.expiresAt <= leaseNow(view, wallNow)) return null;
  return { holder: held.holder, expiresAt: leaseEnd(view, held.expiresAt) };
}

export function changePool<T>(view: View, wallNow: number, change: PoolChange<T>): T {
  const { world } = view;
  const pace = world.clock.kind === 'wall' ? world.clock.speed : 1;
  const { tickets, result } = change(world.pool ?? [], { nowMs: leaseNow(view, wallNow), pace });
  if (tickets.length > 0) world.pool = tickets;
  else delete world.pool;
  return result;
}

const leaseNow = (view: View, wallNow: number): number => (view.world.clock.kind === 'manual' ? view.now : wallNow);

/** Always the same for one and the same lease: whoever waits for its end sees by it whether it is renewed. */
const leaseEnd = ({ world }: View, expiresAt: number): string =>
  iso(world.clock.kind === 'manual' ? expiresAt : modelNow(world, expiresAt));

function forget(view: View, state: VmWorld, moveId: string): void {
  delete view.world.transfers[moveId];
  const job = view.world.jobs[moveId];
  if (job === undefined || job.endedAt !== null) delete view.world.jobs[moveId];
  for (const copy of state.copies) copy.checkpoints = copy.checkpoints.filter((checkpoint) => checkpoint.moveId !== moveId);
}
