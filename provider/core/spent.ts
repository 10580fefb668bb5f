/** When a declared go is used up, and when it counts again (rules.md §6.5). */
import type { Desired } from './desired.js';
import type { MigrationRecord } from './record.js';

/**
 * What is spent when this move ends, is cancelled or retargeted: the value that was declared while it was under way, whether or not
 * it was what cut it over. `hold` is no go and is never spent: a later `hold` must hold.
 */
export function spentAfter({ declaredGo, spentGo }: Pick<MigrationRecord, 'declaredGo' | 'spentGo'>): string | null {
  return declaredGo === undefined || declaredGo === null || declaredGo === 'hold' ? spentGo : declaredGo;
}

/** A spent value is ignored until the declaration changes; declared again after that it counts. */
export const stillSpent = (spent: string | null, desired: Pick<Desired, 'shutdown'>): string | null =>
  desired.shutdown === spent ? spent : null;
