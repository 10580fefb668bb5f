/** What must fit together in an embedded datacenter: names, and what is on something fits on it. */
import { formatBytes } from '../../provider/core/units.js';
import type { ResolvedEmbedded, ResolvedHost, ResolvedVm } from '../embedded.js';
import { didYouMean, type Issue, type Segments } from './issue.js';

/** Places begin inside `embedded`. */
export function checkEmbedded(datacenter: ResolvedEmbedded): Issue[] {
  const hosts = datacenter.clusters.flatMap((cluster) => cluster.hosts);
  const byName = new Map(hosts.map((host) => [host.name, host]));
  const vmNames = new Set(datacenter.vms.flatMap((vm) => [vm.id, vm.name]));
  const world: World = { hosts, byName, vms: datacenter.vms, vmNames };
  const twice = [...hostNames(hosts), ...storageSizes(hosts)];
  const local = [...twice, ...links(datacenter, world), ...datacenter.vms.flatMap((vm) => vmProblems(vm, world)), ...uuids(datacenter.vms)];
  // Sums only make sense once every name in them is known.
  return local.length > 0 ? local : [...memory(world), ...capacity(world)];
}

interface World {
  readonly hosts: readonly ResolvedHost[];
  readonly byName: ReadonlyMap<string, ResolvedHost>;
  readonly vms: readonly ResolvedVm[];
  readonly vmNames: ReadonlySet<string>;
}

const hostAt = (host: ResolvedHost): Segments => ['clusters', host.cluster, 'hosts', host.name];

function hostNames(hosts: readonly ResolvedHost[]): Issue[] {
  return repeated(hosts, (host) => host.name).map(({ item, first }) => ({
    at: hostAt(item),
    reason: `a host of this name is in cluster ${first.cluster} too`,
  }));
}

/** The same storage has one size, wherever it is seen. */
function storageSizes(hosts: readonly ResolvedHost[]): Issue[] {
  const sizes = new Map<string, number>();
  return hosts.flatMap((host) =>
    host.pools.flatMap(({ name, storageId, capacityBytes }) => {
      if (storageId === null) return [];
      const size = sizes.get(storageId) ?? capacityBytes;
      sizes.set(storageId, size);
      if (size === capacityBytes) return [];
      return [
        {
          at: [...hostAt(host), 'pools', name, 'capacity'],
          reason: `storage ${storageId} has ${formatBytes(size)} elsewhere, not ${formatBytes(capacityBytes)}`,
        },
      ];
    }),
  );
}

function links(datacenter: ResolvedEmbedded, { byName }: World): Issue[] {
  const clusters = datacenter.clusters.map((cluster) => cluster.name);
  const known = [...clusters, ...byName.keys()];
  const seen = new Set<string>();
  return datacenter.links.flatMap(({ between, scope }, index) => {
    const at = ['links', index, 'between'] as const;
    const missing = between.flatMap((end, side) =>
      known.includes(end) ? [] : [unknownName([...at, side], 'cluster or host', end, known)],
    );
    if (missing.length > 0) return missing;
    if (scope === 'hosts' && !between.every((end) => byName.has(end)))
      return [{ at, reason: 'must be two clusters or two hosts, not one of each' }];
    if (between[0] === between[1]) return [{ at, reason: 'must be two different ends' }];
    const pair = JSON.stringify([scope, ...[...between].sort()]);
    if (seen.has(pair)) return [{ at, reason: 'a link between these two is declared above' }];
    seen.add(pair);
    return [];
  });
}

function vmProblems(vm: ResolvedVm, world: World): Issue[] {
  const at: Segments = ['vms', vm.id];
  const places = [
    { key: 'host', name: vm.host },
    { key: 'alsoOn', name: vm.alsoOn },
  ].flatMap(({ key, name }) => (name === null ? [] : [{ key, name, host: world.byName.get(name) }]));
  const issues = places.flatMap(({ key, name, host }) =>
    host === undefined ? [unknownName([...at, key], 'host', name, [...world.byName.keys()])] : [],
  );
  if (vm.alsoOn === vm.host) issues.push({ at: [...at, 'alsoOn'], reason: 'must be another host than `host`' });
  for (const { host } of places) if (host !== undefined) issues.push(...needs(vm, host, at));
  issues.push(...disks(vm, world, at));
  return [...issues, ...affinity(vm, world, at)];
}

