/** The first Ctrl-C: stop at the next safe point (rules.md §6 "Interrupt"). */
import { PlacementError } from '../errors.js';
import type { MoveContext } from './step.js';

/** Called where stopping is safe: the VM runs, or was off before, and nothing is half done that the next run would repeat. */
export function parkIfInterrupted(ctx: MoveContext): void {
  if (ctx.interrupt.aborted) throw interrupted(ctx);
}

export const interrupted = (ctx: MoveContext): PlacementError =>
  new PlacementError('interrupted', `${ctx.vm}: interrupted at a safe point (${ctx.record.step}).`, {
    vm: ctx.vm,
    next: 'pulumi up goes on',
  });

/** Runs what must not be stopped, and says so when an interrupt arrives meanwhile. */
export async function unstoppable<T>(ctx: MoveContext, why: string, work: () => Promise<T>): Promise<T> {
  const tell = (): void => ctx.warn(`${ctx.vm}: interrupted, but ${why}. Interrupted again it stops where it is, and pulumi up goes on.`);
  if (ctx.interrupt.aborted) tell();
  else ctx.interrupt.addEventListener('abort', tell, { once: true });
  try {
    return await work();
  } finally {
    ctx.interrupt.removeEventListener('abort', tell);
  }
}
