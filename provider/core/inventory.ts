/**
 * The inventory: one consistent reading of a datacenter (design.md §4). Pure data.
 * What was not read is `Unknown` with the reason, in the type: never a default, never "absent".
 */
import type { Claim, Method, MigrationRecord } from './record.js';

/** A value that could not be read; `unknown` says why, for a person. */
export interface Unknown {
  readonly unknown: string;
}
export type Maybe<T> = T | Unknown;

export const unknown = (reason: string): Unknown => ({ unknown: reason });

export function isUnknown(value: unknown): value is Unknown {
  return typeof value === 'object' && value !== null && typeof (value as Unknown).unknown === 'string';
}

export function isKnown<T>(value: Maybe<T>): value is T {
  return !isUnknown(value);
}

/** Where a copy of a VM is or shall be. */
export interface Place {
  readonly cluster: string;
  readonly host: string;
}

/** Just the host where its cluster is not known. */
export const placeText = (place: Place): string => (place.cluster === '' ? place.host : `${place.cluster}/${place.host}`);
export const samePlace = (a: Place, b: Place): boolean => a.cluster === b.cluster && a.host === b.host;

/** Names one copy of a VM: after a move two copies share name and UUID. */
export interface CopyRef extends Place {
  /** The platform's own id of this copy (libvirt: domain UUID on that host; embedded: copy id). */
  readonly platformId: string;
  /** The move that made or kept this copy, where it carries such a label. */
  readonly moveId?: string;
}

/** ISO 8601 with offset, in the platform's time. */
export type Timestamp = string;

export interface Inventory {
  readonly clusters: readonly Cluster[];
  readonly hosts: readonly Host[];
  readonly links: readonly Link[];
  readonly vms: readonly Vm[];
  /** What probes told of CPUs; a survey asks none. */
  readonly cpuVerdicts?: readonly CpuVerdict[];
  /** The platform's time of this reading: what is decided from it is decided as of then. */
  readonly observedAt: Timestamp;
}

export interface Cluster {
  readonly name: string;
  readonly acceptsMigrations: Maybe<boolean>;
  /** Dotted platform version, e.g. "6.2.0". */
  readonly version: Maybe<string>;
  readonly connected: Maybe<boolean>;
  /** A balancer that may move VMs by itself. */
  readonly balancer: Maybe<boolean>;
}

export const hostStates = ['connected', 'maintenance', 'entering-maintenance', 'disconnected', 'unreachable'] as const;
export type HostState = (typeof hostStates)[number];

export interface Host {
  readonly name: string;
  readonly cluster: string;
  readonly state: HostState;
  /** Unknown when the host did not answer: then VMs may be on it that this inventory does not list. */
  readonly facts: Maybe<HostFacts>;
  /** When it was read, by its own clock, in which it tells the times of its copies; where it did not answer, the platform's time. */
  readonly observedAt: Timestamp;
}

export interface HostFacts {
  readonly cpu: Maybe<{ readonly arch: string; readonly models: readonly string[]; readonly features: readonly string[] }>;
  readonly machineTypes: Maybe<readonly string[]>;
  readonly firmware: Maybe<readonly Firmware[]>;
  readonly memory: Maybe<{ readonly totalBytes: number; readonly freeBytes: number }>;
  readonly pools: Maybe<readonly Pool[]>;
  readonly networks: Maybe<readonly string[]>;
  /** Absent: nothing, or the platform sees to it itself. */
  readonly lacks?: readonly Lack[];
}

/** Something that is not installed on a host, or not allowed there. */
export interface Lack {
  readonly what: string;
  /** That need it on both hosts of a move. */
  readonly methods: readonly Method[];
  /** What to do, without a dot. */
  readonly fix: string;
}

export interface Pool {
  readonly name: string;
  readonly freeBytes: Maybe<number>;
  /** Identity proved by reading: two pools with the same identity are the same storage. `null`: local to the host. */
  readonly storageId: Maybe<string | null>;
  /** Names of what lies in it, where a disk is a file of the name that its path ends with. Absent: not told, or not read. */
  readonly files?: readonly string[];
}

export type Firmware = 'bios' | 'uefi';

/** Direct reachability between two clusters (or two hosts, which then wins over their clusters). */
export interface Link {
  readonly between: readonly [string, string];
  readonly scope: 'clusters' | 'hosts';
  readonly direct: 'yes' | 'no' | 'unknown';
  readonly source: 'measured' | 'declared';
  /** Throughput of a copy over this link; where not direct, of the relayed copy. Bytes per second. */
  readonly bytesPerSecond: Maybe<number>;
  readonly at: Timestamp;
  /** From the first to the second only: what was measured one way says nothing of the way back. */
  readonly oneWay?: true;
  /** Why it is not `yes`, and what to do about it, where that was measured. */
  readonly cause?: Cause;
}

export interface Cause {
  /** Words that go on a sentence. */
  readonly because: string;
  /** A sentence. */
  readonly fix: string;
}

/** What the hypervisor of one host says of one CPU: whether a VM that runs with it can go on there. */
export interface CpuVerdict extends Cause {
  /** `definition` of the CPU of a VM. */
  readonly cpu: string;
  readonly host: Place;
  readonly fits: 'yes' | 'no' | 'unknown';
  readonly at: Timestamp;
}

export const powers = ['running', 'off', 'paused', 'suspended', 'saved', 'crashed', 'unknown'] as const;
export type Power = (typeof powers)[number];

/** `live`: the VM itself. `incoming`: being built on the target, until the record says `targetStarting` or it is started. `kept`: the source after a move, blocked, waiting for confirmation. */
export type CopyRole = 'live' | 'incoming' | 'kept';

