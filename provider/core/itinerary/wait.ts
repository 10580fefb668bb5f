/** Waiting exists once: a condition on fresh readings, a deadline in the platform's time, a signal. */
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
    const reality = await ctx.read();
    if (satisfied(reality)) return reality;
    const elapsed = (await ctx.clock.now()) - begun;
    if (elapsed >= milliseconds) return null;
    await ctx.checkLease();
    await ctx.clock.sleep(Math.min(milliseconds - elapsed, pollAfter(elapsed)), 'work', signal);
  }
}

/** The VM stands still until its going off is noticed: short at first, then a small share of what it took anyhow. */
const pollAfter = (elapsed: number): number => Math.min(5000, Math.max(250, elapsed / 20));
