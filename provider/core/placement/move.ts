/** Runs work on one VM under its lease, with the context of its move; turns errors after effects into `MoveFailed`. */
import { PlacementError } from '../errors.js';
import type { Vm } from '../inventory.js';
import { holdLease, moveContext, type Given, type HeldLease, type MoveContext, type Reality } from '../itinerary/index.js';
import type { MigrationRecord } from '../record.js';
import type { PlacementState } from '../state.js';
import { MoveFailed } from './failed.js';
import { LeaseHeld, leaseOf } from './held.js';
import { readState } from './read.js';
import type { PlacementRun, Session } from './session.js';

export interface MoveStart {
  readonly record: MigrationRecord;
  /** False for a move that begins: its record is not at the platform yet. */
  readonly stored: boolean;
  readonly given: Given;
}

/** `again` gives a fresh context per round: a round that finds the move paused sends one more increment. `just` was read under the lease. */
export async function withMove<T>(
  session: Session,
  { record, stored, given }: MoveStart,
  run: PlacementRun,
  work: (ctx: MoveContext, again: () => MoveContext, just: Reality) => Promise<T>,
): Promise<T> {
  const parts = { driver: session.driver, given, stack: session.stack, holder: session.holder };
  let ctx: MoveContext | null = null;
  const lease = await takeLease(session, record.vm, run, async () => {
    await ctx?.verify();
  });
  const context = (from: MigrationRecord, isStored: boolean): MoveContext =>
    moveContext({ ...parts, record: from, stored: isStored, lease, interrupt: run.signal, emit: run.emit, log: run.log });
  let current = context(record, stored);
  ctx = current;
  try {
    const just = await current.verify();
    return await work(current, () => (ctx = current = context(current.record, current.stored)), just);
  } catch (error) {
    // Halted: nobody is left who would be told the state.
    if (!current.touched || run.halt?.aborted === true) throw error;
    throw await moveFailed(session, record.vm, error, run);
  } finally {
    await lease.end();
  }
}

/** The same for work that has no record (claims). */
export async function withLease<T>(session: Session, vm: Vm, run: PlacementRun, work: (lease: HeldLease) => Promise<T>): Promise<T> {
  const lease = await takeLease(session, vm, run, () => Promise.resolve());
  try {
    return await work(lease);
  } finally {
    await lease.end();
  }
}

/** Throws `LeaseHeld` when another run has it. */
async function takeLease(
  session: Session,
  vm: { readonly name: string; readonly uuid: string },
  run: PlacementRun,
  lapsed: () => Promise<void>,
): Promise<HeldLease> {
  const { driver, holder, settings } = session;
  const take = (): Promise<HeldLease> => holdLease({ driver, vm, holder, times: settings, halt: run.halt, lapsed, log: run.log });
  try {
    return await take();
  } catch (error) {
    if (!isLeaseLost(error) || run.halt?.aborted === true) throw error;
    const lease = await leaseOf(session, vm.uuid, run);
    // It ended between the two.
    if (lease === null) return take();
    throw new LeaseHeld(vm, lease, error);
  }
}

/** With the state as it is now, read back; the error alone where even that fails. */
export async function moveFailed(session: Session, vm: Pick<Vm, 'name' | 'uuid'>, error: unknown, run: PlacementRun): Promise<unknown> {
  if (MoveFailed.isMoveFailed(error)) return error;
  let state: PlacementState;
  try {
    state = await readState(session, vm);
  } catch (second) {
    run.log(`reading the state back failed as well: ${second instanceof Error ? second.message : String(second)}`);
    return error;
  }
  return new MoveFailed(error, state);
}

export const isLeaseLost = (error: unknown): boolean => PlacementError.isInstance(error) && error.code === 'lease-lost';
