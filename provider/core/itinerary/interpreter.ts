/**
 * The one interpreter of the itineraries: reads reality and the record, skips what is done, and goes on. It writes the record before
 * and after every step, so that any later run, on any machine, continues from there.
 */
import { isControlLost, PlacementError } from '../errors.js';
import { placeText } from '../inventory.js';
import type { MigrationRecord, Phase } from '../record.js';
import { interrupted, parkIfInterrupted } from './parking.js';
import { hasArrived, isAloneElsewhere, isOff, isRunning, isUnread, needsPerson, wasMovedAway } from './reality.js';
import { twoCopies } from './start.js';
import { followMoved, isCutover, rollBackCutover } from './staged.js';
import type { MoveContext, Reality, Step, StepResult } from './step.js';
import { stepsOf } from './tables.js';
import { undo } from './undo.js';

/** `cancel-requested`: another front door has put the request into the record; the caller cancels. */
export type Carried = 'done' | 'pause' | 'cancel-requested';

/**
 * Throws what stopped it, after it has put back or parked what it can (rules.md §6); the first error is never hidden.
 * @param just what was read a moment ago, under the lease; nothing was done since.
 */
export async function carryOut(ctx: MoveContext, just: Reality | null = null): Promise<Carried> {
  try {
    return await walk(ctx, just);
  } catch (error) {
    throw await afterError(ctx, error);
  }
}

async function walk(ctx: MoveContext, just: Reality | null): Promise<Carried> {
  const steps = stepsOf(ctx.record.method);
  let known = just;
  for (;;) {
    const reality = known ?? (await ctx.read());
    known = null;
    if (needsPerson(reality, ctx.record)) throw twoCopies(ctx, reality);
    // One that was taken over with a write since is in our own.
    const isCancelled = [reality.vm.record, ctx.record].some((record) => record?.request === 'cancel');
    if (isCancelled && canCancel(ctx, reality)) return 'cancel-requested';
    if (wasMovedAway(ctx.record, reality) && canCancel(ctx, reality)) {
      if (await followMoved(ctx, reality)) continue;
      throw movedAway(ctx, reality);
    }
    const step = steps.find(({ name }) => !ctx.record.done.includes(name));
    if (step === undefined) return 'done';
    if (step.done?.(reality, ctx.record) === true) {
      await complete(ctx, step, steps);
      continue;
    }
    if (isSafePoint(ctx.record, reality)) parkIfInterrupted(ctx);
    const phase = phaseOf(step, ctx.record);
    if (ctx.record.step !== step.name || ctx.record.phase !== phase || ctx.record.failed !== null)
      await ctx.save({ step: step.name, phase, failed: null });
    ctx.emit({ kind: 'start', vm: ctx.vm, step: step.name, message: `${ctx.vm}: ${step.words}` });
    // What is told may take long, or be what makes somebody stop it.
    await ctx.checkLease();
    const result = await step.run(ctx, reality);
    ctx.emit({
      kind: 'end',
      vm: ctx.vm,
      step: step.name,
      phase: ctx.record.phase,
      message: `${ctx.vm}: ${step.words}: ${outcomes[result]}`,
    });
    switch (result) {
      case 'nothing':
        known = reality;
        await complete(ctx, step, steps);
        break;
      case 'next':
        await complete(ctx, step, steps);
        break;
      case 'back':
        break;
      case 'pause':
        return 'pause';
      case 'done':
        return 'done';
    }
  }
}

const outcomes: Readonly<Record<StepResult, string>> = {
  next: 'done',
  nothing: 'done',
  back: 'goes back',
  pause: 'waits',
  done: 'done, the move is over',
};

/** One write is both the end of this step and the beginning of the next. */
async function complete(ctx: MoveContext, step: Step, steps: readonly Step[]): Promise<void> {
  const done = [...ctx.record.done, step.name];
  const next = steps.find(({ name }) => !done.includes(name));
  await ctx.save({ done, ...(next === undefined ? {} : { step: next.name, phase: phaseOf(next, ctx.record), failed: null }) });
}

