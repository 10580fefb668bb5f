/** Cancels a move (rules.md §6 "Cancel"). */
import { PlacementError } from '../errors.js';
import { placeText } from '../inventory.js';
import { canCancel, undo, type MoveContext } from '../itinerary/index.js';
import type { Claim } from '../record.js';

export async function cancelNow(ctx: MoveContext, cancelled: Claim['cancelled']): Promise<void> {
  const { record } = ctx;
  if (!canCancel(ctx, await ctx.read())) throw tooLate(ctx);
  const failures = await undo(ctx, { cancelled });
  if (failures.length === 0) {
    ctx.notice(`${ctx.vm}: its move to ${placeText(record.to)} was cancelled; it stays on ${placeText(record.from)}.`);
    return;
  }
  throw new PlacementError('platform', `${ctx.vm}: cancelling its move to ${placeText(record.to)} failed: ${failures.join('; ')}.`, {
    vm: ctx.vm,
    next: 'remove the cause, then cancel again: what was put back is not done twice',
  });
}

/** By `vmplacement cancel`: the target is not started again by a schedule until the declaration changes or `resume`. */
export async function cancelRequested(ctx: MoveContext): Promise<void> {
  if (!canCancel(ctx, await ctx.read())) throw tooLate(ctx);
  // Written first: a crash in the middle is continued as a cancel.
  if (ctx.record.request !== 'cancel') await ctx.save({ request: 'cancel' });
  await cancelNow(ctx, { to: ctx.record.to, declaration: ctx.record.declaration ?? '' });
}

function tooLate(ctx: MoveContext): PlacementError {
  const { record } = ctx;
  const confirm =
    record.phase === 'AwaitingConfirmation' ? `vmplacement confirm ${ctx.vm}, then move it back` : 'let it end, then move it back';
  return new PlacementError(
    'not-possible',
    `${ctx.vm}: its move to ${placeText(record.to)} is past the point of no return and cannot be cancelled.`,
    {
      vm: ctx.vm,
      next: confirm,
    },
  );
}
