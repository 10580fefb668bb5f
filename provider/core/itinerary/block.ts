/** Blocks the start of the source as soon as it reads off, and takes the block away again (rules.md §6.7). */
import { toldChange } from '../host-clock.js';
import { PlacementError } from '../errors.js';
import { isKnown, placeText, type Copy } from '../inventory.js';
import type { MigrationRecord } from '../record.js';
import { isStopped, needRead, wentOffAt } from './reality.js';
import type { MoveContext, Reality, Undo } from './step.js';

/** Remembers when it went off and its autostart, blocks it, and reads it again. */
export async function blockSource(ctx: MoveContext, before: Reality): Promise<Reality> {
  const { source } = before;
  if (source === null || !isStopped(source)) return before;
  // Hot has switched its autostart off itself, and blocks before anything else.
  if (ctx.record.method !== 'hot') await remember(ctx, before, source);
  if (!ctx.driver.capabilities.blocksStart) {
    // The least that keeps its host from starting it; a platform's own staged task sees to its source itself, hot has done it.
    if (ctx.record.method === 'cold' && ctx.record.autostartBefore) await setAutostart(ctx, source, false);
    return ctx.read();
  }
  if (source.blocked) return before;
  await ctx.checkLease();
  await ctx.driver.block(source.ref, ctx.record.moveId, ctx.run('finishing'));
  return ctx.read();
}

/** Somebody has taken the block away and not started the source: it is put back before anything is built on it. */
export async function keepBlocked(ctx: MoveContext, reality: Reality): Promise<Reality> {
  const { source } = reality;
  if (!ctx.driver.capabilities.blocksStart || source === null || source.blocked || !isStopped(source)) return reality;
  await ctx.checkLease();
  await ctx.driver.block(source.ref, ctx.record.moveId, ctx.run('finishing'));
  return ctx.read();
}

async function remember(ctx: MoveContext, reality: Reality, source: Copy): Promise<void> {
  const { record } = ctx;
  // Once: a run that goes on would find what this move has set.
  if (record.offAt !== null) return;
  const autostartBefore = isKnown(source.autostart) && !source.blocked ? source.autostart : record.autostartBefore;
  await ctx.save({ ...wentOff(source, reality), autostartBefore });
}

const wentOff = (source: Copy, reality: Reality): Pick<MigrationRecord, 'offAt' | 'offChange'> => ({
  offAt: wentOffAt(source, reality),
  offChange: toldChange(source.lastChange),
});

async function setAutostart(ctx: MoveContext, source: Copy, value: boolean): Promise<void> {
  if (isKnown(source.autostart) && source.autostart === value) return;
  await ctx.checkLease();
  await ctx.driver.autostart(source.ref, value, ctx.run('finishing'));
}

export const unblockSource: Undo = async (ctx) => {
  const { record, driver } = ctx;
  if (!driver.capabilities.blocksStart && record.method !== 'cold') return;
  const reality = await ctx.read();
  const { source } = reality;
  // Moved away by somebody else: nothing is left there that could be blocked.
  if (source === null) needRead(reality, record.from, 'its block there stays');
  if (source === null) return;
  if (!driver.capabilities.blocksStart && record.autostartBefore) await setAutostart(ctx, source, true);
  if (!source.blocked) return;
  refuseBeside(ctx, reality);
  await ctx.checkLease();
  await driver.unblock(source.ref, ctx.run('finishing'));
};

/** Somebody has started another copy: whatever else is put back, the source is not started beside it. */
export function refuseBeside(ctx: MoveContext, { vm, source }: Reality): void {
  const other = vm.copies.find((copy) => copy.power === 'running' && copy !== source);
  if (other === undefined || source === null) return;
  throw new PlacementError(
    'not-possible',
    `${ctx.vm}: runs on ${placeText(other.ref)}, so its source on ${placeText(source.ref)} stays off and as it is.`,
    { vm: ctx.vm, next: 'look at both copies; shut down the one that is not to stay, then pulumi up' },
  );
}

/** Stops what runs for this move and removes what it left on both sides. */
export const dropCopies: Undo = async (ctx) => {
  await ctx.checkLease();
  await ctx.driver.cancel(ctx.move(await ctx.read()), ctx.run('finishing'));
  await ctx.save({ increment: null });
};