/** A source that waits for its confirmation shows that phase until it is retired. */
const phaseOf = (step: Step, record: MigrationRecord): Phase =>
  record.phase === 'AwaitingConfirmation' && step.name === 'retire' ? record.phase : step.phase;

/** Before the point of no return, and before the platform has moved it by itself; or when nothing of the move is left. */
export const canCancel = ({ record, driver }: Pick<MoveContext, 'record' | 'driver'>, reality: Reality): boolean =>
  isAloneElsewhere(reality) || (!record.targetStarting && !hasArrived(reality, record, driver.capabilities));

/** The VM runs, or was off before; and nothing is past the point of no return. */
const isSafePoint = (record: MigrationRecord, reality: Reality): boolean =>
  !record.targetStarting && !record.stoppedByMove && (isRunning(reality.source) || record.powerBefore !== 'running');

function movedAway(ctx: MoveContext, { vm }: Reality): PlacementError {
  const now = vm.copies.filter((copy) => copy.role === 'live').map((copy) => placeText(copy.ref));
  return new PlacementError(
    'platform',
    `${ctx.vm}: was moved from ${placeText(ctx.record.from)} to ${now.join(', ')} by somebody else; its ${ctx.record.method} move is taken back.`,
    { vm: ctx.vm, next: 'pulumi up decides anew' },
  );
}

/** Puts back or parks what it can, and returns the error to throw. */
async function afterError(ctx: MoveContext, error: unknown): Promise<unknown> {
  if (isControlLost(error)) return error;
  // Nothing was written yet: nothing to put back.
  if (!ctx.stored) return error;
  const safe = !ctx.record.targetStarting && !ctx.record.stoppedByMove;
  const wasInterrupted = ctx.interrupt.aborted && safe && !(PlacementError.isInstance(error) && error.code !== 'interrupted');
  try {
    if (wasInterrupted) {
      await ctx.save({ phase: 'Parked' });
      return interrupted(ctx);
    }
    return await recover(ctx, error);
  } catch (second) {
    if (isControlLost(second)) {
      // What is to be put back is left to whoever controls the VM next.
      ctx.warn(`${ctx.vm}: ${textOf(error)}`);
      return second;
    }
    const both = `${textOf(error)} Putting it back failed as well: ${textOf(second)}`;
    ctx.warn(`${ctx.vm}: ${both}`);
    await ctx
      .save({ phase: 'Failed', failed: both })
      .catch((third: unknown) => ctx.warn(`${ctx.vm}: writing that down failed: ${textOf(third)}`));
    return error;
  }
}

async function recover(ctx: MoveContext, error: unknown): Promise<unknown> {
  // What is put back follows from the record: first that it is still the stored one.
  await ctx.verify();
  const { record } = ctx;
  const reality = await ctx.read();
  if (!needsPerson(reality, record) && canCancel(ctx, reality)) {
    // One that was off and is not any more: somebody has started it, and it may have crashed since.
    const isNotOff = reality.source !== null && !isOff(reality.source);
    const cold = record.method === 'cold' && (record.powerBefore === 'running' || isNotOff || wasMovedAway(record, reality));
    // Off on the source with a copy on the target: a hot job may have ended. Not one thing is taken back before that is known.
    const hot = record.method === 'hot' && (isRunning(reality.source) || (reality.target === null && !isUnread(reality, record.to)));
    if (hot || cold) {
      const failures = await undo(ctx, { annotation: 'keep' });
      for (const failure of failures) ctx.warn(`${ctx.vm}: putting back: ${failure}`);
      return error;
    }
    if (isCutover(record)) {
      await rollBackCutover(ctx, textOf(error));
      return error;
    }
  }
  // A source that could not be removed still just waits for its confirmation.
  if (record.phase !== 'AwaitingConfirmation') await ctx.save({ phase: 'Failed', failed: textOf(error) });
  return error;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
