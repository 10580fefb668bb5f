/** The source goes last: kept until it is confirmed, or removed (rules.md §6.11); then the move is over. */
import { command } from '../command.js';
import { PlacementError } from '../errors.js';
import { placeText } from '../inventory.js';
import { keepBlocked } from './block.js';
import { endMove, lastMoveOf, writeEnding } from './closing.js';
import { isUnread, keptText, standing } from './reality.js';
import { sourceTookOver, type SourceRan } from './start.js';
import type { Step } from './step.js';

export const retire = (phase: Step['phase'], sourceRan: SourceRan | null): Step => ({
  name: 'retire',
  words: 'deals with the source',
  phase,
  run: async (ctx, before) => {
    const { record, driver } = ctx;
    const gone = await sourceTookOver(ctx, before, sourceRan);
    if (gone !== null) return gone;
    const reality = await keepBlocked(ctx, before);
    const { source } = reality;
    if (source === null && isUnread(reality, record.from))
      throw new PlacementError('platform', `${ctx.vm}: ${placeText(record.from)} cannot be read, so nothing is done to its source there.`, {
        vm: ctx.vm,
        next: 'try again when that host answers',
      });
    // Gone: the platform removed it itself, or an earlier run did; or somebody moved it away, which is then nobody's to remove but theirs.
    if (source === null) {
      for (const { ref, power } of reality.vm.copies.filter((copy) => copy !== reality.target && copy.role === 'live'))
        ctx.warn(
          `${ctx.vm}: another definition of it is ${power} on ${placeText(ref)}, and is not of this move: remove the wrong one by hand.`,
        );
      return 'next';
    }
    await ctx.checkLease();
    if (record.options.keepSource === 'no' || record.request === 'confirm' || !driver.capabilities.keepsSource) {
      // Where the source was not blocked it carries no label of ours yet, and only a labelled one is removed.
      if (!driver.capabilities.blocksStart && driver.capabilities.keepsSource && source.role !== 'kept')
        await driver.keep(source.ref, record.moveId, ctx.run('finishing'));
      await driver.retire(source.ref, record.moveId, ctx.run('finishing'));
      return 'next';
    }
    if (source.role !== 'kept') await driver.keep(source.ref, record.moveId, ctx.run('finishing'));
    if (record.phase !== 'AwaitingConfirmation') {
      // The move itself is over: its figures and the spent go are told while the source still waits.
      await writeEnding(ctx, reality, { lastMove: lastMoveOf(record, record.backAt ?? record.startedAt) });
      await ctx.save({ phase: 'AwaitingConfirmation' });
    }
    ctx.notice(
      `${ctx.vm}: ${standing(reality.target, record.to)}; its source on ${placeText(record.from)} is ${keptText(driver.capabilities)}. Next: ${command('confirm', ctx.vm)}`,
    );
    return 'pause';
  },
});

export const settle = (phase: Step['phase']): Step => ({
  name: 'settle',
  words: 'writes down the end of the move',
  phase,
  run: async (ctx, reality) => {
    const { record } = ctx;
    const { claim } = reality.vm;
    const told = claim?.lastMove?.moveId === record.moveId ? claim.lastMove : null;
    await endMove(ctx, reality, { lastMove: told ?? lastMoveOf(record, record.backAt ?? record.startedAt) });
    return 'done';
  },
});
