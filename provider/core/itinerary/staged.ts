/** Staged: copy while the VM runs, pause for the go, then the last increment with the VM off (rules.md §6). */
import { command } from '../command.js';
import type { Distrust, Outcome } from '../driver.js';
import { isControlLost, PlacementError } from '../errors.js';
import { placeText, samePlace } from '../inventory.js';
import { blockSource, dropCopies, unblockSource } from './block.js';
import { claim } from './claim.js';
import { copiedDisksOf } from './copied-disks.js';
import { goNow, isHeldNow, mayObey } from './go-now.js';
import { parkIfInterrupted, unstoppable } from './parking.js';
import { fitsBudget, sendPasses, sentInAll } from './passes.js';
import { readBack } from './read-back.js';
import { hasArrived, isOff, isRunning, isUnread, needRead, notOff, powerText, ranBeforeBlock, ranSince } from './reality.js';
import { retire, settle } from './retire.js';
import { shutDown, startSourceAgain } from './shutdown.js';
import { pointOfNoReturn, sourceTookOver, startingNow, startTarget } from './start.js';
import type { MoveContext, Reality, Step, StepResult } from './step.js';
import { againstTarget } from './target.js';
import { awaitGo, backToWaiting, overBudget, pause } from './waiting.js';

const phase = 'CuttingOver';

const replicate: Step = {
  name: 'replicate',
  words: 'copies the disks while the VM runs',
  phase: 'Replicating',
  run: async (ctx) => {
    await sendPasses(ctx);
    const reality = await ctx.read();
    if (ctx.record.increment !== null || isRunning(reality.source) || hasArrived(reality, ctx.record, ctx.driver.capabilities))
      return 'next';
    if (isOff(reality.source) && goNow(ctx, reality).force) return 'next';
    const power = powerText(reality, reality.source, ctx.record.from);
    return pause(ctx, [`the VM is ${power} and its full copy is not complete: start it, or give "force" to copy it while it is off`]);
  },
  undo: dropCopies,
};

/** After the go: the smallest last increment that can be had while the VM still runs. */
const shrink: Step = {
  name: 'shrink',
  words: 'sends what has changed, while the VM still runs',
  phase: 'AwaitingShutdown',
  run: async (ctx) => {
    // At least one, also where the last one would fit: it makes the downtime shorter (the estimate counts with it).
    await sendPasses(ctx);
    const reality = await ctx.read();
    if (!isRunning(reality.source) || fitsBudget(ctx) || ctx.record.go?.value === 'force') return 'next';
    return backToWaiting(ctx, { reason: overBudget(ctx), since: 'keep', increment: 'keep' });
  },
};

const shutdown: Step = {
  name: 'shutdown',
  words: 'shuts the VM down',
  phase,
  run: async (ctx) => {
    const reality = await ctx.read();
    if (hasArrived(reality, ctx.record, ctx.driver.capabilities)) return 'next';
    if (isOff(reality.source)) return ctx.record.stoppedByMove ? 'next' : wentOff(ctx, reality);
    parkIfInterrupted(ctx);
    if (!isRunning(reality.source))
      return backToWaiting(ctx, {
        reason: `the VM is ${powerText(reality, reality.source, ctx.record.from)}`,
        since: 'keep',
        increment: 'keep',
      });
    if (ctx.passes === 0) {
      // Continued here after a crash: how much has changed since is not known.
      await ctx.save({ done: ctx.record.done.filter((name) => name !== shrink.name), step: shrink.name });
      return 'back';
    }
    // Read again immediately before the shutdown is sent: a hold, or a go that was taken back, still counts.
    const { go, force, warnings } = goNow(ctx, reality);
    if (go === null || isHeldNow(ctx, reality) || !mayObey(ctx, go, reality)) {
      const reason = isHeldNow(ctx, reality)
        ? '"hold" was set: the shutdown is not sent'
        : (warnings[0] ?? 'the go was taken back before the shutdown was sent');
      return backToWaiting(ctx, { reason, since: 'keep', increment: 'keep' });
    }
    const against = againstTarget(reality, ctx.record);
    if (against !== null) return backToWaiting(ctx, { reason: `not cut over: ${against}`, since: 'keep', increment: 'keep' });
    await ctx.save({ go, stoppedByMove: true });
    const { off } = await unstoppable(ctx, 'the shutdown was sent: the cutover is finished first', () =>
      shutDown(ctx, reality, force ? 'force' : 'graceful-only'),
    );
    if (off !== null) return 'next';
    const now = await ctx.read();
    const power = powerText(now, now.source, ctx.record.from);
    const reason =
      power === 'running'
        ? 'the guest did not obey the shutdown: it runs on and the move waits again (shut it down from inside, or give "force")'
        : `the VM was asked to shut down and is now ${power}: the move waits again`;
    return backToWaiting(ctx, { reason, since: 'keep', increment: 'keep' });
  },
  undo: startSourceAgain,
};

