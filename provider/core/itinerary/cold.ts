/** Cold: the VM is off for the whole copy (rules.md §6 "Cold"). */
import { PlacementError } from '../errors.js';
import { placeText } from '../inventory.js';
import { blockSource, dropCopies, unblockSource } from './block.js';
import { claim } from './claim.js';
import { copiedDisksOf } from './copied-disks.js';
import { isHeldNow } from './go-now.js';
import { parkIfInterrupted, unstoppable } from './parking.js';
import { sentInAll } from './passes.js';
import { readBack } from './read-back.js';
import { isOff, needRead, powerText, ranBeforeBlock, ranSince } from './reality.js';
import { retire, settle } from './retire.js';
import { shutDown, startSourceAgain } from './shutdown.js';
import { pointOfNoReturn, startTarget } from './start.js';
import type { MoveContext, Reality, Step } from './step.js';

const phase = 'Migrating';

const shutdown: Step = {
  name: 'shutdown',
  words: 'shuts the VM down',
  phase,
  run: async (ctx) => {
    // Immediately before the shutdown is sent: a hold still counts.
    const reality = await ctx.read();
    if (ctx.record.powerBefore !== 'running' || (ctx.record.stoppedByMove && isOff(reality.source))) return 'next';
    parkIfInterrupted(ctx);
    if (isOff(reality.source)) {
      // It went off by itself between the plan and now; it ran before, so it is started on the target.
      await ctx.save({ stoppedByMove: true });
      return 'next';
    }
    if (!ctx.given.mayStop)
      throw new PlacementError('not-possible', `${ctx.vm}: runs, and the plan of this run does not say that it may be stopped.`, {
        vm: ctx.vm,
        next: 'pulumi preview, then pulumi up',
      });
    if (isHeldNow(ctx, reality))
      throw new PlacementError(
        'not-possible',
        `${ctx.vm}: "hold" is set, so it is not shut down; it stays on ${placeText(ctx.record.from)}.`,
        {
          vm: ctx.vm,
          next: 'remove the hold, then pulumi up',
        },
      );
    await ctx.save({
      stoppedByMove: true,
      go: { value: 'shutdown', place: 'allowShutdown', giver: ctx.stack, at: new Date(reality.at).toISOString() },
    });
    const { off } = await unstoppable(ctx, 'the shutdown was sent: the move is finished first', () =>
      shutDown(ctx, reality, 'graceful-only'),
    );
    if (off !== null) return 'next';
    const now = await ctx.read();
    if (now.source?.power === 'crashed')
      throw new PlacementError(
        'platform',
        `${ctx.vm}: crashed on ${placeText(ctx.record.from)} while it was shut down; nothing was copied, and it is started there again.`,
        { vm: ctx.vm, next: 'look why it crashed, then pulumi up' },
      );
    throw new PlacementError(
      'timeout',
      `${ctx.vm}: did not shut down in time; it is not powered off and stays on ${placeText(ctx.record.from)}.`,
      {
        vm: ctx.vm,
        next: 'shut the guest down by hand or raise shutdownGrace, then pulumi up',
      },
    );
  },
  undo: startSourceAgain,
};

const block: Step = {
  name: 'block-source',
  words: 'blocks the start of the source',
  phase,
  run: async (ctx, before) => {
    if (ranBeforeBlock(before, ctx.record)) return sourceRan(ctx, before);
    const reality = await blockSource(ctx, before);
    return isOff(reality.source) ? 'next' : sourceRan(ctx, reality);
  },
  undo: unblockSource,
};

const copy: Step = {
  name: 'copy',
  words: 'copies the disks',
  phase,
  run: async (ctx, reality) => {
    if (reality.source === null || ranSince(reality.source, ctx.record)) return sourceRan(ctx, reality);
    if (!ctx.record.stoppedByMove) parkIfInterrupted(ctx);
    const send = (): ReturnType<typeof ctx.driver.copyOff> =>
      ctx.driver.copyOff(ctx.move(reality), ctx.run(ctx.record.stoppedByMove ? 'finishing' : 'parkable'));
    const outcome = await (ctx.record.stoppedByMove
      ? unstoppable(ctx, 'the VM is off because of this move: it is finished first', send)
      : send());
    for (const warning of outcome.warnings) ctx.warn(`${ctx.vm}: ${warning}`);
    await ctx.save({ bytes: sentInAll(ctx, outcome), ...copiedDisksOf(reality.vm) });
    return 'next';
  },
  undo: dropCopies,
};

/** Somebody started the source: what was copied is void. The VM stays on the source. */
async function sourceRan(ctx: MoveContext, reality: Reality): Promise<never> {
  needRead(reality, ctx.record.from, 'whether the VM was started there is not known');
  throw new PlacementError(
    'platform',
    `${ctx.vm}: was started on ${placeText(ctx.record.from)} by somebody else during its cold move (it reads ${powerText(reality, reality.source, ctx.record.from)}); the copy is void.`,
    { vm: ctx.vm, next: 'find out who started it, then pulumi up' },
  );
}

export const coldSteps: readonly Step[] = [
  claim(phase),
  shutdown,
  block,
  copy,
  pointOfNoReturn(phase, copy.name, sourceRan),
  startTarget(phase, sourceRan),
  readBack(phase, sourceRan),
  retire(phase, sourceRan),
  settle(phase),
];
