/** What a cancel makes of the VM's power (rules.md §6 "Cancel"). */
import type { Capabilities } from './driver.js';
import { effectiveGo } from './go.js';
import type { Copy, Vm } from './inventory.js';
import type { MigrationRecord } from './record.js';

export interface Cancelled {
  readonly vm: Vm;
  readonly record: MigrationRecord;
  /** Where the VM is now. */
  readonly live: Copy;
  readonly capabilities: Pick<Capabilities, 'holdsCutover'>;
}

/** It ran before, and this move or a go stopped it: then a cancel starts it again. */
export function isStartedByCancel({ vm, record, live, capabilities }: Cancelled): boolean {
  if (record.powerBefore !== 'running' || live.power === 'running') return false;
  return record.stoppedByMove || isShutDownAsGo({ vm, record, live, capabilities });
}

/**
 * The operator shut the guest down as the go, whether or not an `up` has taken it yet: a hold puts its cutover off, but does not make
 * it another shutdown. A VM that crashed or was powered off is somebody else's matter.
 */
export function isShutDownAsGo({ vm, record, live, capabilities }: Cancelled): boolean {
  if (live.power !== 'off') return false;
  const desired = { shutdown: null, goFrom: 'both', allowShutdown: false } as const;
  const without = { ...vm, annotation: [] };
  const { go } = effectiveGo({ desired, vm: without, record, nowMs: 0, sourceAheadMs: 0, estimateMs: null, capabilities });
  return go?.place === 'guest';
}
