/** Carries a move out, and what `onPending` makes of a pause (design.md §7). */
import type { Desired } from '../desired.js';
import { PlacementError } from '../errors.js';
import { carryOut, type Carried, type MoveContext, type Reality } from '../itinerary/index.js';
import { cancelRequested } from './cancel.js';
import { MoveFailed } from './failed.js';
import { readState } from './read.js';
import type { Session } from './session.js';
import type { TurnRun } from './turn.js';

/** @param just as `carryOut` takes it. */
export async function drive(
  session: Session,
  { ctx: first, again, just }: { readonly ctx: MoveContext; readonly again: () => MoveContext; readonly just: Reality | null },
  desired: Desired,
  run: TurnRun,
): Promise<void> {
  let ctx = first;
  let carried = await round(ctx, just);
  if (!isPending(carried, ctx)) return;
  switch (desired.onPending) {
    case 'succeed':
      return;
    case 'fail': {
      const state = await readState(session, ctx.record.vm);
      const error = new PlacementError(
        'not-possible',
        `${ctx.vm}: waits for its go, and onPending: fail makes that an error. ${state.message}`,
        { vm: ctx.vm },
      );
      throw new MoveFailed(error, state);
    }
    case 'wait':
      break;
  }

  const { clock } = ctx;
  const deadline = (await clock.now()) + (desired.waitTimeoutMs ?? run.timeoutMs ?? defaultWaitMs);
  while (isPending(carried, ctx)) {
    // Others move while this one pauses.
    await run.turn.end();
    const left = deadline - (await clock.now());
    if (left <= 0 || run.signal.aborted) return;
    try {
      await clock.sleep(Math.min(left, desired.incrementEveryMs), 'operator', run.signal);
    } catch (error) {
      // The move is paused already: an interrupt just ends the waiting.
      if (run.signal.aborted) return;
      throw error;
    }
    if (!(await run.turn.next(ctx.record, deadline))) return;
    ctx = again();
    carried = await round(ctx, null);
  }
}

async function round(ctx: MoveContext, just: Reality | null): Promise<Carried> {
  const carried = await carryOut(ctx, just);
  if (carried === 'cancel-requested') await cancelRequested(ctx);
  return carried;
}

const isPending = (carried: Carried, ctx: MoveContext): boolean =>
  carried === 'pause' && ctx.record.method === 'staged' && !ctx.record.targetStarting;

const defaultWaitMs = 3_600_000;
