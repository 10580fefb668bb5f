/** One consistent reading of the embedded datacenter. */
import { iso } from '../../core/clock.js';
import type { SurveyScope } from '../../core/driver.js';
import { unknown, type Cluster, type Copy, type Host, type Inventory, type Link, type Pool, type Vm } from '../../core/inventory.js';
import type { Claim } from '../../core/record.js';
import type { ResolvedHost, ResolvedPool, ResolvedVm } from '../../../schema/embedded.js';
import { spanBlocks, BLOCK, NOTHING } from './contents.js';
import type { Datacenter } from './datacenter.js';
import { usedMemory } from './definition.js';
import { hostState, refOf, type View } from './model.js';
import { readLease } from './records.js';
import { isFull, skewOf } from './troubles.js';
import { claimOf, isUp, vmState } from './vm-state.js';
import type { CopyDisk, CopyWorld, DiskWorld, VmWorld } from './world.js';

export function surveyWorld(view: View, wallNow: number, scope: SurveyScope): Inventory {
  const unread = new Set(
    view.dc.config.clusters
      .flatMap((cluster) => cluster.hosts)
      .flatMap(({ name }) => (hostState(view, name) === 'unreachable' ? [name] : [])),
  );
  const observedAt = iso(view.now);
  const used = usedIn(view);
  return {
    clusters: view.dc.config.clusters.map(({ name, acceptsMigrations, version, connected, balancer }): Cluster => {
      return { name, acceptsMigrations, version, connected, balancer };
    }),
    hosts: view.dc.config.clusters.flatMap((cluster) => cluster.hosts).map((host) => readHost(view, host, used)),
    links: links(view, observedAt),
    vms: vmsOf(view, scope).flatMap((vm) => readAgain(view, vm, unread, wallNow)),
    observedAt,
  };
}

function vmsOf({ dc }: View, { vms }: SurveyScope): readonly ResolvedVm[] {
  if (vms === undefined) return dc.config.vms;
  return [...new Set(vms.flatMap((vm) => dc.named(vm)))];
}

function readHost(view: View, host: ResolvedHost, { memory, storage }: Used): Host {
  const state = hostState(view, host.name);
  const base = { name: host.name, cluster: host.cluster, state };
  if (state === 'unreachable')
    return { ...base, observedAt: iso(view.now), facts: unknown(`host ${host.cluster}/${host.name} does not answer`) };
  const pools = host.pools.map((pool): Pool => {
    return {
      name: pool.name,
      freeBytes: isFull(view.dc, view.world, host.name, pool.name)
        ? 0
        : Math.max(0, pool.capacityBytes - (storage.get(storageOf(pool)) ?? 0)),
      storageId: pool.storageId,
    };
  });
  const freeBytes = Math.max(0, host.memoryBytes - (memory.get(host.name) ?? 0));
  return {
    ...base,
    observedAt: iso(view.now + skewOf(view.world, host.name)),
    facts: {
      cpu: host.cpu,
      machineTypes: host.machineTypes,
      firmware: host.firmware,
      memory: { totalBytes: host.memoryBytes, freeBytes },
      pools,
      networks: host.networks,
    },
  };
}

/** Of VMs that nothing happened to, by their state, which is one object as long as that is so: read again before every decision. */
const readBefore = new WeakMap<VmWorld, Vm>();

/** The reading of before, where all that it was made from is the same. */
function readAgain(view: View, vm: ResolvedVm, unread: ReadonlySet<string>, wallNow: number): Vm[] {
  const { world, dc } = view;
  const state = vmState(dc, world, vm.id);
  const changes = world.vms[vm.id] !== undefined || world.leases[vm.id] !== undefined || state.locks.length > 0;
  if (changes || state.copies.some((copy) => unread.has(copy.host))) return readVm(view, vm, unread, wallNow);
  const before = readBefore.get(state);
  if (before !== undefined && sameClaim(before.claim, claimOf(dc, world, vm.id))) return [before];
  const read = readVm(view, vm, unread, wallNow);
  for (const one of read) readBefore.set(state, one);
  return read;
}

