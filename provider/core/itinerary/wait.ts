/** Waiting exists once: a condition on fresh readings, a deadline in the platform's time, a signal. */
import type { MoveContext, Reality } from './step.js';

/** Returns the reading that satisfied the condition, or null when the time was over. */
export async function waitFor(
  ctx: MoveContext,
  satisfied: (reality: Reality) => boolean,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Reality | null> {
  const deadline = (await ctx.clock.now()) + milliseconds;
  for (;;) {
    const reality = await ctx.read();
    if (satisfied(reality)) return reality;
    const left = deadline - (await ctx.clock.now());
    if (left <= 0) return null;
    await ctx.checkLease();
    await ctx.clock.sleep(Math.min(left, pollMs), 'work', signal);
  }
}

/** Short beside any downtime: the VM stands still until its going off is noticed. */
const pollMs = 250;
