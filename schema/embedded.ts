/**
 * The embedded datacenter after validation: every default applied, every unit parsed (bytes, milliseconds, bytes per
 * second). The driver works with this and never sees the declaration.
 */
import type { Affinity, Device, Firmware, HostState, Power, StateFile } from '../provider/core/inventory.js';

export interface ResolvedEmbedded {
  /** Folder of the store; null when not declared (its place then depends on where the declaration stands). */
  readonly store: string | null;
  readonly style: 'driven' | 'task';
  readonly clock: 'wall' | 'manual';
  /** Model seconds per wall second. */
  readonly speed: number;
  readonly relayBytesPerSecond: number;
  readonly clusters: readonly ResolvedCluster[];
  readonly links: readonly ResolvedLink[];
  readonly vms: readonly ResolvedVm[];
}

export interface ResolvedCluster {
  readonly name: string;
  readonly acceptsMigrations: boolean;
  readonly connected: boolean;
  readonly version: string;
  readonly balancer: boolean;
  /** Throughput between its hosts. */
  readonly bytesPerSecond: number;
  readonly hosts: readonly ResolvedHost[];
}

export interface ResolvedHost {
  readonly name: string;
  readonly cluster: string;
  readonly state: HostState;
  readonly cpu: { readonly arch: string; readonly models: readonly string[]; readonly features: readonly string[] };
  readonly machineTypes: readonly string[];
  readonly firmware: readonly Firmware[];
  readonly memoryBytes: number;
  readonly pools: readonly ResolvedPool[];
  readonly networks: readonly string[];
}

export interface ResolvedPool {
  readonly name: string;
  readonly capacityBytes: number;
  /** Pools with the same identity are the same storage; null: local to the host. */
  readonly storageId: string | null;
}

export interface ResolvedLink {
  readonly between: readonly [string, string];
  readonly scope: 'clusters' | 'hosts';
  readonly direct: 'yes' | 'no' | 'unknown';
  readonly bytesPerSecond: number;
}

export interface ResolvedVm {
  readonly id: string;
  readonly name: string;
  readonly uuid: string;
  readonly host: string;
  /** A second host where a running copy of it is as well. */
  readonly alsoOn: string | null;
  readonly power: Power;
  readonly autostart: boolean;
  readonly cpu: { readonly arch: string; readonly model: string | null; readonly features: readonly string[] };
  readonly memoryBytes: number;
  readonly machineType: string;
  readonly firmware: Firmware;
  readonly stateFiles: readonly StateFile['kind'][];
  readonly disks: readonly ResolvedDisk[];
  /** Network of each NIC. */
  readonly nics: readonly string[];
  readonly devices: readonly Device[];
  readonly consoles: readonly ('vnc' | 'spice')[];
  readonly os: 'agent' | 'tools' | 'platform' | 'none' | 'unknown';
  readonly snapshots: readonly string[];
  /** `forMs` from the first use of the store; null: for ever. */
  readonly locks: readonly { readonly by: string; readonly forMs: number | null }[];
  readonly affinity: readonly Affinity[];
  readonly ha: boolean;
  readonly conditions: readonly ('transient' | 'deleting' | 'recycle-bin' | 'internal')[];
  /** Stack that claims it at first. */
  readonly claim: string | null;
  readonly dirtyBytesPerSecond: number;
  readonly workingSetBytes: number;
  readonly memoryDirtyBytesPerSecond: number;
  readonly memoryWorkingSetBytes: number;
  readonly shutdown: { readonly takesMs: number; readonly ignores: boolean };
  readonly bootMs: number;
}

export interface ResolvedDisk {
  readonly name: string;
  readonly pool: string;
  readonly path: string;
  readonly virtualBytes: number;
  readonly allocatedBytes: number;
  readonly format: 'qcow2' | 'raw';
  /** Changes can be tracked over a shutdown. */
  readonly tracked: boolean;
  readonly sharedWith: readonly string[];
}
