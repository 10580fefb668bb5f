/** Staged, while the VM runs: the full copy and the increments (rules.md §6.3). */
import { iso } from '../clock.js';
import type { Outcome, Replication } from '../driver.js';
import { copiedDisks } from '../estimate.js';
import { isKnown } from '../inventory.js';
import { hostOf } from '../locate.js';
import { ASSUMED_DIRTY } from '../physics.js';
import { projectedDowntime, stoppedShrinking } from '../progress.js';
import { parkIfInterrupted } from './parking.js';
import { isRunning } from './reality.js';
import type { MoveContext, Reality } from './step.js';

/** Sends one pass and records it: the target has acknowledged its flush when the driver returns. */
export async function sendPass(ctx: MoveContext, reality: Reality): Promise<Replication> {
  parkIfInterrupted(ctx);
  const pass = await ctx.driver.replicate(ctx.move(reality), ctx.run('parkable'));
  const at = await ctx.clock.now();
  const projectedDowntimeMs = projectedDowntime({
    pass,
    verify: ctx.driver.capabilities.verify ? ctx.record.options.verify : 'off',
    copiedBytes: copiedBytes(ctx, reality),
    dirty: isKnown(reality.vm.dirtyRate) ? reality.vm.dirtyRate : ASSUMED_DIRTY,
  });
  ctx.countPass();
  const before = ctx.record.increment;
  // A task paces its increments itself: a look that found none leaves time and size of the last one.
  const last =
    before !== null && before.n === pass.n && pass.bytes === 0
      ? { at: before.at, bytes: before.bytes }
      : { at: iso(at), bytes: pass.bytes };
  await ctx.save({
    increment: { n: pass.n, images: pass.images, ...last, projectedDowntimeMs },
    bytes: ctx.record.bytes + pass.bytes,
  });
  if (pass.distrust !== '') ctx.warn(`${ctx.vm}: copied in full again: ${pass.distrust}.`);
  ctx.emit({
    kind: 'progress',
    vm: ctx.vm,
    step: ctx.record.step,
    bytes: pass.bytes,
    total: pass.bytes,
    rate: pass.bytesPerSecond,
    pass: pass.n,
    projectedDowntimeMs,
  });
  // A task that is only watched may answer at once: look again a little later.
  if (ctx.driver.capabilities.increments === 'platform' && !pass.waiting && pass.durationMs === 0)
    await ctx.clock.sleep(watchMs, 'work', ctx.run('parkable').signal);
  return pass;
}

/** Passes until one would fit the downtime budget, or they stop shrinking, or the VM no longer runs. */
export async function sendPasses(ctx: MoveContext): Promise<void> {
  for (;;) {
    const reality = await ctx.read();
    if (reality.vm.record?.request === 'cancel') return;
    if (!isRunning(reality.source)) return;
    const pass = await sendPass(ctx, reality);
    if (ctx.driver.capabilities.increments === 'platform') {
      if (pass.waiting) return;
      continue;
    }
    if (fitsBudget(ctx) || stoppedShrinking(pass)) return;
  }
}

/** The platform's own task tells what it sent in all, also when it is asked again; a copy that we drive what is not counted yet. */
export const sentInAll = ({ driver, record }: MoveContext, { bytes }: Outcome): number =>
  driver.capabilities.increments === 'platform' ? Math.max(record.bytes, bytes) : record.bytes + bytes;

export const fitsBudget = (ctx: MoveContext): boolean =>
  ctx.record.increment !== null && ctx.record.increment.projectedDowntimeMs <= ctx.record.options.downtimeBudgetMs;

function copiedBytes(ctx: MoveContext, { inventory, vm }: Reality): number {
  const host = hostOf(inventory, ctx.record.to);
  if (!isKnown(vm.disks)) return 0;
  return copiedDisks(vm.disks, host?.facts ?? { unknown: 'no such host' }).reduce((sum, disk) => sum + disk.allocatedBytes, 0);
}

const watchMs = 5000;
