/** Hot: the VM keeps running; the platform's job moves it (rules.md §6 "Hot"). */
import { iso } from '../clock.js';
import { blockSource } from './block.js';
import { claim } from './claim.js';
import { unstoppable } from './parking.js';
import { readBack } from './read-back.js';
import { hasArrived } from './reality.js';
import { retire, settle } from './retire.js';
import type { Step, Undo } from './step.js';

const phase = 'Migrating';

/** The host must not start it again by itself while, or after, its memory leaves. */
const autostartOff: Step = {
  name: 'autostart-off',
  words: 'switches the autostart of the source off',
  phase,
  run: async (ctx) => {
    const { source } = await ctx.read();
    if (ctx.record.autostartBefore && source !== null) {
      await ctx.checkLease();
      await ctx.driver.autostart(source.ref, false, ctx.run('finishing'));
    }
    return 'next';
  },
  undo: async (ctx) => {
    const { source } = await ctx.read();
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
  run: async (ctx) => {
    // A run that re-attaches after the job has ended blocks the source before anything else.
    if (hasArrived(await ctx.read(), ctx.record, ctx.driver.capabilities)) await blockSource(ctx);
    const outcome = await unstoppable(ctx, 'the platform runs this hot migration: waiting for its end', async () =>
      ctx.driver.migrate(ctx.move(await ctx.read()), ctx.run('finishing')),
    );
    const reality = await blockSource(ctx);
    // The job has ended well: from here only forward, whatever has become of the VM on the target since (read-back tells).
    for (const warning of outcome.warnings) ctx.warn(`${ctx.vm}: ${warning}`);
    // Downtime is what the platform measured; the record knows two moments, so they are put that far apart.
    await ctx.save({
      targetStarting: true,
      bytes: ctx.record.bytes + outcome.bytes,
      backAt: iso(reality.at),
      offAt: iso(reality.at - (outcome.downtimeMs ?? 0)),
    });
    return 'next';
  },
  undo: stopJob,
};

const block: Step = {
  name: 'block-source',
  words: 'blocks the start of the source',
  phase,
  run: async (ctx) => {
    await blockSource(ctx);
    return 'next';
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
