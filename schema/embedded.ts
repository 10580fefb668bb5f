/**
 * The embedded datacenter after validation: every default applied, every unit parsed (bytes, milliseconds, bytes per
 * second). The driver works with this and never sees the declaration.
 */
import { createHash } from 'node:crypto';
import type { Affinity, Device, Firmware, HostState, Power, StateFile } from '../provider/core/inventory.js';
import { parseDuration, parseRate, parseSize } from '../provider/core/units.js';
import type { EmbeddedCluster, EmbeddedDatacenter, EmbeddedDisk, EmbeddedHost, EmbeddedLink, EmbeddedVm } from './generated/types.js';
import { fill } from './validate/fill.js';

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

/** The declaration must have passed the structure check; names are held against each other by `checkEmbedded`. Units that cannot be read throw `input`. */
export function resolveEmbedded(declared: EmbeddedDatacenter): ResolvedEmbedded {
  const datacenter = fill('EmbeddedDatacenter', declared);
  const clusters = Object.entries(datacenter.clusters).map(([name, cluster]) => resolveCluster(name, cluster));
  const clusterNames = new Set(clusters.map((cluster) => cluster.name));
  return {
    store: datacenter.store ?? null,
    style: datacenter.style,
    clock: datacenter.clock,
    speed: datacenter.speed,
    relayBytesPerSecond: parseRate(datacenter.relayBandwidth),
    clusters,
    links: (datacenter.links ?? []).map((link) => resolveLink(link, clusterNames)),
    vms: Object.entries(datacenter.vms ?? {}).map(([id, vm]) => resolveVm(id, vm)),
  };
}

function resolveCluster(name: string, declared: EmbeddedCluster): ResolvedCluster {
  const { acceptsMigrations, connected, version, balancer, bandwidth, hosts } = fill('EmbeddedCluster', declared);
  return {
    name,
    acceptsMigrations,
    connected,
    version,
    balancer,
    bytesPerSecond: parseRate(bandwidth),
    hosts: Object.entries(hosts).map(([host, about]) => resolveHost(host, name, about)),
  };
}

function resolveHost(name: string, cluster: string, declared: EmbeddedHost): ResolvedHost {
  const host = fill('EmbeddedHost', declared);
  return {
    name,
    cluster,
    state: host.state,
    cpu: fill('EmbeddedHostCpu', host.cpu ?? {}),
    machineTypes: host.machineTypes,
    firmware: host.firmware,
    memoryBytes: parseSize(host.memory),
    pools: Object.entries(host.pools ?? { default: {} }).map(([pool, about]) => {
      const { capacity, storage } = fill('EmbeddedPool', about);
      return { name: pool, capacityBytes: parseSize(capacity), storageId: storage ?? null };
    }),
    networks: host.networks,
  };
}

function resolveLink(declared: EmbeddedLink, clusters: ReadonlySet<string>): ResolvedLink {
  const { between, direct, bandwidth } = fill('EmbeddedLink', declared);
  const [first = '', second = ''] = between;
  const scope = clusters.has(first) && clusters.has(second) ? 'clusters' : 'hosts';
  return { between: [first, second], scope, direct, bytesPerSecond: parseRate(bandwidth) };
}

/** Field by field: the rest of an object, and one spread into another, take ten times as long, for each of thousands. */
function resolveVm(id: string, declared: EmbeddedVm): ResolvedVm {
  const vm = fill('EmbeddedVm', declared);
  const memoryBytes = parseSize(vm.memory);
  const disks = (vm.disks ?? [{ name: 'vda' }]).map((disk) => resolveDisk(id, disk));
  const allocated = disks.reduce((sum, disk) => sum + disk.allocatedBytes, 0);
  const { takes, ignores } = fill('EmbeddedShutdown', vm.shutdown ?? {});
  const { arch, model = null, features } = fill('EmbeddedVmCpu', vm.cpu ?? {});
  return {
    id,
    name: vm.name ?? id,
    uuid: vm.uuid ?? derivedUuid(id),
    host: vm.host,
    alsoOn: vm.alsoOn ?? null,
    power: vm.power,
    autostart: vm.autostart,
    cpu: { arch, model, features },
    memoryBytes,
    machineType: vm.machineType,
    firmware: vm.firmware,
    stateFiles: vm.stateFiles,
    disks,
    nics: vm.nics,
    devices: vm.devices.map((device) => fill('EmbeddedDevice', device)),
    consoles: vm.consoles,
    os: vm.os,
    snapshots: vm.snapshots,
    locks: vm.locks.map((lock) => ({ by: lock.by, forMs: lock.for === undefined ? null : parseDuration(lock.for) })),
    affinity: vm.affinity,
    ha: vm.ha,
    conditions: vm.conditions,
    claim: vm.claim ?? null,
    dirtyBytesPerSecond: parseRate(vm.dirtyRate),
    workingSetBytes:
      vm.workingSet === undefined ? Math.min(allocated, Math.max(leastWorkingSet, Math.floor(allocated / 10))) : parseSize(vm.workingSet),
    memoryDirtyBytesPerSecond: parseRate(vm.memoryDirtyRate),
    memoryWorkingSetBytes: vm.memoryWorkingSet === undefined ? Math.floor(memoryBytes / 8) : parseSize(vm.memoryWorkingSet),
    shutdown: { takesMs: parseDuration(takes), ignores },
  };
}

const leastWorkingSet = 64 * 1024 ** 2;

function resolveDisk(vm: string, declared: EmbeddedDisk): ResolvedDisk {
  const { name, pool, path, size, allocated, format, tracked, sharedWith } = fill('EmbeddedDisk', declared);
  const virtualBytes = parseSize(size);
  return {
    name,
    pool,
    path: path ?? `/${pool}/${vm}/${name}.${format}`,
    virtualBytes,
    allocatedBytes: allocated === undefined ? Math.floor(virtualBytes / 2) : parseSize(allocated),
    format,
    tracked: tracked ?? format === 'qcow2',
    sharedWith,
  };
}

/** The same id gives the same UUID in every process (form of version 5: a name, hashed). */
function derivedUuid(id: string): string {
  const bytes = createHash('sha1').update(`vmplacement/embedded/${id}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