export interface Copy {
  readonly ref: CopyRef;
  readonly role: CopyRole;
  readonly power: Power;
  /** When it entered this power state, and why (see `LastChange`). */
  readonly lastChange: Maybe<LastChange>;
  readonly autostart: Maybe<boolean>;
  /** True when this provider has blocked its start. */
  readonly blocked: boolean;
  /** Bytes that this copy holds on storage. */
  readonly storedBytes: Maybe<number>;
}

export const changeCauses = [
  'guest-shutdown', // clean, from inside the guest or by ACPI/agent
  'started',
  'crashed',
  'destroyed',
  'host-failed',
  'saved',
  'migrated',
  'unknown',
] as const;
export type ChangeCause = (typeof changeCauses)[number];

/** Times by the clock of the copy's host (core/host-clock.ts). A start whose CPUs never run is no change. */
export interface LastChange {
  readonly at: Timestamp;
  readonly cause: ChangeCause;
  /** For a guest shutdown: when it began (it counts as a go only if that was after the pause began). */
  readonly began?: Timestamp;
}

export interface Vm {
  readonly name: string;
  readonly uuid: string;
  readonly copies: readonly Copy[];
  readonly cpu: Maybe<{
    readonly arch: string;
    readonly model: string | null;
    readonly features: readonly string[];
    /** The platform's own words for all of it, which a probe takes; the same words are the same CPU. Absent: nothing to be probed. */
    readonly definition?: string;
  }>;
  readonly machineType: Maybe<string>;
  readonly firmware: Maybe<Firmware>;
  readonly memoryBytes: Maybe<number>;
  readonly disks: Maybe<readonly Disk[]>;
  readonly nics: Maybe<readonly Nic[]>;
  readonly devices: Maybe<readonly Device[]>;
  /** Kinds of consoles that are open or can be (vnc, spice). */
  readonly consoles: Maybe<readonly string[]>;
  readonly os: Maybe<{ readonly installed: boolean; readonly seenBy: 'agent' | 'tools' | 'platform' | null }>;
  readonly snapshots: Maybe<readonly string[]>;
  readonly stateFiles: Maybe<readonly StateFile[]>;
  /** Operations of others that hold the VM. */
  readonly locks: readonly { readonly by: string }[];
  readonly affinity: Maybe<readonly Affinity[]>;
  readonly ha: Maybe<boolean>;
  /** Reasons why the platform itself would refuse (rules.md §5 `vm-state`). */
  readonly conditions: readonly ('transient' | 'deleting' | 'recycle-bin' | 'internal')[];
  /** Values of `vmplacement/shutdown` on the VM at the platform; more than one reads as `hold`. */
  readonly annotation: readonly { readonly value: string; readonly giver: string; readonly at: Timestamp }[];
  readonly record: MigrationRecord | null;
  /** The record or claim could not be read or understood: never act. */
  readonly recordProblem?: string;
  readonly claim: Claim | null;
  readonly lease: { readonly holder: string; readonly expiresAt: Timestamp } | null;
  /** How fast the guest changes its memory and disks. */
  readonly dirtyRate: Maybe<DirtyRate>;
}

export interface DirtyRate {
  readonly memoryBytesPerSecond: number;
  readonly diskBytesPerSecond: number;
  /** Most that can be dirty at once; 0 = not known. */
  readonly memoryWorkingSetBytes: number;
  readonly diskWorkingSetBytes: number;
}

export interface Disk {
  readonly name: string;
  readonly pool: string;
  readonly path: string;
  readonly format: string;
  readonly virtualBytes: number;
  readonly allocatedBytes: number;
  /** Names of other VMs that use it; unknown where the platform does not tell. */
  readonly sharedWith: Maybe<readonly string[]>;
  /** Changes can be tracked over a guest shutdown (dirty bitmaps). */
  readonly tracked: Maybe<boolean>;
  /** As in Pool. */
  readonly storageId: Maybe<string | null>;
}

export interface Nic {
  readonly name: string;
  readonly network: string;
  readonly mac: string;
}

export interface Device {
  readonly name: string;
  readonly kind: 'pci' | 'sriov' | 'usb' | 'gpu' | 'cdrom';
  /** False e.g. for a CD-ROM without medium or with an ISO that every host sees. */
  readonly hostLocal: boolean;
}

export interface StateFile {
  readonly kind: 'nvram' | 'tpm' | 'secret';
  readonly path: string;
  readonly bytes: number;
}

/** `hosts`: run on one of these hosts. `with` / `apart`: on the same host as / on another host than these VMs. */
export interface Affinity {
  readonly strength: 'must' | 'prefer';
  readonly kind: 'hosts' | 'with' | 'apart';
  readonly members: readonly string[];
}

/** The VM itself: not a kept source, not a half-built target. */
export const liveCopies = (vm: Vm): readonly Copy[] => vm.copies.filter((copy) => copy.role === 'live');
export const keptCopies = (vm: Vm): readonly Copy[] => vm.copies.filter((copy) => copy.role === 'kept');
export const incomingCopies = (vm: Vm): readonly Copy[] => vm.copies.filter((copy) => copy.role === 'incoming');

/** Hosts that did not answer, so that a VM not listed may still be there. */
export const unreadHosts = (inventory: Pick<Inventory, 'hosts'>): readonly Host[] =>
  inventory.hosts.filter((host) => isUnknown(host.facts));

/** A reason that ends with the next step, as an error of a driver does, in its two parts. */
export function reasonOf({ unknown: reason }: Unknown): { readonly why: string; readonly next: string | null } {
  const [why = '', ...next] = reason.split(' Next: ');
  return { why: why.replace(/\.$/, ''), next: next.length === 0 ? null : next.join(' Next: ') };
}