/** Part by part; parts that are objects only where they are the very same. */
function sameClaim(a: Claim | null, b: Claim | null): boolean {
  if (a === null || b === null) return a === b;
  const names = Object.keys(a) as (keyof Claim)[];
  return a === b || (names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]));
}

function readVm(view: View, vm: ResolvedVm, unread: ReadonlySet<string>, wallNow: number): Vm[] {
  const state = vmState(view.dc, view.world, vm.id);
  const seen = state.copies.filter((copy) => !unread.has(copy.host));
  if (seen.length === 0) return [];
  // Details are those of the VM itself; of a half-built target only where nothing else is seen.
  const main = seen.find(isUp) ?? seen.find((copy) => copy.role === 'live') ?? seen[0];
  if (main === undefined) return [];
  return [
    {
      name: vm.name,
      uuid: vm.uuid,
      copies: seen.map((copy) => readCopy(view, state, copy)),
      cpu: vm.cpu,
      machineType: vm.machineType,
      firmware: vm.firmware,
      memoryBytes: vm.memoryBytes,
      disks: state.disks.map((truth) => {
        const disk = main.disks.find((one) => one.name === truth.name);
        const pool = disk?.pool ?? '';
        const { name, format, virtualBytes, allocatedBytes, tracked, sharedWith } = truth;
        const storageId = view.dc.pool(main.host, pool)?.storageId ?? null;
        return { name, format, virtualBytes, allocatedBytes, tracked, sharedWith, pool, path: disk?.path ?? '', storageId };
      }),
      nics: main.nics.map((network, index) => ({ name: `net${index}`, network, mac: macOf(vm.uuid, index) })),
      devices: vm.devices.filter((device) => main.devices.includes(device.name)),
      consoles: vm.consoles,
      os: osOf(vm),
      snapshots: main.snapshots,
      stateFiles: main.stateFiles.map((kind) => ({ kind, path: `/var/lib/embedded/${kind}/${vm.id}`, bytes: stateFileBytes[kind] })),
      locks: state.locks.filter((lock) => lock.until === null || lock.until > view.now).map(({ by }) => ({ by })),
      affinity: vm.affinity,
      ha: vm.ha,
      conditions: vm.conditions,
      annotation: state.annotation,
      ...readRecord(state, unread),
      claim: claimOf(view.dc, view.world, vm.id),
      lease: readLease(view, wallNow, vm.id),
      dirtyRate: {
        // A working set of nothing: nothing is written, whatever the rate.
        memoryBytesPerSecond: vm.memoryWorkingSetBytes === 0 ? 0 : vm.memoryDirtyBytesPerSecond,
        diskBytesPerSecond: vm.workingSetBytes === 0 ? 0 : vm.dirtyBytesPerSecond,
        memoryWorkingSetBytes: vm.memoryWorkingSetBytes,
        diskWorkingSetBytes: vm.workingSetBytes,
      },
    },
  ];
}

/** The record lies with the source, from the point of no return on with the target too. */
function readRecord(state: VmWorld, unread: ReadonlySet<string>): Pick<Vm, 'record' | 'recordProblem'> {
  const record = state.record;
  if (record === null || record.targetStarting || !unread.has(record.from.host)) return { record };
  return { record: null, recordProblem: `its record lies on ${record.from.cluster}/${record.from.host}, which does not answer` };
}

function readCopy(view: View, state: VmWorld, copy: CopyWorld): Copy {
  const { role, power, cause, began, autostart, skew = 0 } = copy;
  // As the host's own clock told it then.
  const at = iso(copy.since + skew);
  return {
    ref: refOf(view.dc, copy),
    role,
    power,
    lastChange:
      power === 'unknown' ? unknown('the platform does not tell') : { at, cause, ...(began === null ? {} : { began: iso(began + skew) }) },
    autostart,
    blocked: copy.blocked !== null,
    storedBytes: storedBytes(state, copy),
  };
}

function storedBytes(state: VmWorld, copy: CopyWorld): number {
  return state.disks.reduce((sum, truth) => {
    const disk = copy.disks.find((one) => one.name === truth.name);
    if (disk === undefined) return sum;
    return sum + writtenBytes(copy, disk, truth);
  }, 0);
}

