/** Step 1 of every method: the claim and the record stand at the VM before the first effect (rules.md §6.2). */
import type { MoveContext, Reality, Step } from './step.js';

/** The lease is held by the run itself; the interpreter has just written the record. */
export const claim = (phase: Step['phase']): Step => ({
  name: 'claim',
  words: 'claims the VM',
  phase,
  run: async (ctx, reality) => {
    return (await ensureClaim(ctx, reality)) === 'written' ? 'next' : 'nothing';
  },
});

/** Whose it is and what is spent, as the record says. */
export async function ensureClaim(ctx: MoveContext, { vm }: Reality): Promise<'written' | 'as it was'> {
  const { stack, urn, spentGo } = ctx.record;
  if (vm.claim?.stack === stack && vm.claim.urn === urn && vm.claim.cancelled === null && vm.claim.spentGo === spentGo) return 'as it was';
  await ctx.checkLease();
  const lastMove = vm.claim?.lastMove ?? null;
  await ctx.driver.claim(vm.uuid, { v: 1, stack, urn, spentGo, lastMove, cancelled: null }, ctx.holder);
  return 'written';
}
