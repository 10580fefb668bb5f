/** Hot: the VM keeps running; the platform's job moves it (rules.md §6 "Hot"). */
import { iso } from '../clock.js';
import { samePlace } from '../inventory.js';
import { blockSource } from './block.js';
import { claim } from './claim.js';
import { unstoppable } from './parking.js';
import { readBack } from './read-back.js';
import { hasArrived, needRead, wasMovedAway } from './reality.js';
import { retire, settle } from './retire.js';
import type { MoveContext, Reality, Step, StepResult, Undo } from './step.js';

const phase = 'Migrating';

/** The host must not start it again by itself while, or after, its memory leaves. */
const autostartOff: Step = {
  name: 'autostart-off',
  words: 'switches the autostart of the source off',
  phase,
  run: async (ctx, reality) => {
    const { source } = reality;
    if (ctx.record.autostartBefore) needRead(reality, ctx.record.from, 'its autostart there is not switched off');
    if (!ctx.record.autostartBefore || source === null) return 'nothing';
    await ctx.checkLease();
    await ctx.driver.autostart(source.ref, false, ctx.run('finishing'));
    return 'next';
  },
  undo: async (ctx) => {
    const reality = await ctx.read();
    const { source } = reality;
    if (ctx.record.autostartBefore) needRead(reality, ctx.record.from, 'its autostart there is not put back');
    if (!ctx.record.autostartBefore || source === null) return;
    await ctx.checkLease();
    await ctx.driver.autostart(source.ref, true, ctx.run('finishing'));
  },
};

const stopJob: Undo = async (ctx) => {
  await ctx.checkLease();
  await ctx.driver.cancel(ctx.move(await ctx.read()), ctx.run('finishing'));
};

const migrate: Step = {
  name: 'migrate',
  words: 'migrates the running VM',
  phase,
  run: async (ctx, before) => {
    // A run that re-attaches after the job has ended blocks the source before anything else.
    const arrivedBefore = hasArrived(before, ctx.record, ctx.driver.capabilities);
    if (arrivedBefore) {
      await blockSource(ctx, before);
      // No job is left to be watched: nothing is where it came from, or the VM was taken on from where it went to.
      const goneOn = before.target !== null && !samePlace(before.target.ref, ctx.record.to);
      if (wasMovedAway(ctx.record, before) || goneOn) return arrived(ctx, before, 0, 0);
    }
    const outcome = await unstoppable(ctx, 'the platform runs this hot migration: waiting for its end', async () =>
      ctx.driver.migrate(ctx.move(arrivedBefore ? await ctx.read() : before), ctx.run('finishing')),
    );
    const reality = await blockSource(ctx, await ctx.read());
    for (const warning of outcome.warnings) ctx.warn(`${ctx.vm}: ${warning}`);
    return arrived(ctx, reality, outcome.bytes, outcome.downtimeMs ?? 0);
  },
  undo: stopJob,
};

/** The job has ended well: from here only forward, whatever has become of the VM on the target since (read-back tells). */
async function arrived(ctx: MoveContext, { at }: Reality, bytes: number, downtimeMs: number): Promise<StepResult> {
  // Downtime is what the platform measured; the record knows two moments, so they are put that far apart.
  await ctx.save({ targetStarting: true, bytes: Math.max(ctx.record.bytes, bytes), backAt: iso(at), offAt: iso(at - downtimeMs) });
  return 'next';
}

const block: Step = {
  name: 'block-source',
  words: 'blocks the start of the source',
  phase,
  run: async (ctx, reality) => {
    return (await blockSource(ctx, reality)) === reality ? 'nothing' : 'next';
  },
};

export const hotSteps: readonly Step[] = [
  claim(phase),
  autostartOff,
  migrate,
  block,
  readBack(phase, null),
  retire(phase, null),
  settle(phase),
];