/** A copy that is being built holds what was sent so far. */
function writtenBytes(copy: CopyWorld, disk: CopyDisk, truth: DiskWorld): number {
  if (copy.role !== 'incoming' || disk.shared) return truth.allocatedBytes;
  return BLOCK * spanBlocks(disk.segments.filter((segment) => segment.at !== NOTHING));
}

interface Used {
  /** Bytes by host. */
  readonly memory: ReadonlyMap<string, number>;
  /** Bytes by storage: its identity, or the pool itself where it is local. */
  readonly storage: ReadonlyMap<string | ResolvedPool, number>;
}

/** As declared: a sum over thousands of VMs, the same for as long as nothing has happened to any of them. */
const usedAtFirst = new WeakMap<Datacenter, Used>();

function usedIn(view: View): Used {
  const { dc, world } = view;
  const isFirst = Object.keys(world.vms).length === 0;
  const known = isFirst ? usedAtFirst.get(dc) : undefined;
  if (known !== undefined) return known;
  const used = { memory: usedMemory(view), storage: usedStorage(view) };
  if (isFirst) usedAtFirst.set(dc, used);
  return used;
}

const storageOf = (pool: ResolvedPool): string | ResolvedPool => pool.storageId ?? pool;

function usedStorage(view: View): Used['storage'] {
  const used = new Map<string | ResolvedPool, number>();
  const counted = new Set<string>();
  for (const vm of view.dc.config.vms) {
    const state = vmState(view.dc, view.world, vm.id);
    for (const copy of state.copies) {
      for (const disk of copy.disks) {
        const pool = view.dc.pool(copy.host, disk.pool);
        const truth = state.disks.find((one) => one.name === disk.name);
        if (pool === undefined || truth === undefined) continue;
        if (pool.storageId !== null) {
          // Copies of one VM on shared storage are one image; so are disks that several VMs share by path.
          const image = `${pool.storageId} ${disk.path}`;
          if (counted.has(image)) continue;
          counted.add(image);
        }
        const storage = storageOf(pool);
        used.set(storage, (used.get(storage) ?? 0) + writtenBytes(copy, disk, truth));
      }
    }
  }
  return used;
}

/** Declared links, and for every other pair what a copy between them gets. */
function links(view: View, at: string): Link[] {
  const { config } = view.dc;
  const declared = config.links.map(({ between, scope, direct, bytesPerSecond }): Link => {
    return {
      between,
      scope,
      direct,
      source: 'declared',
      bytesPerSecond: direct === 'yes' ? bytesPerSecond : config.relayBytesPerSecond,
      at,
    };
  });
  const inside = config.clusters.map(({ name, bytesPerSecond }): Link => {
    return { between: [name, name], scope: 'clusters', direct: 'yes', source: 'declared', bytesPerSecond, at };
  });
  const known = (a: string, b: string): boolean =>
    declared.some(({ scope, between }) => scope === 'clusters' && between.includes(a) && between.includes(b));
  const others = config.clusters.flatMap((a, index) =>
    config.clusters.slice(index + 1).flatMap((b): Link[] => {
      if (known(a.name, b.name)) return [];
      return [
        {
          between: [a.name, b.name],
          scope: 'clusters',
          direct: 'unknown',
          source: 'declared',
          bytesPerSecond: config.relayBytesPerSecond,
          at,
        },
      ];
    }),
  );
  return [...declared, ...inside, ...others];
}

function osOf(vm: ResolvedVm): Vm['os'] {
  switch (vm.os) {
    case 'agent':
    case 'tools':
    case 'platform':
      return { installed: true, seenBy: vm.os };
    case 'none':
      return { installed: false, seenBy: 'platform' };
    case 'unknown':
      return unknown('the platform does not see inside the guest');
  }
}

function macOf(uuid: string, index: number): string {
  const digits = `${uuid.replaceAll('-', '')}000000`.slice(0, 6);
  return `52:54:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}:${index.toString(16).padStart(2, '0')}`;
}

const stateFileBytes = { nvram: 540_672, tpm: 16_384, secret: 64 } as const;
