/** Staged: the pause (rules.md §6.4) and the ways back to it. */
import { shownGo } from '../shutdown-annotation.js';
import { hostTime } from '../host-clock.js';
import { distinctDurations } from '../units.js';
import { goNow, mayObey } from './go-now.js';
import { sendPass } from './passes.js';
import { hasArrived, isOff, isRunning, notOff, powerText } from './reality.js';
import { startAfterGo } from './shutdown.js';
import { againstTarget } from './target.js';
import type { MoveContext, Step, StepResult } from './step.js';

export const awaitGo: Step = {
  name: 'await-go',
  words: 'looks for the go',
  phase: 'AwaitingShutdown',
  run: async (ctx) => {
    let reality = await ctx.read();
    // Set before anything else: a guest shutdown counts from here on. Where the source's host does not answer, from the next reading on.
    const since = hostTime(reality.inventory, ctx.record.from);
    if (ctx.record.awaitingSince === null && since !== null) await ctx.save({ awaitingSince: since });
    if (isRunning(reality.source)) {
      if (ctx.record.stoppedByMove) await ctx.save({ stoppedByMove: false });
      if (ctx.record.increment === null) return copyAgain(ctx);
      if (ctx.passes === 0) {
        const pass = await sendPass(ctx, reality);
        if (pass.kind === 'full') return copyAgain(ctx);
        reality = await ctx.read();
      }
    }
    // A platform that starts its cutover at any power-off may have done all of it already.
    if (hasArrived(reality, ctx.record, ctx.driver.capabilities)) return 'next';
    const { go, warnings, waitingFor, heldBy, offWithoutGo } = goNow(ctx, reality);
    if (!isOff(reality.source) && !isRunning(reality.source))
      return pause(
        ctx,
        warnings.length > 0 ? warnings : [`the VM is ${powerText(reality, reality.source, ctx.record.from)}: resume or stop it first`],
      );
    if (go === null) {
      const reasons = [...warnings];
      if (heldBy !== null) reasons.push(`no shutdown is sent: ${heldBy}`);
      if (waitingFor !== null) reasons.push(`the go counts ${waitingFor}: run pulumi up then`);
      if (offWithoutGo && warnings.length === 0) reasons.push('the VM is off and nothing permits the cutover: it stays off');
      return pause(ctx, reasons);
    }
    if (!mayObey(ctx, go, reality))
      return pause(ctx, [`the go ${shownGo(go)} is declared, but the plan of this run did not say that it stops the VM`]);
    const against = againstTarget(reality, ctx.record);
    if (against !== null) return pause(ctx, [`not cut over: ${against}`]);
    await ctx.save({ go, warnings: [], stoppedByMove: isOff(reality.source) ? ctx.record.stoppedByMove || go.place === 'guest' : false });
    return 'next';
  },
  undo: startAfterGo,
};

/** Phase 1 again: trust was dropped, a new full copy is made while the VM runs. */
async function copyAgain(ctx: MoveContext): Promise<StepResult> {
  await ctx.save({ done: ['claim'], step: 'replicate', phase: 'Replicating', awaitingSince: null });
  return 'back';
}

export interface BackToWaiting {
  readonly reason: string;
  /** `keep`: a shutdown that was asked for and comes late is still a go. `again`: only one that begins from now on. */
  readonly since: 'keep' | 'again';
  readonly increment: 'keep' | 'void';
}

/** Back to step 4. Ends this run: a go that still stands is obeyed by the next one, not in a loop. */
export async function backToWaiting(ctx: MoveContext, { reason, since, increment }: BackToWaiting): Promise<StepResult> {
  const { source, inventory } = await ctx.read();
  await ctx.save({
    done: ['claim', 'replicate'],
    step: awaitGo.name,
    phase: awaitGo.phase,
    go: null,
    ...notOff,
    targetStarting: false,
    stoppedByMove: isOff(source) && ctx.record.stoppedByMove,
    ...(since === 'again' ? { awaitingSince: hostTime(inventory, ctx.record.from) } : {}),
    ...(increment === 'void' ? { increment: null } : {}),
  });
  return pause(ctx, [reason]);
}

/** The reasons become sentences of their own in the message of the state. */
export async function pause(ctx: MoveContext, why: readonly string[]): Promise<StepResult> {
  const reasons = why.map(capitalized);
  if (ctx.record.warnings.join('\n') !== reasons.join('\n')) await ctx.save({ warnings: reasons });
  for (const reason of reasons) ctx.warn(`${ctx.vm}: ${reason}.`);
  return 'pause';
}

export const overBudget = (ctx: MoveContext): string => {
  const [projected, budget] = distinctDurations(ctx.record.increment?.projectedDowntimeMs ?? 0, ctx.record.options.downtimeBudgetMs);
  return `the projected downtime is ${projected}, over the downtimeBudget of ${budget}: not cut over (raise the budget, or give "force")`;
};

/** A name or a command that a reason begins with stays as it is written. */
const capitalized = (text: string): string => text.replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase());
