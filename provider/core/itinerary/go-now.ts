/** The go as it stands at one reading, from the record's options and what this run knows of the declaration. */
import { aheadMs } from '../host-clock.js';
import { effectiveGo, isHeld, type EffectiveGo } from '../go.js';
import type { Go } from '../record.js';
import { isRunning } from './reality.js';
import type { MoveContext, Reality } from './step.js';

export function goNow(ctx: MoveContext, reality: Reality): EffectiveGo {
  return effectiveGo({
    desired: declared(ctx),
    vm: reality.vm,
    record: ctx.record,
    nowMs: reality.at,
    sourceAheadMs: aheadMs(reality.inventory, ctx.record.from),
    estimateMs: ctx.record.increment?.projectedDowntimeMs ?? null,
    capabilities: ctx.driver.capabilities,
  });
}

export const isHeldNow = (ctx: MoveContext, reality: Reality): boolean =>
  isHeld({ desired: declared(ctx), vm: reality.vm, record: ctx.record });

/** rules.md §8.8: a declared go stops a running VM only in a run whose plan said so; a go given at the VM is its own permission. */
export const mayObey = (ctx: MoveContext, go: Go, reality: Reality): boolean =>
  ctx.given.mayStop || go.place !== 'declared' || !isRunning(reality.source);

const declared = (ctx: MoveContext): { shutdown: string | null; goFrom: 'declared' | 'vm' | 'both'; allowShutdown: boolean } => ({
  shutdown: ctx.given.shutdown ?? null,
  goFrom: ctx.record.options.goFrom,
  allowShutdown: false,
});
