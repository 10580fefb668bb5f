/** The point of no return and the start on the target (rules.md §6.9), the same for cold and staged. */
import { command } from '../command.js';
import { PlacementError } from '../errors.js';
import { isKnown, placeText, type Timestamp } from '../inventory.js';
import { iso } from '../clock.js';
import { isSameChange, platformTime, toldChange } from '../host-clock.js';
import type { MigrationRecord } from '../record.js';
import { keepBlocked } from './block.js';
import { changedDisk } from './copied-disks.js';
import { isOff, isRunning, isStopped, isTargetGone, isUnread, needRead, ranSince } from './reality.js';
import type { MoveContext, Reality, Step, StepResult } from './step.js';
import { againstTarget } from './target.js';
import { waitFor } from './wait.js';

/** `copyStep`: the step that makes the target complete. `sourceRan`: what the method does when somebody started the source in between. */
export const pointOfNoReturn = (phase: Step['phase'], copyStep: string, sourceRan: SourceRan): Step => ({
  name: 'point-of-no-return',
  words: 'writes down that the target is started',
  phase,
  done: (_reality, record) => record.targetStarting,
  run: async (ctx) => {
    const before = await ctx.read();
    if (sourceIsBack(before, ctx.record)) return sourceRan(ctx, before);
    const reality = await keepBlocked(ctx, before);
    if (sourceIsBack(reality, ctx.record)) return sourceRan(ctx, reality);
    const { target } = reality;
    needRead(reality, ctx.record.from, 'whether the VM was started there is not known: the target is not started');
    const changed = changedDisk(reality.vm, ctx.record.copiedDisks);
    if (changed !== null) return copyAgain(ctx, copyStep, changed);
    if (target === null) needRead(reality, ctx.record.to, 'the VM is not started there');
    if (target === null)
      throw new PlacementError('platform', `${ctx.vm}: its copy on ${placeText(ctx.record.to)} is not found; it is not started.`, {
        vm: ctx.vm,
        next: `${command('cancel', ctx.vm)}, then pulumi up copies it again`,
      });
    const against = shallRun(ctx.record) ? againstTarget(reality, ctx.record) : null;
    if (against !== null) throw new PlacementError('platform', `${ctx.vm}: not started on the target: ${against}.`, { vm: ctx.vm });
    await ctx.save(startingNow(reality));
    return 'next';
  },
});

/** What was copied is not all of it any more. */
async function copyAgain(ctx: MoveContext, copyStep: string, changed: string): Promise<StepResult> {
  const { done, to } = ctx.record;
  ctx.warn(`${ctx.vm}: ${changed} after it was copied: what is on ${placeText(to)} is not started, the copy is made again.`);
  const before = done.slice(0, done.indexOf(copyStep));
  await ctx.save({ done: before, step: copyStep });
  return 'back';
}

/** Starts it unless it shall stay off. Forward only: an error here leaves the record, the next run tries again. */
export const startTarget = (phase: Step['phase'], sourceRan: SourceRan): Step => ({
  name: 'start-target',
  words: 'starts the VM on the target',
  phase,
  run: async (ctx) => {
    const { record } = ctx;
    const before = await ctx.read();
    const gone = await sourceTookOver(ctx, before, sourceRan);
    if (gone !== null) return gone;
    const reality = await keepBlocked(ctx, before);
    const goneSince = reality === before ? null : await sourceTookOver(ctx, reality, sourceRan);
    if (goneSince !== null) return goneSince;
    if (!shallRun(record)) {
      await ctx.save({ backAt: record.backAt ?? iso(reality.at) });
      return 'next';
    }
    const back = isRunning(reality.target) ? reality : await start(ctx, reality);
    await ctx.save({ backAt: runningSince(back, record) });
    return 'next';
  },
});

/**
 * Somebody started the source past the point of no return: the target is stale. Only one that has never run may be given up
 * (rules.md §6.9); otherwise two copies have run, and a person decides. null: nothing of the kind.
 */
export async function sourceTookOver(ctx: MoveContext, reality: Reality, sourceRan: SourceRan | null): Promise<StepResult | null> {
  const { record } = ctx;
  const ran = sourceRan !== null && reality.source !== null && ranSince(reality.source, record);
  // Once it was read back on the target, somebody (a balancer, HA) may move it on: only the source itself counts then.
  const another = record.done.includes('read-back') ? isRunning(reality.source) : runsElsewhere(reality);
  if (!ran && !another) return null;
  if (sourceRan === null || !(neverRan(reality, record) || isDecidedForSource(reality, record))) throw twoCopies(ctx, reality);
  await ctx.save({ targetStarting: false });
  return sourceRan(ctx, reality);
}

/** What the method does when somebody started the source in between. */
export type SourceRan = (ctx: MoveContext, reality: Reality) => Promise<StepResult>;

