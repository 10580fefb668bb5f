/** Sends a shutdown and watches for it: grace, then late shutdown; a power-off only under `force` (rules.md §6.6). */
import { PlacementError } from '../errors.js';
import { placeText } from '../inventory.js';
import { isShutDownAsGo } from '../power-after-cancel.js';
import { formatDuration } from '../units.js';
import { refuseBeside } from './block.js';
import { isHeldNow } from './go-now.js';
import { isOff, isRunning, isStopped, needRead, notOff, powerText } from './reality.js';
import type { MoveContext, Reality, Undo } from './step.js';
import { waitFor } from './wait.js';

export type ShutdownOutcome = { readonly off: Reality } | { readonly off: null };

/** The record must already say that this move stops the VM: a crash right after the request must not forget it. */
export async function shutDown(ctx: MoveContext, reality: Reality, force: 'force' | 'graceful-only'): Promise<ShutdownOutcome> {
  const { shutdownGraceMs, lateShutdownMs, noProgressTimeoutMs } = ctx.record.options;
  const run = ctx.run('finishing');
  const source = reality.source;
  needRead(reality, ctx.record.from, 'no shutdown is sent');
  if (source === null)
    throw new PlacementError('platform', `${ctx.vm}: is not found on ${placeText(ctx.record.from)}; no shutdown is sent.`, { vm: ctx.vm });
  if (isOff(source)) return { off: reality };
  // One that crashes does not go off any more.
  const ended = (now: Reality): boolean => isStopped(now.source);
  const outcome = (now: Reality | null): ShutdownOutcome => ({ off: now !== null && isOff(now.source) ? now : null });

  await ctx.checkLease();
  await ctx.driver.shutdown(source.ref, 'graceful', run);
  const inTime = await waitFor(ctx, ended, shutdownGraceMs, run.signal);
  if (inTime !== null) return outcome(inTime);

  if (force === 'force' && !(await isHeldBack(ctx))) {
    ctx.warn(`${ctx.vm}: did not shut down within ${formatDuration(shutdownGraceMs)}; powered off, as "force" allows.`);
    await ctx.checkLease();
    await ctx.driver.shutdown(source.ref, 'power-off', run);
    return outcome(await waitFor(ctx, ended, noProgressTimeoutMs, run.signal));
  }
  ctx.warn(
    `${ctx.vm}: did not shut down within ${formatDuration(shutdownGraceMs)}; watching ${formatDuration(lateShutdownMs)} more, it is not powered off.`,
  );
  return outcome(await waitFor(ctx, ended, lateShutdownMs, run.signal));
}

/** A hold that came during the grace period stops the power-off: it is one more shutdown. */
async function isHeldBack(ctx: MoveContext): Promise<boolean> {
  const held = isHeldNow(ctx, await ctx.read());
  if (held) ctx.warn(`${ctx.vm}: "hold" was set meanwhile, so it is not powered off.`);
  return held;
}

/** Shut down by the operator as the go, which no `up` may have taken yet: a cancel starts it again as one that the move stopped. */
export const startAfterGo: Undo = async (ctx) => {
  const { record, driver } = ctx;
  const reality = await ctx.read();
  const { vm, source } = reality;
  if (record.powerBefore === 'running') needRead(reality, record.from, 'whether the VM is to be started there again is not known');
  if (!record.stoppedByMove && source !== null && isShutDownAsGo({ vm, record, live: source, capabilities: driver.capabilities }))
    await ctx.save({ stoppedByMove: true });
  await startSourceAgain(ctx);
};

/** A VM that ran before and that this move (or the go) stopped is started again; one found off stays off. */
export const startSourceAgain: Undo = async (ctx) => {
  const { powerBefore, stoppedByMove, options } = ctx.record;
  if (powerBefore !== 'running' || !stoppedByMove) return;
  // A shutdown that was sent just before a crash may still be on its way: starting a VM that is about to go off is lost.
  let reality = await ctx.read();
  if (isRunning(reality.source)) {
    ctx.notice(`${ctx.vm}: a shutdown was sent to it and may still be on its way; waiting for its end.`);
    const patience = options.shutdownGraceMs + options.lateShutdownMs;
    const off = await waitFor(ctx, (now) => !isRunning(now.source), patience, ctx.run('finishing').signal);
    if (off === null) {
      await ctx.save({ stoppedByMove: false });
      return;
    }
    reality = off;
  }
  // Moved away by somebody else: its power is theirs.
  if (reality.source === null) needRead(reality, ctx.record.from, 'the VM is not started there again');
  if (reality.source === null) return;
  refuseBeside(ctx, reality);
  await ctx.checkLease();
  // A platform's own task would cut over, and holds the VM, until it is stopped.
  if (ctx.driver.capabilities.increments === 'platform') await ctx.driver.cancel(ctx.move(reality), ctx.run('finishing'));
  await ctx.driver.start(reality.source.ref, ctx.run('finishing'));
  if ((await waitFor(ctx, (now) => isRunning(now.source), options.noProgressTimeoutMs, ctx.run('finishing').signal)) === null) {
    const from = placeText(ctx.record.from);
    const now = await ctx.read();
    throw new PlacementError(
      'timeout',
      `${ctx.vm}: was started again on ${from}, but reads as ${powerText(now, now.source, ctx.record.from)}.`,
      {
        vm: ctx.vm,
        next: `look at the console of the VM on ${from} and start it there`,
      },
    );
  }
  await ctx.save({ stoppedByMove: false, ...notOff });
};
