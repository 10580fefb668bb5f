/** Waiting exists once: a condition on fresh readings, a deadline in the platform's time, a signal. */
import { isControlLost } from '../errors.js';
import type { MoveContext, Reality } from './step.js';

/** Returns the reading that satisfied the condition, or null when the time was over. */
export async function waitFor(
  ctx: MoveContext,
  satisfied: (reality: Reality) => boolean,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Reality | null> {
  const begun = await ctx.clock.now();
  for (;;) {
    const reality = await reading(ctx, signal);
    if ('vm' in reality && satisfied(reality)) return reality;
    const elapsed = (await ctx.clock.now()) - begun;
    if (elapsed >= milliseconds) {
      if ('failure' in reality) throw reality.failure;
      return null;
    }
    await ctx.checkLease();
    await ctx.clock.sleep(Math.min(milliseconds - elapsed, pollAfter(elapsed)), 'work', signal);
  }
}

/** One reading that fails does not end the wait: what was asked for goes on meanwhile. */
async function reading(ctx: MoveContext, signal: AbortSignal): Promise<Reality | { readonly failure: unknown }> {
  try {
    return await ctx.read();
  } catch (failure) {
    if (isControlLost(failure) || signal.aborted) throw failure;
    return { failure };
  }
}

/** The VM stands still until its going off is noticed: short at first, then a small share of what it took anyhow. */
const pollAfter = (elapsed: number): number => Math.min(5000, Math.max(250, elapsed / 20));
