/** What the store holds: plain, versioned JSON. Only VMs that something happened to are in it; the rest derives from the file. */
import type { ChangeCause, CopyRole, HostState, Power } from '../../core/inventory.js';
import type { Ticket } from '../../core/pool/ticket.js';
import type { Claim, MigrationRecord } from '../../core/record.js';
import type { Segment, Span } from './contents.js';

export interface World {
  v: 2;
  clock: { kind: 'wall'; base: number; wallBase: number; speed: number } | { kind: 'manual'; now: number };
  /** Model time at which the store was made: from then on guests run. */
  begun: number;
  /** Model time up to which the world has evolved. */
  at: number;
  vms: Record<string, VmWorld>;
  /** Host states set by hand. */
  hosts: Record<string, HostState>;
  /** Apart from the VMs: thousands that are only adopted stay as the file declares them. Absent: as declared. */
  claims: Record<string, Claim | null>;
  /** In wall time: a lease guards against processes, which do not live in model time. */
  leases: Record<string, { holder: string; expiresAt: number }>;
  /** Turns to move, in the order of their queue; absent while there are none. Their time is that of the leases. */
  pool?: readonly Ticket[];
  /** Work of the platform itself, by move. */
  jobs: Record<string, Job>;
  /** Work that a process of ours drives, by move. */
  transfers: Record<string, Transfer>;
  journal: Violation[];
  /** Absent: nothing was made to go wrong. */
  troubles?: Troubles;
}

/** What was made to go wrong by hand and lasts until it is taken back. */
export interface Troubles {
  /** Most bytes per second between two clusters or two hosts (`linkKey`); 0 = cut. */
  links: Record<string, number>;
  /** Storage without room (`Datacenter.storageKey`). */
  full: string[];
  starts: StartTrouble[];
  /** How guests obey a shutdown, by VM. */
  guests: Record<string, { takesMs: number; ignores: boolean }>;
  /** How far clocks of hosts are ahead of the platform's time, ms. */
  clocks: Record<string, number>;
}

/** `left`: so many starts more; null: all. */
export interface StartTrouble {
  vm: string;
  host: string;
  how: 'crashes' | 'refused';
  left: number | null;
}

export interface VmWorld {
  /** Milliseconds that the guest has run, up to `runSince`; with the write rate this gives the write count. */
  ranMs: number;
  runSince: number | null;
  disks: DiskWorld[];
  copies: CopyWorld[];
  nextCopy: number;
  locks: { by: string; until: number | null }[];
  annotation: { value: string; giver: string; at: string }[];
  record: MigrationRecord | null;
}

export interface DiskWorld {
  name: string;
  format: 'qcow2' | 'raw';
  virtualBytes: number;
  allocatedBytes: number;
  tracked: boolean;
  sharedWith: string[];
  /** Changes whenever somebody changes the chain of images: a snapshot, a replaced disk. */
  chain: number;
}

export interface CopyWorld {
  id: string;
  host: string;
  role: CopyRole;
  /** False while only images exist. */
  defined: boolean;
  power: Power;
  since: number;
  cause: ChangeCause;
  /** How far the clock of its host was ahead when it entered this power state, ms; absent: it was right. */
  skew?: number;
  /** When the shutdown began that ended in `off`. */
  began: number | null;
  /** A shutdown under way; `offAt` null: the guest ignores it. */
  shutdown: { began: number; offAt: number | null } | null;
  autostart: boolean;
  /** Move that blocked its start. */
  blocked: string | null;
  /** Move that keeps it as the source. */
  keptBy: string | null;
  /** Move that made it. */
  moveId: string | null;
  /** Move whose platform job took the VM away from here. */
  leftBy: string | null;
  boots: number;
  disks: CopyDisk[];
  nics: string[];
  devices: string[];
  stateFiles: ('nvram' | 'tpm' | 'secret')[];
  snapshots: string[];
  checkpoints: Checkpoint[];
}

export interface CopyDisk {
  name: string;
  pool: string;
  path: string;
  virtualBytes: number;
  /** Identity of the image; a new full copy gets a new one. */
  image: string;
  /** Lies on storage that the source sees as well: it is the source's own image. */
  shared: boolean;
  /** What it holds while the copy does not run; a running copy holds everything. */
  segments: Segment[];
  corrupt: Span[];
}

/** Dirty bitmaps of all tracked disks, taken together. */
export interface Checkpoint {
  moveId: string;
  n: number;
  /** Write count at which it was taken. */
  at: number;
  broken: boolean;
  chains: Record<string, number>;
}

export type JobStage = 'disks' | 'memory' | 'switch' | 'postcopy' | 'waiting' | 'increment' | 'final' | 'define' | 'done' | 'aborted';

export interface Job {
  moveId: string;
  vm: string;
  kind: 'hot' | 'cold' | 'staged';
  source: string;
  target: string;
  cap: number | null;
  postCopy: boolean;
  suspend: boolean;
  stage: JobStage;
  stageSince: number;
  stageBytes: number;
  left: number;
  /** End of a stage that takes a fixed time. */
  until: number | null;
  /** Disks that are copied (the others lie on shared storage). */
  disks: string[];
  /** Write count that the pass under way carries over, and the one that the target holds durably. */
  passAt: number;
  heldAt: number;
  n: number;
  round: number;
  sent: number;
  lastBytes: number;
  lastMs: number;
  startedAt: number;
  endedAt: number | null;
  downtimeMs: number;
  /** Why the platform aborted it; absent: it did not, or somebody asked for it. */
  why?: string;
}

export interface Transfer {
  moveId: string;
  vm: string;
  kind: 'cold' | 'staged';
  source: string;
  target: string;
  cap: number | null;
  /** Passes that the target holds durably. */
  n: number;
  /** Images made so far: part of their identity. */
  generation: number;
  /** What the disks were when the last pass was acknowledged. */
  disks: Record<string, SentDisk>;
  pass: Pass | null;
  last: Acknowledged | null;
  /** Why nothing that was sent may be trusted any more. */
  distrust: string;
  /** Set when the target is complete and defined; void when the source ran since. */
  complete: { boots: number; writes: number; ms: number } | null;
  /** Sent by all passes of this transfer, whoever drove them. */
  sent: number;
  /** What the move had sent before this transfer was made (an earlier one was given up). */
  sentBefore: number;
  startedAt: number;
  /** A process is moving data until then (model time). */
  activeUntil: number;
}

/** The pass that the target acknowledged last; `boots` and `writes` of the source then. */
export interface Acknowledged {
  n: number;
  bytes: number;
  ms: number;
  kind: 'full' | 'increment';
  distrust: string;
  work: Work[];
  boots: number;
  writes: number;
  /** Sent by `finish`: no increment of phase 1 that a record would name. */
  final: boolean;
}

/** A disk as it was when it was sent. */
export interface SentDisk {
  image: string;
  path: string;
  chain: number;
  virtualBytes: number;
}

export interface Work {
  disk: string;
  spans: Span[];
}

export interface Pass {
  /** What the disks were when it began. */
  disks: Record<string, SentDisk>;
  n: number;
  kind: 'full' | 'increment';
  distrust: string;
  /** Write count of the checkpoint taken when it began. */
  at: number;
  boots: number;
  /** What is still to be sent, and all of it. */
  work: Work[];
  all: Work[];
  total: number;
  /** Bytes of blocks that were started but not completed do not count. */
  sent: number;
  startedAt: number;
}

export interface Violation {
  at: string;
  kind: 'two-running' | 'lost-write' | 'wrong-size';
  vm: string;
  details: string;
}
