/** The decision for one placement (design.md §2): types only; `decide.ts` makes it. */
import type { Finding } from './finding.js';
import type { Place } from './inventory.js';
import type { Question } from './questions.js';
import type { Method, MigrationRecord } from './record.js';

/**
 * What an `up` would do.
 * - `none`: already where it may be, nothing under way.
 * - `move`: start a move. `continue`: go on with the recorded one.
 * - `cancel`: the declaration no longer wants the recorded move and the VM is where it may be: undo it.
 * - `retarget`: cancel the recorded move, then start another one.
 * - `settle`: the move is over but its end is not written yet, or a kept source is to be retired.
 * - `blocked`: blockers of §5 stop it.
 * - `error`: cannot be judged (an unreadable host could hold the VM, an unreadable record): state is kept.
 */
export const actions = ['none', 'move', 'continue', 'cancel', 'retarget', 'settle', 'blocked', 'error'] as const;
export type Action = (typeof actions)[number];

export interface Estimate {
  /** Bytes that will be copied before the VM is down (hot: all; staged: phase 1; cold: 0). */
  readonly copyBytes: number;
  readonly copyMs: number;
  readonly downtimeMs: number;
  /** Bytes sent while the VM is down. */
  readonly downBytes: number;
  /** Which inputs of the estimate were measured and which assumed, for a person. */
  readonly basis: readonly string[];
}

export interface Candidate {
  readonly place: Place;
  readonly method: Method | null;
  readonly findings: readonly Finding[];
  readonly freeMemoryAfterBytes: number | null;
  readonly estimate: Estimate | null;
}

export interface Plan {
  readonly vm: string;
  readonly action: Action;
  readonly method: Method | null;
  readonly from: Place | null;
  readonly to: Place | null;
  /** Every host that was considered, the chosen one first, then in the order of rules.md §4. */
  readonly candidates: readonly Candidate[];
  /** Findings of the chosen target and method (or all, when none was chosen). */
  readonly findings: readonly Finding[];
  /** Stable reason codes, e.g. ["vm-running", "hot-possible"], ["cpu-incompatible", "other-cluster"]. */
  readonly reasons: readonly string[];
  /** This `up` may stop a running VM. */
  readonly willStopVm: boolean;
  readonly estimate: Estimate | null;
  readonly steps: readonly string[];
  /** The checked input `plan`: stable words, no figures; empty when the action is `none`. */
  readonly summary: string;
  /** One sentence for people: what and why, with figures. */
  readonly sentence: string;
  readonly record: MigrationRecord | null;
  /** What a probe could still tell that this decision depends on, most wanted first. */
  readonly questions: readonly Question[];
}