/** Off, and not by this move: the go is asked for again, as it stands now. */
async function wentOff(ctx: MoveContext, reality: Reality): Promise<StepResult> {
  const { go, heldBy, warnings } = goNow(ctx, reality);
  if (go === null) {
    const reason = heldBy ?? warnings[0] ?? 'the VM went off and nothing permits the cutover: it stays off';
    return backToWaiting(ctx, { reason, since: 'keep', increment: 'keep' });
  }
  await ctx.save({ go, stoppedByMove: go.place === 'guest' });
  return 'next';
}

const block: Step = {
  name: 'block-source',
  words: 'blocks the start of the source',
  phase,
  run: async (ctx, before) => {
    if (ranBeforeBlock(before, ctx.record) && !hasArrived(before, ctx.record, ctx.driver.capabilities)) return sourceRan(ctx, before);
    const reality = await blockSource(ctx, before);
    const stopped = isOff(reality.source) || hasArrived(reality, ctx.record, ctx.driver.capabilities);
    return stopped ? 'next' : sourceRan(ctx, reality);
  },
  undo: unblockSource,
};

const finish: Step = {
  name: 'finish',
  words: 'sends the last increment',
  phase,
  run: async (ctx, reality) => {
    if (reality.source === null && hasArrived(reality, ctx.record, ctx.driver.capabilities)) {
      // The platform has removed the source itself: there is nothing left to watch.
      await ctx.save(startingNow(reality));
      return 'next';
    }
    needRead(reality, ctx.record.from, 'the last increment is not sent');
    if (reality.source === null)
      throw new PlacementError('platform', `${ctx.vm}: its source on ${placeText(ctx.record.from)} is not found.`, { vm: ctx.vm });
    const { separateStart } = ctx.driver.capabilities;
    // An earlier run has passed the point of no return already: then the target may have run.
    const tookOver = ctx.record.targetStarting ? await sourceTookOver(ctx, reality, sourceRan) : null;
    if (tookOver !== null) return tookOver;
    if (ranSince(reality.source, ctx.record) && !hasArrived(reality, ctx.record, ctx.driver.capabilities)) return sourceRan(ctx, reality);
    // Where finishing starts the target, the point of no return lies before it. Written once: the target may have run since.
    if (!separateStart && !ctx.record.targetStarting) await ctx.save(startingNow(reality));
    const outcome = await unstoppable(ctx, 'the VM is off: the cutover is finished first', () => finishOrGiveUp(ctx, reality));
    if (!isDistrust(outcome)) return finished(ctx, outcome, reality);
    if (!separateStart) await ctx.save({ targetStarting: false });
    return ctx.record.go?.value === 'force' ? copyWhileOff(ctx, outcome, reality) : distrusted(ctx, outcome);
  },
  undo: dropCopies,
};

/** A platform's own task that has ended badly and removed what it built will start nothing: then there is a way back. */
async function finishOrGiveUp(ctx: MoveContext, reality: Reality): Promise<Outcome | Distrust> {
  try {
    return await ctx.driver.finish(ctx.move(reality), ctx.run('finishing'));
  } catch (error) {
    if (ctx.record.targetStarting && !isControlLost(error)) {
      const now = await ctx.read();
      if (now.target === null && !isUnread(now, ctx.record.to)) await ctx.save({ targetStarting: false });
    }
    throw error;
  }
}