/** Pools and networks that the host must have. */
function needs(vm: ResolvedVm, host: ResolvedHost, at: Segments): Issue[] {
  const pools = host.pools.map((pool) => pool.name);
  return [
    ...vm.disks.flatMap(({ pool }, index) =>
      pools.includes(pool) ? [] : [unknownName([...at, 'disks', index, 'pool'], `pool on host ${host.name}`, pool, pools)],
    ),
    ...vm.nics.flatMap((nic, index) =>
      host.networks.includes(nic) ? [] : [unknownName([...at, 'nics', index], `network on host ${host.name}`, nic, host.networks)],
    ),
  ];
}

function disks(vm: ResolvedVm, world: World, at: Segments): Issue[] {
  return vm.disks.flatMap((disk, index) => {
    const here = [...at, 'disks', index];
    const issues: Issue[] = [];
    if (vm.disks.findIndex((other) => other.name === disk.name) < index) {
      issues.push({ at: [...here, 'name'], reason: `another disk of this VM has the name ${disk.name}` });
    }
    if (disk.allocatedBytes > disk.virtualBytes) {
      issues.push({ at: [...here, 'allocated'], reason: `must not be more than the size, ${formatBytes(disk.virtualBytes)}` });
    }
    return [...issues, ...disk.sharedWith.flatMap((name, other) => otherVm(name, world, [...here, 'sharedWith', other]))];
  });
}

function affinity(vm: ResolvedVm, world: World, at: Segments): Issue[] {
  return vm.affinity.flatMap(({ kind, members }, index) =>
    members.flatMap((member, position) => {
      const here = [...at, 'affinity', index, 'members', position];
      if (kind !== 'hosts') return otherVm(member, world, here);
      return world.byName.has(member) ? [] : [unknownName(here, 'host', member, [...world.byName.keys()])];
    }),
  );
}

function otherVm(name: string, { vmNames }: World, at: Segments): Issue[] {
  return vmNames.has(name) ? [] : [unknownName(at, 'VM', name, [...vmNames])];
}

function uuids(vms: readonly ResolvedVm[]): Issue[] {
  return repeated(vms, (vm) => vm.uuid.toLowerCase()).map(({ item, first }) => ({
    at: ['vms', item.id, 'uuid'],
    reason: `VM ${first.id} has this UUID too`,
  }));
}

/** Items whose key an earlier one has. */
function repeated<T>(items: readonly T[], keyOf: (item: T) => string): { item: T; first: T }[] {
  const seen = new Map<string, T>();
  return items.flatMap((item) => {
    const first = seen.get(keyOf(item));
    if (first !== undefined) return [{ item, first }];
    seen.set(keyOf(item), item);
    return [];
  });
}

/** A VM that is off or saved to disk needs no memory. */
function memory({ hosts, vms }: World): Issue[] {
  const usedOn = new Map<string, number>();
  for (const vm of vms.filter(({ power }) => ['running', 'paused', 'suspended'].includes(power))) {
    for (const host of new Set([vm.host, vm.alsoOn ?? vm.host])) usedOn.set(host, (usedOn.get(host) ?? 0) + vm.memoryBytes);
  }
  return hosts.flatMap((host) => {
    const used = usedOn.get(host.name) ?? 0;
    if (used <= host.memoryBytes) return [];
    const reason = `${formatBytes(host.memoryBytes)} cannot hold its running VMs, which need ${formatBytes(used)}`;
    return [{ at: [...hostAt(host), 'memory'], reason }];
  });
}

/** Shared storage is one, whatever pool names it; a path that several VMs use counts once. */
function capacity({ hosts, byName, vms }: World): Issue[] {
  const used = new Map<string, Map<string, number>>();
  const storageOf = (host: ResolvedHost, pool: string): string =>
    JSON.stringify(host.pools.find(({ name }) => name === pool)?.storageId ?? [host.name, pool]);
  for (const vm of vms) {
    for (const host of [byName.get(vm.host), byName.get(vm.alsoOn ?? '')]) {
      if (host === undefined) continue;
      for (const disk of vm.disks) {
        const storage = storageOf(host, disk.pool);
        used.set(storage, (used.get(storage) ?? new Map<string, number>()).set(disk.path, disk.allocatedBytes));
      }
    }
  }
  return hosts.flatMap((host) =>
    host.pools.flatMap((pool) => {
      const bytes = [...(used.get(storageOf(host, pool.name))?.values() ?? [])].reduce((sum, size) => sum + size, 0);
      if (bytes <= pool.capacityBytes) return [];
      const reason = `${formatBytes(pool.capacityBytes)} cannot hold the disks on it, which have ${formatBytes(bytes)}`;
      return [{ at: [...hostAt(host), 'pools', pool.name, 'capacity'], reason }];
    }),
  );
}

function unknownName(at: Segments, what: string, name: string, known: readonly string[]): Issue {
  return { at, reason: `no such ${what}: ${name}${didYouMean(name, known)}` };
}
