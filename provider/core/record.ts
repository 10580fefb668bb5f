/** What is kept with the VM at the platform (design.md §6): the record of a move under way, the claim of an idle one. */
import type { LastChange, Place, Power, Timestamp } from './inventory.js';

export const methods = ['hot', 'cold', 'staged'] as const;
export type Method = (typeof methods)[number];

export const phases = [
  'Settled',
  'Migrating',
  'Replicating',
  'AwaitingShutdown',
  'CuttingOver',
  'AwaitingConfirmation',
  'Parked',
  'Failed',
] as const;
export type Phase = (typeof phases)[number];

/** A permission to shut the VM down for the last increment (rules.md §6.5). */
export interface Go {
  /** The annotation's value, or `shutdown` when the operator shut the guest down. */
  readonly value: string;
  readonly place: 'declared' | 'vm' | 'guest' | 'allowShutdown';
  readonly giver: string;
  readonly at: Timestamp;
}

/** What of the declaration the move needs to be continued from any machine without the Pulumi state. */
export interface MoveOptions {
  readonly networks: Readonly<Record<string, string>>;
  readonly storage: Readonly<Record<string, string>>;
  readonly bandwidthBytesPerSecond: number | null;
  readonly startAfter: 'asBefore' | 'always' | 'never';
  readonly keepSource: 'confirm' | 'no';
  readonly verify: 'off' | 'increment' | 'full';
  readonly detach: readonly string[];
  readonly postCopy: boolean;
  readonly suspend: boolean;
  readonly downtimeBudgetMs: number;
  readonly shutdownGraceMs: number;
  readonly lateShutdownMs: number;
  readonly noProgressTimeoutMs: number;
  readonly maxDurationMs: number;
  readonly goFrom: 'declared' | 'vm' | 'both';
}

/** The migration record. Versioned: a reader that finds a newer `v` must not act. */
export interface MigrationRecord {
  readonly v: 1;
  readonly moveId: string;
  readonly stack: string;
  readonly urn: string;
  readonly vm: { readonly name: string; readonly uuid: string };
  readonly from: Place;
  readonly to: Place;
  readonly method: Method;
  readonly powerBefore: Power;
  readonly autostartBefore: boolean;
  readonly options: MoveOptions;
  /** Steps of the method's table that are complete, in order; the undo list derives from it. */
  readonly done: readonly string[];
  /** The step that runs or comes next. */
  readonly step: string;
  readonly phase: Phase;
  /** Increments that the target has acknowledged with a flush; `images` = identity of the target image per disk name. */
  readonly increment: {
    readonly n: number;
    readonly images: Readonly<Record<string, string>>;
    readonly at: Timestamp;
    readonly bytes: number;
    /** Projected downtime if cut over now, ms. */
    readonly projectedDowntimeMs: number;
  } | null;
  readonly go: Go | null;
  /** The shutdown was sent (or seen) and the VM is to be started again by a cancel. */
  readonly stoppedByMove: boolean;
  /** When the pause began, by the clock of the source's host: only a guest shutdown that began after it is a go. */
  readonly awaitingSince: Timestamp | null;
  readonly startedAt: Timestamp;
  /** When the source went off, in the platform's time: for the downtime. Set = it read off. */
  readonly offAt: Timestamp | null;
  /** The source's last change as it read off: with another one it ran since. null: not told. Absent in records of before. */
  readonly offChange?: LastChange | null;
  /** When the target read running (or, where it was off before, when it was complete), in the platform's time. */
  readonly backAt: Timestamp | null;
  readonly bytes: number;
  /** The disks of the source as they were before the last copy of them began. Absent: not known. */
  readonly copiedDisks?: readonly { readonly name: string; readonly path: string; readonly virtualBytes: number }[];
  /** Point of no return (rules.md §6.9): written on both sides before the target is started. */
  readonly targetStarting: boolean;
  /** The target's last change as it was read then: one that is off and still shows it has provably never run. null: not told. */
  readonly startingChange?: LastChange | null;
  /** Set when a person is needed; the message says what to do. */
  readonly failed: string | null;
  /** A request of another front door to the holder of the lease. */
  readonly request: 'cancel' | 'confirm' | null;
  /** Declared spent value carried over from the claim. */
  readonly spentGo: string | null;
  /** The declared annotation as this move last saw it: what is spent when the move ends, is cancelled or retargeted. */
  readonly declaredGo?: string | null;
  /** Key of the declaration that started or last continued the move (`declarationKey`); a cancel writes it into the claim. */
  readonly declaration?: string;
  /** Steps that could not be taken back although it was tried: whatever step the move is at now, a cancel tries them again. */
  readonly notUndone?: readonly string[];
  readonly warnings: readonly string[];
  readonly epoch: number;
}

export interface LastMove {
  readonly moveId: string;
  readonly method: Method;
  readonly from: Place;
  readonly to: Place;
  readonly start: Timestamp;
  readonly end: Timestamp;
  /** Time the VM did not run because of the move, ms; 0 for one that was off before. */
  readonly downtimeMs: number;
  /** `startAfter: never` left a VM off that ran before: `downtimeMs` is the time until it was complete. */
  readonly leftOff?: true;
  readonly bytes: number;
  /** Who gave the go, e.g. "vm: alice at 2026-..."; empty where none was needed. */
  readonly go: string;
}

/** Kept with an idle VM: whose it is, and what must outlive a move. */
export interface Claim {
  readonly v: 1;
  readonly stack: string;
  readonly urn: string;
  /** The declared annotation value that an earlier move used up (`go-spent`). */
  readonly spentGo: string | null;
  readonly lastMove: LastMove | null;
  /** A target whose move was cancelled by `vmplacement cancel`; not started again until the declaration changes or `resume`. */
  readonly cancelled: { readonly to: Place; readonly declaration: string } | null;
}