async function finished(ctx: MoveContext, outcome: Outcome, { vm }: Reality): Promise<StepResult> {
  for (const warning of outcome.warnings) ctx.warn(`${ctx.vm}: ${warning}`);
  await ctx.save({ bytes: sentInAll(ctx, outcome), ...copiedDisksOf(vm) });
  return 'next';
}

/** Only under `force`: the full copy is made with the VM off. */
async function copyWhileOff(ctx: MoveContext, { reason }: Distrust, reality: Reality): Promise<StepResult> {
  ctx.warn(`${ctx.vm}: the increment cannot be trusted (${reason}); "force" allows a full copy with the VM off.`);
  await dropCopies(ctx);
  const outcome = await unstoppable(ctx, 'the VM is off: the cutover is finished first', async () =>
    ctx.driver.copyOff(ctx.move(await ctx.read()), ctx.run('finishing')),
  );
  return finished(ctx, outcome, reality);
}

async function distrusted(ctx: MoveContext, { reason }: Distrust): Promise<StepResult> {
  const byOperator = ctx.record.go?.place === 'guest';
  await unblockSource(ctx);
  if (!byOperator) await startSourceAgain(ctx);
  const runs = isRunning((await ctx.read()).source);
  const after = runs
    ? 'the VM runs on its source, a new full copy comes next'
    : `this move did not stop the VM, so it stays off: start it, then a new full copy is made; or allow one while it is off: ${command('annotate', ctx.vm, 'shutdown=force')}`;
  return backToWaiting(ctx, { reason: `the last increment cannot be trusted (${reason}): ${after}`, since: 'again', increment: 'void' });
}

/** Somebody started the source after it had read off: the increment is void, the VM lives on where it is. */
async function sourceRan(ctx: MoveContext, reality: Reality): Promise<StepResult> {
  needRead(reality, ctx.record.from, 'whether the VM was started there is not known');
  await unblockSource(ctx);
  const now = powerText(reality, reality.source, ctx.record.from);
  return backToWaiting(ctx, {
    reason: `the VM was started on ${placeText(ctx.record.from)} by somebody else during the cutover (it reads ${now}): what was sent is void, the move waits again`,
    since: 'again',
    increment: 'keep',
  });
}

/** Moved by others before the point of no return: nothing that was sent may be trusted, a new full copy is made from where it is now. */
export async function followMoved(ctx: MoveContext, reality: Reality): Promise<boolean> {
  const { record } = ctx;
  if (record.method !== 'staged') return false;
  const now = reality.vm.copies.find((copy) => copy.role === 'live' && !samePlace(copy.ref, record.to));
  if (now === undefined) return false;
  const { cluster, host } = now.ref;
  ctx.warn(
    `${ctx.vm}: was moved from ${placeText(record.from)} to ${placeText(now.ref)} by somebody else; it is copied in full again from there.`,
  );
  await ctx.save({
    from: { cluster, host },
    done: ['claim'],
    step: replicate.name,
    phase: replicate.phase,
    increment: null,
    go: null,
    stoppedByMove: false,
    targetStarting: false,
    awaitingSince: null,
    ...notOff,
  });
  return true;
}

/** An error in the cutover before the point of no return: the VM is brought back, and the move waits again. */
export async function rollBackCutover(ctx: MoveContext, message: string): Promise<void> {
  await unblockSource(ctx);
  await startSourceAgain(ctx);
  await backToWaiting(ctx, { reason: `the cutover failed and was rolled back: ${message}`, since: 'keep', increment: 'keep' });
}

export const isCutover = (record: MoveContext['record']): boolean =>
  record.method === 'staged' && [shutdown.name, block.name, finish.name, 'point-of-no-return'].includes(record.step);

const isDistrust = (outcome: Outcome | Distrust): outcome is Distrust => 'reason' in outcome;

export const stagedSteps: readonly Step[] = [
  claim('Replicating'),
  replicate,
  awaitGo,
  shrink,
  shutdown,
  block,
  finish,
  pointOfNoReturn(phase, finish.name, sourceRan),
  startTarget(phase, sourceRan),
  readBack(phase, sourceRan),
  retire(phase, sourceRan),
  settle(phase),
];
