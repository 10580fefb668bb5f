/** `up` for one placement: a fresh reading must still lead to the plan that was promised; then it is carried out. */
import { declarationKey } from '../declaration.js';
import type { Desired } from '../desired.js';
import { PlacementError } from '../errors.js';
import { samePlace, type Copy, type Inventory, type Vm } from '../inventory.js';
import { ensureClaim, newRecord, refreshed } from '../itinerary/index.js';
import { locate } from '../locate.js';
import { lookup } from '../lookup.js';
import type { Plan } from '../plan.js';
import type { MigrationRecord } from '../record.js';
import { stillSpent } from '../spent.js';
import type { PlacementState } from '../state.js';
import { cancelNow, cancelRequested } from './cancel.js';
import { blockedError, decideFresh, guess, holdToPromise, type Fresh } from './deciding.js';
import { afterItsEnd } from './held.js';
import { withLease, withMove } from './move.js';
import { drive } from './pending.js';
import { readState } from './read.js';
import type { PlacementRun, Session } from './session.js';
import { holdTurn, type TurnRun } from './turn.js';

/**
 * `promised`: the summary that Check gave in this run; null = do not compare. Throws `PlacementError` when nothing was done,
 * `MoveFailed` with the state read back when effects were made before it failed.
 */
export function applyPlacement(
  session: Session,
  urn: string,
  desired: Desired,
  promised: string | null,
  run: PlacementRun,
): Promise<PlacementState> {
  return afterItsEnd(session, run, () => apply(session, urn, desired, promised, run));
}

async function apply(session: Session, urn: string, desired: Desired, promised: string | null, run: PlacementRun): Promise<PlacementState> {
  if (run.signal.aborted)
    throw new PlacementError('interrupted', `${desired.vm}: interrupted before anything was done.`, { vm: desired.vm });
  const turn = holdTurn(session, desired, run);
  const inTurn: TurnRun = { ...run, turn };
  try {
    const fresh = await decideInTurn(session, urn, desired, promised, inTurn);
    const found = foundVm(fresh.inventory, fresh.plan, desired);
    try {
      await act(session, urn, desired, fresh, found, inTurn);
      await turn.end();
      return await readState(session, found.vm, fresh.plan.findings);
    } finally {
      session.promises.release(found.vm.uuid);
    }
  } finally {
    await turn.end();
  }
}

/** The turn comes first: a decision must not grow old in a queue. What it will be is guessed, and asked for again where that was wrong. */
async function decideInTurn(session: Session, urn: string, desired: Desired, promised: string | null, run: TurnRun): Promise<Fresh> {
  const expected = await guess(session, urn, desired);
  if (expected !== null) await run.turn.fits(expected);
  for (;;) {
    const fresh = await decideFresh(session, urn, desired, run, expected?.plan);
    const { plan } = fresh;
    if (plan.action === 'error') throw new PlacementError('platform', plan.sentence, { vm: plan.vm });
    holdToPromise(plan, promised);
    if (plan.action === 'blocked') throw blockedError(plan);
    if (await run.turn.fits(fresh)) return fresh;
  }
}

interface Found {
  readonly vm: Vm;
  readonly live: Copy;
}

async function act(session: Session, urn: string, desired: Desired, fresh: Fresh, found: Found, run: TurnRun): Promise<void> {
  const { plan } = fresh;
  const { action } = plan;
  switch (action) {
    case 'none':
      return adopt(session, urn, desired, plan, found.vm, run);
    case 'move':
      return begin(session, urn, desired, fresh, found, run);
    case 'continue':
    case 'settle':
      if (plan.record === null) return adopt(session, urn, desired, plan, found.vm, run);
      return goOn(session, urn, desired, plan, plan.record, run);
    case 'cancel':
      await cancelRecorded(session, plan, run, 'revert');
      return;
    case 'retarget':
      return retarget(session, urn, desired, plan, run);
    case 'blocked':
    case 'error':
      throw new PlacementError('internal', `${plan.vm}: a plan that cannot be carried out (${action})`);
  }
}

async function begin(
  session: Session,
  urn: string,
  desired: Desired,
  { plan, inventory }: Fresh,
  { vm, live }: Found,
  run: TurnRun,
): Promise<void> {
  if (plan.to === null || plan.method === null) throw new PlacementError('internal', `${plan.vm}: a move without a target`);
  const record = newRecord({
    moveId: session.newId(),
    stack: session.stack,
    urn,
    vm,
    live,
    to: plan.to,
    method: plan.method,
    desired,
    declaration: declarationKey(desired),
    inventory,
    now: await session.driver.clock.now(),
  });
  const given = { shutdown: desired.shutdown, mayStop: plan.willStopVm };
  await withMove(session, { record, stored: false, given }, run, (ctx, again, just) => drive(session, { ctx, again, just }, desired, run));
}

