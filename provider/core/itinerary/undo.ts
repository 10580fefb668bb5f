/** Takes a move back (rules.md §6 "Cancel"). The list derives from the record's completed steps, not from process memory. */
import { endMove, type Ending } from './closing.js';
import { isControlLost } from '../errors.js';
import type { MoveContext, Undo } from './step.js';
import { stepsOf } from './tables.js';

/**
 * Undoes the steps that are complete or were begun, the last first. What fails is returned and does not keep the rest from being put
 * back; then the record stays, marked, and a later run does the remainder. Without failures the record is gone.
 */
export async function undo(ctx: MoveContext, ending: Pick<Ending, 'cancelled' | 'annotation'>): Promise<readonly string[]> {
  const begun = stepsOf(ctx.record.method)
    .filter(({ name }) => ctx.record.done.includes(name) || ctx.record.step === name || ctx.record.notUndone?.includes(name) === true)
    .reverse();
  const failures: string[] = [];
  const notUndone: string[] = [];
  const called = new Set<Undo>();
  for (const step of begun) {
    if (step.undo === undefined || called.has(step.undo)) continue;
    called.add(step.undo);
    try {
      await step.undo(ctx);
    } catch (error) {
      if (isControlLost(error)) throw error;
      notUndone.push(step.name);
      failures.push(`${step.name}: ${(error instanceof Error ? error.message : String(error)).replace(/\.$/, '')}`);
    }
    // Also one that could not be undone is done again before anything builds on it: what comes before it in the table was taken back.
    // `step` stays: what was begun and could not be undone now is undone by the next attempt.
    const done = ctx.record.done.filter((name) => name !== step.name);
    if (done.length < ctx.record.done.length) await ctx.save({ done, ...(notUndone.length === 0 ? {} : { notUndone }) });
  }
  if (failures.length === 0) await endMove(ctx, await ctx.read(), { lastMove: null, ...ending });
  else await ctx.save({ phase: 'Failed', notUndone, failed: `putting back what the move had done failed: ${failures.join('; ')}` });
  return failures;
}
