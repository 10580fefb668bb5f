/**
 * What the core asks of a platform (design.md §5). Small verbs, each idempotent: called again after a crash it finds what is
 * done and does the rest. The core's itinerary talks only in these verbs and reads `capabilities`.
 */
import type { Clock } from './clock.js';
import type { EventSink } from './events.js';
import type { Cause, CopyRef, Inventory, Place, Timestamp } from './inventory.js';
import type { Ticket } from './pool/ticket.js';
import type { Claim, Method, MigrationRecord } from './record.js';

export interface Capabilities {
  readonly platform: string;
  /** Methods that the driver carries out; another one is the blocker `option-unsupported`. */
  readonly methods: readonly Method[];
  /** `driven`: increments flow only while a process of ours runs. `platform`: the platform's own task sends them. */
  readonly increments: 'driven' | 'platform';
  /** False: the platform starts its cutover at any power-off of the source (rules.md §6.5). */
  readonly holdsCutover: boolean;
  /** False: `finish` starts the target too. */
  readonly separateStart: boolean;
  readonly blocksStart: boolean;
  readonly verify: boolean;
  /** What a cold move has copied is read back too. */
  readonly verifiesCold: boolean;
  readonly bandwidth: boolean;
  readonly postCopy: boolean;
  readonly suspend: boolean;
  /** Storage can be chosen per pool. */
  readonly storageMap: boolean;
  readonly networkMap: boolean;
  /** The source can be kept after a move. */
  readonly keepsSource: boolean;
  /** Shared use of disks by other VMs can be read. */
  readonly readsSharing: boolean;
  /** What a hot move sends from host to host cannot be read on the way. */
  readonly encryptsHot: boolean;
  /** `measured`: the driver has `probes`. */
  readonly reachability: 'measured' | 'declared';
  /** Devices are left out one by one, only all of them, or not at all. */
  readonly detach: 'each' | 'all' | 'none';
  readonly record: 'full' | 'marker';
  /** An effect and the look at the lease are one atomic act: a process that slept through its lease changes nothing. */
  readonly fencesEffects: boolean;
  /** Whether all processes that work on this datacenter share one pool of turns, or each has its own and its own limits. */
  readonly pool: 'shared' | 'process';
  /** State files that `copyOff` and `finish` carry along. */
  readonly stateFiles: readonly ('nvram' | 'tpm' | 'secret')[];
}

/** A verb's view of one move; everything in it is serialisable. */
export interface Move {
  readonly vm: { readonly name: string; readonly uuid: string };
  readonly source: CopyRef;
  readonly target: Place;
  readonly method: Method;
  readonly record: MigrationRecord;
}

/** What a verb may use while it runs. */
export interface Run {
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  readonly log: (message: string) => void;
  /** Who we are: run id and machine. */
  readonly holder: string;
  /**
   * Throws `lease-lost` unless the lease is valid now; drivers call it before every effect. A process may be stopped between the two:
   * where the platform can, the effect itself is refused unless `holder` holds the lease (`fencesEffects`).
   */
  readonly checkLease: () => Promise<void>;
}

export interface Outcome {
  /** The copy on the target. */
  readonly target: CopyRef;
  /**
   * Sent for this move. A job or task of the platform tells all of it; a copy that a process of ours drives what the record does not
   * count yet, with what an earlier run sent before it died, as far as the platform can tell.
   */
  readonly bytes: number;
  /** Time the work took in the platform's time, ms. */
  readonly durationMs: number;
  /** True where the verb itself started the target (hot; platforms without `separateStart`). */
  readonly started: boolean;
  /** Hot: the time that the guest stood still, ms, where the platform measured it. */
  readonly downtimeMs?: number;
  /** True where the platform removed the source itself. */
  readonly sourceGone: boolean;
  /** The method that the platform reports, where it may differ from what was asked. */
  readonly method: Method;
  readonly warnings: readonly string[];
}

/** One pass of a staged replication. */
export interface Replication {
  /** Number of the increment that the target now holds durably; 1 = the full copy. */
  readonly n: number;
  /** Identity of the target image per disk name. */
  readonly images: Readonly<Record<string, string>>;
  /** Sent for this move and not counted by the record yet, as in `Outcome`; of a platform's own task what its last increment sent. */
  readonly bytes: number;
  readonly durationMs: number;
  /** What the next increment would have to send if it began now, bytes. */
  readonly dirtyBytes: number;
  /** Bytes per second seen by this call, or what the link gives. */
  readonly bytesPerSecond: number;
  readonly kind: 'full' | 'increment';
  /** Why trust was dropped and a full copy was made again; empty otherwise. */
  readonly distrust: string;
  /** A platform's own task reports that it waits for the source's shutdown. */
  readonly waiting: boolean;
}

/** A thing that happened to the source which makes the prepared increment void (rules.md §6.3, 6.7). */
export interface Distrust {
  readonly reason: string;
}

export interface Lease {
  readonly holder: string;
  readonly expiresAt: Timestamp;
}

/** What must hold when a record is written. */
export interface Expected {
  /** Epoch of the record that stands there; null = none does. */
  readonly ifEpoch: number | null;
  readonly holder?: string;
}

/** The time in which leases and tickets run out: of processes, which a simulated clock does not hurry. */
export interface PoolTime {
  readonly nowMs: number;
  /** Milliseconds of `clock` that pass in one of these. */
  readonly pace: number;
}

