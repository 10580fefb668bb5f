/**
 * The libvirt datacenter after validation: every default applied, every unit parsed, the SSH settings of each host complete.
 * Paths are as declared: relative ones start where the declaration stands, which the driver is told.
 */
import { parseDuration, parseRate } from '../provider/core/units.js';
import type { LibvirtDatacenter, LibvirtLink, LibvirtSsh } from './generated/types.js';
import { fill } from './validate/fill.js';

export interface ResolvedLibvirt {
  readonly clusters: readonly ResolvedLibvirtCluster[];
  readonly links: readonly ResolvedLibvirtLink[];
  readonly jumpHosts: readonly ResolvedSshTarget[];
  readonly timeoutMs: number;
  readonly relayBytesPerSecond: number;
  /** Hot moves are encrypted. */
  readonly tls: boolean;
}

export interface ResolvedLibvirtCluster {
  readonly name: string;
  readonly acceptsMigrations: boolean;
  readonly bytesPerSecond: number;
  readonly hosts: readonly ResolvedLibvirtHost[];
}

export interface ResolvedLibvirtHost extends ResolvedSshTarget {
  readonly cluster: string;
  readonly maintenance: boolean;
  /** Hot moves are encrypted: it has certificates. */
  readonly tls: boolean;
}

/** A machine that SSH connects to. */
export interface ResolvedSshTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** null: the user who runs this. */
  readonly user: string | null;
  readonly sudo: boolean;
  /** Login for libvirtd of other hosts; null: whom SSH takes there by itself. */
  readonly migrationUser: string | null;
  readonly credential: Credential;
  /** null: `~/.ssh/known_hosts`. */
  readonly knownHosts: string | null;
  /** `SHA256:...`; then known hosts are not asked. */
  readonly hostKey: string | null;
  /** Name of a jump host. */
  readonly via: string | null;
}

export type Credential =
  | { readonly kind: 'agent' }
  | { readonly kind: 'identityFile' | 'passwordFile'; readonly path: string }
  | { readonly kind: 'passwordEnv'; readonly variable: string }
  /** More than one was declared, which the check refuses. */
  | { readonly kind: 'several'; readonly names: readonly string[] };

export interface ResolvedLibvirtLink {
  readonly between: readonly [string, string];
  readonly scope: 'clusters' | 'hosts';
  readonly direct: 'yes' | 'no' | 'unknown';
  readonly bytesPerSecond: number;
}

/** The declaration must have passed the structure check; names are held against each other by `checkLibvirt`. */
export function resolveLibvirt(declared: LibvirtDatacenter): ResolvedLibvirt {
  const { clusters, links = [], ssh = {}, jumpHosts = {}, timeout, relayBandwidth, tls } = fill('LibvirtDatacenter', declared);
  const { via: _via, ...direct } = ssh;
  return {
    clusters: Object.entries(clusters).map(([name, cluster]) => {
      const { acceptsMigrations, bandwidth, hosts } = fill('LibvirtCluster', cluster);
      return {
        name,
        acceptsMigrations,
        bytesPerSecond: parseRate(bandwidth),
        hosts: Object.entries(hosts).map(([host, about]) => {
          const { address, ssh: own = {}, maintenance } = fill('LibvirtHost', about);
          return { ...resolveTarget(host, address, ssh, own), cluster: name, maintenance, tls };
        }),
      };
    }),
    links: links.map((link) => resolveLink(link, Object.keys(clusters))),
    jumpHosts: Object.entries(jumpHosts).map(([name, { address, ssh: own = {} }]) => resolveTarget(name, address, direct, own)),
    timeoutMs: parseDuration(timeout),
    relayBytesPerSecond: parseRate(relayBandwidth),
    tls,
  };
}

function resolveTarget(name: string, address: string | undefined, common: LibvirtSsh, own: LibvirtSsh): ResolvedSshTarget {
  const { user, port, sudo, migrationUser, knownHosts, hostKey, via } = { ...common, ...own };
  return {
    name,
    address: address ?? name,
    port: port ?? 22,
    user: user ?? null,
    sudo: sudo ?? false,
    migrationUser: migrationUser ?? user ?? null,
    // One of its own replaces the common one, whatever kind that is.
    credential: credentials.some((key) => own[key] !== undefined) ? credentialOf(own) : credentialOf(common),
    knownHosts: knownHosts ?? null,
    hostKey: hostKey ?? null,
    via: via ?? null,
  };
}

const credentials = ['identityFile', 'passwordFile', 'passwordEnv'] as const;

function credentialOf(ssh: LibvirtSsh): Credential {
  const names = credentials.filter((key) => ssh[key] !== undefined);
  if (names.length > 1) return { kind: 'several', names };
  if (ssh.identityFile !== undefined) return { kind: 'identityFile', path: ssh.identityFile };
  if (ssh.passwordFile !== undefined) return { kind: 'passwordFile', path: ssh.passwordFile };
  if (ssh.passwordEnv !== undefined) return { kind: 'passwordEnv', variable: ssh.passwordEnv };
  return { kind: 'agent' };
}

function resolveLink(declared: LibvirtLink, clusters: readonly string[]): ResolvedLibvirtLink {
  const { between, direct, bandwidth } = fill('LibvirtLink', declared);
  const [first = '', second = ''] = between;
  const scope = clusters.includes(first) && clusters.includes(second) ? 'clusters' : 'hosts';
  return { between: [first, second], scope, direct, bytesPerSecond: parseRate(bandwidth) };
}
