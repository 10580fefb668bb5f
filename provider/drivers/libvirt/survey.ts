/** One reading of all hosts, at once. A host that does not answer is unknown, with the reason. */
import { randomBytes } from 'node:crypto';
import type { ResolvedLibvirt, ResolvedLibvirtHost } from '../../../schema/libvirt.js';
import { iso } from '../../core/clock.js';
import type { SurveyScope } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { unknown, type Cluster, type Host, type Inventory, type Link } from '../../core/inventory.js';
import type { Connection } from './connection.js';
import { readHost, type Reading } from './reading.js';
import type { Folder } from './storage.js';
import { domainsOf, type DomainReading } from './survey-domain.js';
import { clockOf, foldersOf, hostFacts, poolsOf, versionsOf, type PoolPlace } from './survey-host.js';
import { vmsOf } from './survey-vms.js';

/** All hosts and their domains, before these are put together to VMs. */
export interface DatacenterReading {
  readonly datacenter: Omit<Inventory, 'vms'>;
  readonly domains: readonly DomainReading[];
  /** By host. */
  readonly pools: ReadonlyMap<string, readonly PoolPlace[]>;
}

export const inventoryOf = ({ datacenter, domains }: DatacenterReading, scope: SurveyScope): Inventory => ({
  ...datacenter,
  vms: vmsOf(domains, scope),
});

export async function readDatacenter(
  config: ResolvedLibvirt,
  connectionTo: (host: string) => Connection,
  signal?: AbortSignal,
): Promise<DatacenterReading> {
  const hosts = config.clusters.flatMap((cluster) => cluster.hosts);
  const answers = await Promise.all(hosts.map((host) => answerOf(host, connectionTo(host.name), signal)));
  const folders = answers.flatMap(({ folders: its }) => its);
  const read = answers.map((answer) => hostOf(answer, folders));
  const observedAt = iso(Date.now());
  const datacenter = {
    clusters: config.clusters.map(({ name, acceptsMigrations }): Cluster => {
      const versions = read.flatMap(({ host, version }) => (host.cluster === name && version !== null ? [version] : []));
      return {
        name,
        acceptsMigrations,
        // The oldest one decides what its hosts understand.
        version: versions.sort(byVersion)[0] ?? unknown('none of its hosts was read'),
        connected: true,
        balancer: false,
      };
    }),
    hosts: read.map(({ host }) => host),
    links: links(config, observedAt),
    observedAt,
  };
  return {
    datacenter,
    domains: read.flatMap(({ domains }) => domains),
    pools: new Map(read.map(({ host, pools }) => [host.name, pools])),
  };
}

/** What a host said; a text: why it said nothing. */
interface Answer {
  readonly host: ResolvedLibvirtHost;
  readonly reading: Reading | string;
  readonly folders: readonly Folder[];
}

async function answerOf(host: ResolvedLibvirtHost, connection: Connection, signal: AbortSignal | undefined): Promise<Answer> {
  try {
    const reading = await readHost(connection, randomBytes(9).toString('hex'), signal);
    return { host, reading, folders: understood(host, () => foldersOf(reading, host.name)) };
  } catch (error) {
    if (signal?.aborted === true || (PlacementError.isInstance(error) && error.code === 'interrupted')) throw error;
    return { host, reading: (error as Error).message, folders: [] };
  }
}

interface ReadHost {
  readonly host: Host;
  readonly version: string | null;
  readonly domains: readonly DomainReading[];
  readonly pools: readonly PoolPlace[];
}

function hostOf({ host, reading }: Answer, folders: readonly Folder[]): ReadHost {
  const { name, cluster } = host;
  const unread = (why: string): ReadHost => ({
    host: { name, cluster, state: 'unreachable', facts: unknown(why), observedAt: iso(Date.now()) },
    version: null,
    domains: [],
    pools: [],
  });
  if (typeof reading === 'string') return unread(reading);
  try {
    return understood(host, () => {
      const pools = poolsOf(reading, name, folders);
      const places = pools.map(({ place }) => place);
      return {
        host: {
          name,
          cluster,
          state: host.maintenance ? 'maintenance' : 'connected',
          facts: hostFacts(
            reading,
            pools.map(({ pool }) => pool),
            host.tls,
          ),
          observedAt: iso(clockOf(reading) ?? Date.now()),
        },
        version: versionsOf(reading).libvirt,
        domains: domainsOf(reading, { cluster, host: name, pools: places }),
        pools: places,
      };
    });
  } catch (error) {
    return unread((error as Error).message);
  }
}

/** Half a host is none. @throws PlacementError where an answer is not what libvirt says. */
function understood<T>(host: ResolvedLibvirtHost, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new PlacementError('platform', `Host ${host.name} was read, but not understood: ${(error as Error).message}.`, { cause: error });
  }
}

const byVersion = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** Declared links, inside of clusters, and for every other pair of clusters what a relayed copy gets. */
function links(config: ResolvedLibvirt, at: string): Link[] {
  const link = (
    between: readonly [string, string],
    direct: Link['direct'],
    bytesPerSecond: number,
    scope: Link['scope'] = 'clusters',
  ): Link => ({
    between,
    scope,
    direct,
    source: 'declared',
    bytesPerSecond: direct === 'yes' ? bytesPerSecond : config.relayBytesPerSecond,
    at,
  });
  const declared = config.links.map(({ between, scope, direct, bytesPerSecond }) => link(between, direct, bytesPerSecond, scope));
  const inside = config.clusters.map(({ name, bytesPerSecond }) => link([name, name], 'yes', bytesPerSecond));
  const names = config.clusters.map(({ name }) => name);
  const known = (a: string, b: string): boolean => declared.some(({ between }) => between.includes(a) && between.includes(b));
  const others = names.flatMap((a, index) => names.slice(index + 1).flatMap((b) => (known(a, b) ? [] : [link([a, b], 'unknown', 0)])));
  return [...declared, ...inside, ...others];
}
