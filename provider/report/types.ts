/**
 * What every command prints with `--json`. Versioned: `schemaVersion` grows when a field changes its meaning or goes; new
 * fields may come at any time. Places are `cluster/host`, times RFC 3339, durations milliseconds, sizes bytes.
 */
import type { Finding } from '../core/finding.js';
import type { LastMove, Method, Phase } from '../core/record.js';
import type { CopyRole, HostState, Power } from '../core/inventory.js';
import type { Action, Estimate } from '../core/plan.js';

export const schemaVersion = 1;

interface ReportOf<Kind extends string> {
  readonly schemaVersion: typeof schemaVersion;
  readonly kind: Kind;
}

/** Which datacenter was read and how it was found. */
export interface DatacenterNote {
  /** For a person, e.g. "datacenter.yaml (--datacenter)". */
  readonly source: string;
  readonly platform: string;
}

export interface PlanReport extends ReportOf<'plan'> {
  /** One, unless the program has several providers. */
  readonly datacenters: readonly DatacenterNote[];
  /** Where the declarations came from, e.g. "Pulumi.yaml" or "stack dev". */
  readonly declaredIn: string;
  /** On whose behalf it was decided, as a claim names it. */
  readonly stack: string;
  readonly observedAt: string | null;
  readonly placements: readonly PlanEntry[];
  readonly summary: PlanCounts;
  /** Hosts that did not answer. */
  readonly unreadHosts: readonly string[];
  readonly notes: readonly string[];
}

/** `unchanged`: nothing to do. `change`: an `up` does something. `pending`: a move under way that waits. */
export type Outlook = 'unchanged' | 'change' | 'pending' | 'refused';

export interface PlanCounts {
  readonly unchanged: number;
  readonly change: number;
  readonly pending: number;
  readonly refused: number;
  readonly total: number;
}

export interface PlanEntry {
  /** Name of the resource in its program; the VM where there is none. */
  readonly name: string;
  readonly vm: string;
  /** `invalid`: the declaration is wrong. `unknown`: it depends on values only the engine computes. */
  readonly action: Action | 'invalid' | 'unknown';
  readonly outlook: Outlook;
  readonly method: Method | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly summary: string;
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly willStopVm: boolean;
  readonly phase: Phase | null;
  readonly estimate: Estimate | null;
  readonly steps: readonly string[];
  readonly findings: readonly Finding[];
  readonly candidates: readonly CandidateNote[];
  /** Faults of the declaration. */
  readonly problems: readonly { readonly path: string; readonly message: string }[];
  /** Inputs that were not taken into account because only the engine knows them. */
  readonly unknownInputs: readonly string[];
  /** "did you mean": what may have been meant by a name that does not exist. */
  readonly hints: readonly string[];
}

export interface CandidateNote {
  readonly place: string;
  readonly method: Method | null;
  readonly findings: readonly Finding[];
  readonly freeMemoryAfterBytes: number | null;
}

export interface StatusReport extends ReportOf<'status'> {
  readonly datacenter: DatacenterNote;
  readonly observedAt: string;
  readonly placements: readonly StatusEntry[];
  /** VMs without claim, record, annotation or kept source; left out of `placements` unless `--all`. */
  readonly unmanaged: readonly string[];
  /** Moves that have their turn or wait for it, in the order of the queue. */
  readonly turns: readonly TurnNote[];
  readonly unreadHosts: readonly string[];
}

export interface TurnNote {
  readonly vm: string;
  readonly state: 'waiting' | 'moving';
  readonly holder: string;
  /** What it waits for, for a person; null for one that moves. */
  readonly waitsFor: string | null;
}

export interface StatusEntry {
  readonly vm: string;
  readonly vmId: string;
  readonly place: string;
  readonly power: Power;
  readonly phase: Phase;
  readonly message: string;
  readonly pending: string | null;
  readonly method: Method | null;
  readonly step: string | null;
  readonly startedAt: string | null;
  readonly replication: {
    readonly increments: number;
    readonly bytes: number;
    readonly lastIncrementBytes: number;
    readonly lastIncrementAt: string;
    readonly projectedDowntimeMs: number;
  } | null;
  /** Every go known: declared or given, in the record or at the VM, and the spent one. */
  readonly goes: readonly GoNote[];
  readonly lastMove: LastMoveNote | null;
  readonly keptSource: { readonly place: string; readonly since: string; readonly bytes: number } | null;
  /** Stack whose claim or record this is. */
  readonly owner: string | null;
  readonly lease: { readonly holder: string; readonly expiresAt: string } | null;
  readonly findings: readonly Finding[];
}

export interface GoNote {
  readonly value: string;
  readonly place: 'declared' | 'vm' | 'guest' | 'allowShutdown';
  readonly giver: string;
  readonly at: string;
  /** `taken`: the move acts on it. `given`: stands on the VM. `spent`: an earlier move used it up. */
  readonly state: 'taken' | 'given' | 'spent';
}

export type LastMoveNote = Omit<LastMove, 'from' | 'to'> & { readonly from: string; readonly to: string };

/** What `annotate`, `confirm`, `cancel`, `resume` and `embedded ...` did. */
export interface ActionReport extends ReportOf<'action'> {
  readonly command: string;
  readonly vm: string | null;
  /** What was done and what happens next, for a person. */
  readonly message: string;
  /** The next command; null where nothing is left to do. */
  readonly next: string | null;
  readonly status: StatusEntry | null;
}

export interface DoctorReport extends ReportOf<'doctor'> {
  readonly checks: readonly DoctorCheck[];
}

export interface DoctorCheck {
  readonly name: string;
  /** Cluster and host, where the message is of one host. */
  readonly host?: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do; empty for `ok`. */
  readonly fix: string;
}

/** What the embedded datacenter knows about itself and no platform would tell. */
export interface EmbeddedReport extends ReportOf<'embedded'> {
  readonly store: string;
  readonly clock: { readonly kind: 'wall' | 'manual'; readonly now: string };
  readonly style: 'driven' | 'task';
  readonly hosts: readonly { readonly place: string; readonly state: HostState }[];
  /** What `embedded fault` made to go wrong and that lasts, in words. */
  readonly troubles: readonly string[];
  readonly vms: readonly EmbeddedVmNote[];
  readonly transfers: readonly { readonly vm: string; readonly kind: string; readonly stage: string; readonly percent: number }[];
  /** Times that a VM was started without writes that its guest was told are durable. */
  readonly lostWrites: number;
  /** What must never happen: lost writes, two running copies. */
  readonly violations: readonly { readonly at: string; readonly kind: string; readonly vm: string; readonly details: string }[];
}

export interface EmbeddedVmNote {
  readonly name: string;
  readonly uuid: string;
  /** Blocks that the guest has written and was told are durable. */
  readonly writes: number;
  readonly copies: readonly {
    readonly place: string;
    readonly role: CopyRole;
    readonly power: Power;
    readonly since: string;
    readonly blocked: boolean;
    /** Acknowledged writes that it lacks. */
    readonly lacks: readonly string[];
  }[];
  readonly annotation: readonly string[];
  readonly step: string | null;
}

export interface ErrorReport extends ReportOf<'error'> {
  readonly code: string;
  readonly message: string;
  readonly vm: string | null;
  readonly path: string | null;
  readonly next: string | null;
}

export type Report = PlanReport | StatusReport | ActionReport | DoctorReport | EmbeddedReport | ErrorReport;
