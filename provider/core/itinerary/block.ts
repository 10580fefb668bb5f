/** Blocks the start of the source as soon as it reads off, and takes the block away again (rules.md §6.7). */
import { toldChange } from '../host-clock.js';
import { isKnown, type Copy } from '../inventory.js';
import type { MigrationRecord } from '../record.js';
import { isStopped, isUnread, wentOffAt } from './reality.js';
import type { MoveContext, Reality, Undo } from './step.js';

/** Remembers when it went off and its autostart, blocks it, and reads it again. */
export async function blockSource(ctx: MoveContext): Promise<Reality> {
  const before = await ctx.read();
  const { source } = before;
  if (source === null || !isStopped(source)) return before;
  // Hot has switched its autostart off itself, and blocks before anything else.
  if (ctx.record.method !== 'hot') await remember(ctx, before, source);
  if (!ctx.driver.capabilities.blocksStart) return before;
  if (!source.blocked) {
    await ctx.checkLease();
    await ctx.driver.block(source.ref, ctx.record.moveId, ctx.run('finishing'));
  }
  return ctx.read();
}

async function remember(ctx: MoveContext, reality: Reality, source: Copy): Promise<void> {
  const { record } = ctx;
  const autostartBefore = isKnown(source.autostart) && !source.blocked ? source.autostart : record.autostartBefore;
  if (record.offAt === null || autostartBefore !== record.autostartBefore)
    await ctx.save({ ...(record.offAt === null ? wentOff(source, reality) : {}), autostartBefore });
}

const wentOff = (source: Copy, reality: Reality): Pick<MigrationRecord, 'offAt' | 'offChange'> => ({
  offAt: wentOffAt(source, reality),
  offChange: toldChange(source.lastChange),
});

export const unblockSource: Undo = async (ctx) => {
  if (!ctx.driver.capabilities.blocksStart) return;
  const reality = await ctx.read();
  const { source } = reality;
  // Moved away by somebody else: nothing is left there that could be blocked.
  if (source === null && !isUnread(reality, ctx.record.from)) return;
  if (source === null) throw new Error(`${ctx.vm}: the source on ${ctx.record.from.host} cannot be read, so its block stays`);
  if (!source.blocked) return;
  await ctx.checkLease();
  await ctx.driver.unblock(source.ref, ctx.run('finishing'));
};

/** Stops what runs for this move and removes what it left on both sides. */
export const dropCopies: Undo = async (ctx) => {
  await ctx.checkLease();
  await ctx.driver.cancel(ctx.move(await ctx.read()), ctx.run('finishing'));
  await ctx.save({ increment: null });
};