/** What the point of no return writes: with the target as it is before anybody can have started it. */
export const startingNow = ({ target }: Reality): Pick<MigrationRecord, 'targetStarting' | 'startingChange'> => ({
  targetStarting: true,
  startingChange: toldChange(target?.lastChange),
});

/** Off, and with the very change of then: no clock has a say in it. */
const neverRan = ({ target }: Reality, { startingChange }: MigrationRecord): boolean =>
  isOff(target) && isKnown(target.lastChange) && startingChange != null && isSameChange(target.lastChange, startingChange);

/** A person has removed the target, as the message asks: nothing but the source is left. */
const isDecidedForSource = (reality: Reality, { to }: MigrationRecord): boolean =>
  reality.target === null && !isUnread(reality, to) && reality.vm.copies.every((copy) => copy === reality.source || copy.role !== 'live');

const sourceIsBack = (reality: Reality, record: MigrationRecord): boolean =>
  (reality.source !== null && ranSince(reality.source, record)) || runsElsewhere(reality);

/** Any other copy than the target runs, also one that somebody moved to a third host. */
const runsElsewhere = ({ vm, target }: Reality): boolean => vm.copies.some((copy) => copy !== target && copy.power === 'running');

export const shallRun = (record: MigrationRecord): boolean =>
  record.options.startAfter === 'always' || (record.options.startAfter === 'asBefore' && record.powerBefore === 'running');

export function twoCopies(ctx: MoveContext, { vm }: Reality): PlacementError {
  const running = vm.copies.filter((copy) => copy.power === 'running').map((copy) => placeText(copy.ref));
  const { from, to } = ctx.record;
  const [elsewhere] = running.filter((place) => place !== placeText(to));
  const again = elsewhere === undefined ? `ran on ${placeText(from)} again` : `runs on ${elsewhere} again`;
  const what =
    running.length > 1
      ? `runs on ${running.join(' and ')} at the same time`
      : `${again} although its copy on ${placeText(to)} ${ctx.record.targetStarting ? 'is past the point of no return' : 'has run since'}`;
  return new PlacementError('platform', `${ctx.vm}: ${what}. Nothing more is done.`, {
    vm: ctx.vm,
    next:
      ctx.record.method === 'hot' && ctx.record.targetStarting
        ? 'decide which copy is the right one, stop the other by hand, then pulumi up'
        : 'decide which copy is the right one, stop the other and remove its definition by hand, then pulumi up',
  });
}

/** A person decides: what has been written on the target, if it ran, is gone with it. */
export function refuseGone({ vm, record }: MoveContext, reality: Reality): void {
  if (!isTargetGone(record, reality)) return;
  throw new PlacementError('platform', `${vm}: its copy on ${placeText(record.to)} was deleted by somebody else; nothing is started.`, {
    vm,
    next: `${command('cancel', vm)} brings it back on ${placeText(record.from)}, as it was when it went off there`,
  });
}

async function start(ctx: MoveContext, reality: Reality): Promise<Reality> {
  const { record } = ctx;
  const run = ctx.run('finishing');
  if (reality.target === null) needRead(reality, record.to, 'the VM is not started there');
  refuseGone(ctx, reality);
  // One that ran already and crashed before it was read back is started again like one that never ran.
  if (reality.target === null || !isStopped(reality.target))
    throw new PlacementError(
      'platform',
      `${ctx.vm}: its copy on ${placeText(record.to)} is ${reality.target?.power ?? 'not found'}, so it is not started.`,
      {
        vm: ctx.vm,
      },
    );
  await ctx.checkLease();
  const before = toldChange(reality.target.lastChange);
  await ctx.driver.start(reality.target.ref, run);
  const crashed = ({ target }: Reality): boolean => {
    const change = target?.power === 'crashed' ? toldChange(target.lastChange) : null;
    return change !== null && (before === null || !isSameChange(change, before));
  };
  const back = await waitFor(ctx, (now) => isRunning(now.target) || crashed(now), record.options.noProgressTimeoutMs, run.signal);
  if (back !== null && crashed(back))
    throw new PlacementError(
      'platform',
      `${ctx.vm}: crashed right after it was started on ${placeText(record.to)}; nothing else was touched.`,
      {
        vm: ctx.vm,
        next: 'look at that host and at the console of the VM; pulumi up starts it there again',
      },
    );
  if (back !== null) return back;
  throw new PlacementError('timeout', `${ctx.vm}: was started on ${placeText(record.to)} but does not read as running.`, { vm: ctx.vm });
}

function runningSince(reality: Reality, record: MigrationRecord): Timestamp {
  const change = toldChange(reality.target?.lastChange);
  const since = change === null ? null : platformTime(reality.inventory, record.to, change.at);
  return since !== null && (record.offAt === null || Date.parse(since) >= Date.parse(record.offAt)) ? since : iso(reality.at);
}
