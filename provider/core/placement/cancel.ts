/** Cancels a move (rules.md §6 "Cancel"). */
import { command } from '../command.js';
import { PlacementError } from '../errors.js';
import { placeText } from '../inventory.js';
import { canCancel, isTargetGone, ranOnBoth, twoCopies, undo, type MoveContext } from '../itinerary/index.js';
import { liveCopy } from '../locate.js';
import type { Claim, MigrationRecord } from '../record.js';

/** What became of it, for a person; `warning` where a VM that ran before does not run now. */
export interface CancelOutcome {
  readonly kind: 'notice' | 'warning';
  readonly text: string;
}

/** In an `up`, which tells it as it happens. `retarget`: another move of the VM follows. */
export async function cancelNow(ctx: MoveContext, why: 'revert' | 'retarget'): Promise<void> {
  tell(ctx, await cancelMoving(ctx, null, why === 'retarget' ? 'keep-hold' : undefined));
}

/** The same for one that `vmplacement cancel` has asked for. */
export async function cancelRequested(ctx: MoveContext): Promise<void> {
  tell(ctx, await cancelAsked(ctx));
}

/** By `vmplacement cancel`: the target is not started again by a schedule until the declaration changes or `resume`. */
export async function cancelAsked(ctx: MoveContext): Promise<CancelOutcome> {
  const reality = await ctx.read();
  if (!canCancel(ctx, reality)) {
    if (!isTargetGone(ctx.record, reality)) throw tooLate(ctx);
    ctx.warn(
      `${ctx.vm}: its copy on ${placeText(ctx.record.to)} is gone, so it goes back to ${placeText(ctx.record.from)}; what was written on the target is lost.`,
    );
    await ctx.save({ targetStarting: false, request: 'cancel' });
  }
  // Written first: a crash in the middle is continued as a cancel.
  if (ctx.record.request !== 'cancel') await ctx.save({ request: 'cancel' });
  const { kind, text } = await cancelMoving(ctx, { to: ctx.record.to, declaration: ctx.record.declaration ?? '' });
  return { kind, text: `${text} The move is not started again until the declaration changes, or: ${command('resume', ctx.vm)}` };
}

export async function cancelMoving(ctx: MoveContext, cancelled: Claim['cancelled'], annotation?: 'keep-hold'): Promise<CancelOutcome> {
  const { record } = ctx;
  const reality = await ctx.read();
  if (ranOnBoth(reality, record)) throw twoCopies(ctx, reality);
  if (!canCancel(ctx, reality)) throw tooLate(ctx);
  const failures = await undo(ctx, annotation === undefined ? { cancelled } : { cancelled, annotation });
  if (failures.length === 0) return outcome(ctx, record);
  throw new PlacementError('platform', `${ctx.vm}: cancelling its move to ${placeText(record.to)} failed: ${failures.join('; ')}.`, {
    vm: ctx.vm,
    next: 'remove the cause, then cancel again: what was put back is not done twice',
  });
}

const tell = (ctx: MoveContext, { kind, text }: CancelOutcome): void => (kind === 'warning' ? ctx.warn(text) : ctx.notice(text));

/** Read back: where it is, and loudly when it does not run there although it did before. */
async function outcome(ctx: MoveContext, { to, from, powerBefore }: MigrationRecord): Promise<CancelOutcome> {
  const live = liveCopy((await ctx.read()).vm);
  const place = placeText(live?.ref ?? from);
  const was = `${ctx.vm}: its move to ${placeText(to)} was cancelled; it stays on ${place}`;
  if (live === null || live.power === 'running') return { kind: 'notice', text: `${was}.` };
  if (powerBefore !== 'running') return { kind: 'notice', text: `${was}, ${live.power} as before.` };
  const notOurs = 'Neither this move nor a go stopped it, so it was not started';
  return { kind: 'warning', text: `${was}, but IS NOT RUNNING there (${live.power}). ${notOurs}: start it on ${place} by hand.` };
}

function tooLate(ctx: MoveContext): PlacementError {
  const { record } = ctx;
  const confirm =
    record.phase === 'AwaitingConfirmation' ? `${command('confirm', ctx.vm)}, then move it back` : 'let it end, then move it back';
  return new PlacementError(
    'not-possible',
    `${ctx.vm}: its move to ${placeText(record.to)} is past the point of no return and cannot be cancelled.`,
    {
      vm: ctx.vm,
      next: confirm,
    },
  );
}
