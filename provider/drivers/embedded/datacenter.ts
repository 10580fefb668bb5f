/** The declared datacenter, indexed: what does not change while the world goes on. */
import { PlacementError } from '../../core/errors.js';
import { placeText, type Place } from '../../core/inventory.js';
import type { ResolvedCluster, ResolvedEmbedded, ResolvedHost, ResolvedPool, ResolvedVm } from '../../../schema/embedded.js';
import { blocksOf, type Ring } from './contents.js';

export interface Path {
  /** Transfers with the same key share its throughput. */
  readonly key: string;
  readonly bytesPerSecond: number;
  readonly direct: 'yes' | 'no' | 'unknown';
}

export class Datacenter {
  readonly config: ResolvedEmbedded;
  private readonly clusters = new Map<string, ResolvedCluster>();
  private readonly hosts = new Map<string, ResolvedHost>();
  private readonly byId = new Map<string, ResolvedVm>();
  private readonly byName = new Map<string, ResolvedVm[]>();
  private readonly byUuid = new Map<string, ResolvedVm>();
  private readonly rings = new Map<string, ReadonlyMap<string, Ring>>();

  constructor(config: ResolvedEmbedded) {
    this.config = config;
    for (const cluster of config.clusters) {
      this.clusters.set(cluster.name, cluster);
      for (const host of cluster.hosts) this.hosts.set(host.name, host);
    }
    for (const vm of config.vms) {
      this.byId.set(vm.id, vm);
      this.byUuid.set(vm.uuid.toLowerCase(), vm);
      this.byName.set(vm.name, [...(this.byName.get(vm.name) ?? []), vm]);
    }
  }

  host(name: string): ResolvedHost {
    const host = this.hosts.get(name);
    if (host !== undefined) return host;
    throw new PlacementError('input', `The embedded datacenter has no host ${name}, but its store speaks of it.`, {
      next: 'vmplacement embedded reset',
    });
  }

  cluster(name: string): ResolvedCluster | undefined {
    return this.clusters.get(name);
  }

  place(host: string): Place {
    return { cluster: this.host(host).cluster, host };
  }

  /** The declared host of this place, or a refusal in the platform's words. */
  hostAt(place: Place): ResolvedHost {
    const host = this.hosts.get(place.host);
    if (host?.cluster === place.cluster) return host;
    throw new PlacementError('platform', `There is no host ${placeText(place)} in the embedded datacenter.`);
  }

  pool(host: string, name: string): ResolvedPool | undefined {
    return this.host(host).pools.find((pool) => pool.name === name);
  }

  /** Pools with the same key are the same storage. */
  storageKey(host: string, pool: string): string {
    const storageId = this.pool(host, pool)?.storageId ?? null;
    return storageId === null ? `host ${host} ${pool}` : `shared ${storageId}`;
  }

  vm(id: string): ResolvedVm {
    const vm = this.byId.get(id);
    if (vm !== undefined) return vm;
    throw new PlacementError('input', `The embedded datacenter has no VM ${id}, but its store speaks of it.`, {
      next: 'vmplacement embedded reset',
    });
  }

  /** All that have this UUID or this name. */
  named(vm: string): readonly ResolvedVm[] {
    const byUuid = this.byUuid.get(vm.toLowerCase());
    return [...(byUuid === undefined ? [] : [byUuid]), ...(this.byName.get(vm) ?? [])];
  }

  /** By UUID, else by id or name where that names exactly one. */
  find(vm: string): ResolvedVm {
    const named = this.byName.get(vm) ?? [];
    const found = this.byUuid.get(vm.toLowerCase()) ?? (named.length === 1 ? named[0] : undefined);
    if (found !== undefined) return found;
    if (named.length === 0) throw new PlacementError('platform', `There is no VM ${vm} in the embedded datacenter.`, { vm });
    throw new PlacementError('platform', `VM ${vm} is ambiguous: ${named.map((other) => other.uuid).join(', ')}.`, { vm });
  }

  /** The network between two hosts: inside a cluster, a declared link (of the hosts, then of the clusters), or the relay. */
  path(from: string, to: string): Path {
    const [a, b] = [this.host(from), this.host(to)];
    const hosts = this.config.links.find((link) => link.scope === 'hosts' && joins(link.between, from, to));
    if (hosts === undefined && a.cluster === b.cluster) {
      return { key: `cluster:${a.cluster}`, bytesPerSecond: this.cluster(a.cluster)?.bytesPerSecond ?? 0, direct: 'yes' };
    }
    const link = hosts ?? this.config.links.find((other) => other.scope === 'clusters' && joins(other.between, a.cluster, b.cluster));
    if (link?.direct === 'yes') return { key: `link:${link.between.join('|')}`, bytesPerSecond: link.bytesPerSecond, direct: 'yes' };
    return { key: 'relay', bytesPerSecond: this.config.relayBytesPerSecond, direct: link?.direct ?? 'unknown' };
  }

  /** Where on each disk the guest writes: the allocated part of its first disks, until the working set is full. */
  ring(id: string, disk: string): Ring {
    let rings = this.rings.get(id);
    if (rings === undefined) {
      rings = layOut(this.vm(id));
      this.rings.set(id, rings);
    }
    return rings.get(disk) ?? { offset: 0, hot: 0, size: 0 };
  }
}

function layOut(vm: ResolvedVm): ReadonlyMap<string, Ring> {
  let left = blocksOf(vm.workingSetBytes);
  let offset = 0;
  const parts = vm.disks.map((disk) => {
    const hot = Math.min(left, blocksOf(disk.allocatedBytes));
    const part = { name: disk.name, offset, hot };
    left -= hot;
    offset += hot;
    return part;
  });
  return new Map(parts.map((part) => [part.name, { offset: part.offset, hot: part.hot, size: offset }]));
}

const joins = (between: readonly [string, string], a: string, b: string): boolean =>
  (between[0] === a && between[1] === b) || (between[0] === b && between[1] === a);
