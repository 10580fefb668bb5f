/** What a placement looks like from outside: the outputs of the resource, `status`, `getPlacement`. Pure, from one reading. */
import type { Finding } from './finding.js';
import type { Place, Power, Timestamp } from './inventory.js';
import type { LastMove, Phase } from './record.js';

export interface PlacementState {
  readonly vm: string;
  readonly vmId: string;
  /** Actual place, read back. */
  readonly place: Place;
  readonly power: Power;
  readonly phase: Phase;
  /** What to know or do in this phase, with the next command; empty when settled. */
  readonly message: string;
  /** Target of the move under way; null when none is (also null once the VM runs on the target). */
  readonly pending: Place | null;
  readonly replication: {
    readonly increments: number;
    readonly bytes: number;
    readonly lastIncrementBytes: number;
    readonly lastIncrementAt: Timestamp;
    readonly projectedDowntimeMs: number;
  } | null;
  readonly lastMove: LastMove | null;
  readonly keptSource: { readonly place: Place; readonly since: Timestamp; readonly bytes: number } | null;
  readonly spentGo: string | null;
  readonly findings: readonly Finding[];
}