/** Pure: it is called again when somebody else was faster. */
export type PoolChange<T> = (tickets: readonly Ticket[], time: PoolTime) => { readonly tickets: readonly Ticket[]; readonly result: T };

export interface SurveyScope {
  /** Only these VMs (by name or UUID) need their details; hosts and clusters are always read. Absent: everything. */
  readonly vms?: readonly string[];
}

export interface AnnotationChange {
  /** New value of `vmplacement/shutdown` on the VM; null removes it (and every copy of it). */
  readonly shutdown: string | null;
  readonly giver: string;
}

export interface Answer extends Cause {
  readonly answer: 'yes' | 'no' | 'unknown';
}

/**
 * What takes a call for each pair, which a survey of everything does not make. Asked only where a hot move depends on it, and again right
 * before it begins. They change nothing, end within a time limit of their own, and what could not be found out is `unknown`.
 */
export interface Probes {
  /** Whether one host reaches another as a hot move has to: with the account, the credential and the address that it would use. */
  reach(from: Place, to: Place): Promise<Answer>;
  /** @param definition of the CPU of a VM: whether it can go on with it on this host. */
  cpu(definition: string, host: Place): Promise<Answer>;
}

/** What moves will need of a host, as `vmplacement doctor` tells it. Nothing is decided by it. */
export interface HostCheck {
  /** Null: this machine. */
  readonly host: Place | null;
  /** What was looked at; those of one kind are told together. A host has one that is well, or any number that are not. */
  readonly kind: 'ssh' | 'tools' | 'rights' | 'pools' | 'kvm';
  readonly result: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do; empty for `ok`. */
  readonly fix: string;
}

export interface Driver {
  readonly capabilities: Capabilities;
  /** The platform's time. */
  readonly clock: Clock;

  survey(scope: SurveyScope, signal?: AbortSignal): Promise<Inventory>;
  readonly probes?: Probes;
  /** Looks at hosts for what only a move would meet, and changes nothing. Says nothing of hosts that `survey` cannot read. Absent: nothing to look at. */
  examine?(signal?: AbortSignal): Promise<readonly HostCheck[]>;

  /** Hot: autostart of the source is already off. Re-attaches to a running job of this move. Does not undefine or remove the source. */
  migrate(move: Move, run: Run): Promise<Outcome>;
  /** Cold: disks, state files and definition; VM off before and after; not started. Resumes where it stopped. */
  copyOff(move: Move, run: Run): Promise<Outcome>;
  /**
   * Staged phase 1: the full copy, or one more increment, acknowledged by a flush. Compares the VM with the record first
   * (rules.md §6.3). Drops checkpoints that the record no longer names. Platform-run: starts or re-attaches to the task.
   */
  replicate(move: Move, run: Run): Promise<Replication>;
  /**
   * Staged phase 2, source off and blocked: compare with the record, last increment, flush, verify, state files, define; not
   * started (unless `separateStart` is false). Returns `Distrust` and does nothing more when the increment cannot be trusted.
   */
  finish(move: Move, run: Run): Promise<Outcome | Distrust>;
  /** Stops what runs for this move, removes what it left on the target and on the source (checkpoints, bitmaps). */
  cancel(move: Move, run: Run): Promise<void>;

  /**
   * Sends the shutdown and returns at once; `power-off` only under `force`. That it is off is read by `survey`.
   */
  shutdown(copy: CopyRef, how: 'graceful' | 'power-off', run: Run): Promise<void>;
  start(copy: CopyRef, run: Run): Promise<void>;
  /** Blocks the start of this copy by anybody, marked with the move; the copy must be off or gone. */
  block(copy: CopyRef, moveId: string, run: Run): Promise<void>;
  unblock(copy: CopyRef, run: Run): Promise<void>;
  autostart(copy: CopyRef, value: boolean, run: Run): Promise<void>;
  /** Labels the source as kept by this move (it stays off and blocked). */
  keep(copy: CopyRef, moveId: string, run: Run): Promise<void>;
  /** Removes a kept source. Re-reads first: off, our label, same move, disks used by nothing else, running copy elsewhere. */
  retire(copy: CopyRef, moveId: string, run: Run): Promise<void>;

  annotate(vm: string, change: AnnotationChange): Promise<void>;
  /**
   * Compare-and-set on the epoch. `null` removes it. Mirrored on the target from `targetStarting` on. `holder` must hold the lease;
   * without one it is a request that is put in beside the holder.
   */
  record(vm: string, next: MigrationRecord | null, expected: Expected): Promise<'ok' | 'conflict'>;
  claim(vm: string, next: Claim | null, holder: string): Promise<void>;
  /** Takes or renews the lease; fails with `lease-lost` naming the holder when another one holds it. */
  lease(vm: string, holder: string, times: { readonly expireMs: number }): Promise<Lease>;
  release(vm: string, holder: string): Promise<void>;
  /**
   * Changes the tickets of this datacenter, in the order of their queue, by one atomic read-modify-write. They are a small JSON text,
   * kept where leases are kept (a file under a lock that ends with its process); whose turn it is, the core decides.
   */
  pool<T>(change: PoolChange<T>): Promise<T>;
  close(): Promise<void>;
}