async function goOn(session: Session, urn: string, desired: Desired, plan: Plan, record: MigrationRecord, run: TurnRun): Promise<void> {
  const given = { shutdown: desired.shutdown, mayStop: plan.willStopVm };
  await withMove(session, { record, stored: true, given }, run, async (ctx, again, just) => {
    const patch = { ...refreshed(ctx.record, desired, declarationKey(desired)), stack: session.stack, urn };
    if (changes(ctx.record, patch)) await ctx.save(patch);
    if (!ctx.record.targetStarting) await ensureClaim(ctx, just);
    await drive(session, { ctx, again, just: null }, desired, run);
  });
}

async function cancelRecorded(session: Session, plan: Plan, run: PlacementRun, why: 'revert' | 'retarget'): Promise<void> {
  if (plan.record === null) throw new PlacementError('internal', `${plan.vm}: a cancel without a record`);
  const given = { shutdown: undefined, mayStop: false };
  await withMove(session, { record: plan.record, stored: true, given }, run, (ctx) =>
    ctx.record.request === 'cancel' ? cancelRequested(ctx) : cancelNow(ctx, why),
  );
}

/** Cancels the old move, reads again, and begins the other one: it must be the one that the plan named. */
async function retarget(session: Session, urn: string, desired: Desired, plan: Plan, run: TurnRun): Promise<void> {
  await cancelRecorded(session, plan, run, 'retarget');
  const fresh = await decideFresh(session, urn, desired, run);
  const second = fresh.plan;
  const asNamed = second.action === 'move' && plan.to !== null && second.to !== null && samePlace(plan.to, second.to);
  if (second.action === 'blocked') throw blockedError(second);
  if (!asNamed || !plan.summary.endsWith(second.summary) || (second.willStopVm && !plan.willStopVm))
    throw new PlacementError(
      'plan-changed',
      `${second.vm}: the old move was cancelled, but what follows is no longer what was promised: '${plan.summary}', now '${second.summary}'.`,
      { vm: second.vm, next: 'pulumi preview' },
    );
  return begin(session, urn, desired, fresh, foundVm(fresh.inventory, second, desired), run);
}

/** An idle VM becomes (or stays) ours: another stack sees the claim. Written only when something in it changes. */
async function adopt(session: Session, urn: string, desired: Desired, plan: Plan, vm: Vm, run: PlacementRun): Promise<void> {
  const { claim } = vm;
  const { stack } = session;
  if (claim !== null && claim.stack !== stack && desired.takeOver !== claim.stack) return;
  const next = {
    v: 1 as const,
    stack,
    urn,
    spentGo: stillSpent(claim?.spentGo ?? null, desired),
    lastMove: claim?.lastMove ?? null,
    // Cancelled by hand: kept for as long as the declaration is the one that was cancelled.
    cancelled: plan.findings.some(({ code }) => code === 'move-cancelled') ? (claim?.cancelled ?? null) : null,
  };
  const same = claim !== null && claim.stack === stack && claim.urn === urn && claim.spentGo === next.spentGo;
  if (same && (claim.cancelled === null) === (next.cancelled === null)) return;
  await withLease(session, vm, run, async (lease) => {
    await lease.check();
    await session.driver.claim(vm.uuid, next, session.holder);
  });
}

function foundVm(inventory: Inventory, plan: Plan, desired: Desired): Found {
  const located = locate(inventory, plan.record?.vm.uuid ?? desired.vm);
  if (located.kind === 'found') return located;
  const [vm] = plan.record === null ? [] : lookup(inventory).vmsByUuid(plan.record.vm.uuid);
  const [copy] = vm?.copies ?? [];
  if (vm !== undefined && copy !== undefined) return { vm, live: copy };
  throw new PlacementError('platform', `${desired.vm}: not found.`, { vm: desired.vm });
}

const changes = (record: MigrationRecord, patch: Partial<MigrationRecord>): boolean =>
  Object.entries(patch).some(([key, value]) => JSON.stringify(value) !== JSON.stringify(record[key as keyof MigrationRecord]));
