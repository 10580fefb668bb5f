/** What an itinerary is made of: a table of steps per method, each a plain async function of its context. */
import type { Clock } from '../clock.js';
import type { Driver, Move, Run } from '../driver.js';
import type { EventSink } from '../events.js';
import type { Copy, Host, Inventory, Vm } from '../inventory.js';
import type { MigrationRecord, Phase } from '../record.js';

/**
 * `next`: complete, on to the next step. `nothing`: the same, and nothing had to be done, so that what was read still holds. `pause`: nothing more to do in this run, the record stays. `done`: the move is over.
 * `back`: the step itself has put the record back to an earlier step (staged: to the pause); the interpreter reads it again.
 */
export type StepResult = 'next' | 'nothing' | 'pause' | 'done' | 'back';

export interface Step {
  readonly name: string;
  /** What it does, for people. */
  readonly words: string;
  /** The phase that the record shows while this step runs. */
  readonly phase: Phase;
  /** True when reality shows that nothing remains to be done: then the step is skipped and counts as complete. */
  readonly done?: (reality: Reality, record: MigrationRecord) => boolean;
  /** @param reality as the interpreter has just read it; nothing was done since but to write the record. */
  readonly run: (ctx: MoveContext, reality: Reality) => Promise<StepResult>;
  /** Takes back what the step did; called for steps that are complete or were begun, the last one first. */
  readonly undo?: Undo;
}

export type Undo = (ctx: MoveContext) => Promise<void>;

/** A fresh reading of the one VM, seen from its move. */
export interface Reality {
  readonly inventory: Inventory;
  readonly vm: Vm;
  /** The copy at the place the move started from; null when there is none (any more, or its host was not read). */
  readonly source: Copy | null;
  readonly target: Copy | null;
  /** Hosts that did not answer: a copy may be there. */
  readonly unread: readonly Host[];
  /** Platform time of the reading, ms. */
  readonly at: number;
}

/** What this run was told; everything else comes from the record. */
export interface Given {
  /** The declared annotation; `undefined` where this run does not know the declaration (CLI). */
  readonly shutdown: string | null | undefined;
  /** The plan of this run said that it may stop the running VM (rules.md §8.8). */
  readonly mayStop: boolean;
}

/**
 * `parkable`: the VM runs, or was off before: an interrupt stops the verb. `finishing`: the VM is off because of the move:
 * only the loss of the lease stops it.
 */
export type Urgency = 'parkable' | 'finishing';

export interface MoveContext {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly given: Given;
  readonly stack: string;
  /** Who we are, as the lease names us. */
  readonly holder: string;
  /** The first Ctrl-C. */
  readonly interrupt: AbortSignal;
  /** The record as last written. */
  readonly record: MigrationRecord;
  /** Whether the record stands at the platform: false until the first write. */
  readonly stored: boolean;
  /** Whether it ever stood there in this run or before: effects may have been made. */
  readonly touched: boolean;
  /** Writes the record (compare-and-set); takes over a request that another front door has put into it. */
  save(patch: Partial<MigrationRecord>): Promise<void>;
  /** Throws `conflict` unless the stored record is still the one we know; takes over a request. */
  verify(): Promise<Reality>;
  /** Removes the record. */
  drop(): Promise<void>;
  read(): Promise<Reality>;
  /** The move as a verb sees it. */
  move(reality: Reality): Move;
  run(urgency: Urgency): Run;
  checkLease(): Promise<void>;
  /** Passes that this run has sent: a run that finds the move paused sends one more before it looks for the go. */
  readonly passes: number;
  countPass(): void;
  readonly emit: EventSink;
  notice(message: string): void;
  warn(message: string): void;
  /** Name of the VM, for messages. */
  readonly vm: string;
}
