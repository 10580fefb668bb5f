/** What must fit together in a libvirt datacenter, beyond what the schema says. */
import type { ResolvedLibvirt, ResolvedLibvirtHost, ResolvedSshTarget } from '../libvirt.js';
import { didYouMean, type Issue, type Segments } from './issue.js';

/** Places begin inside `libvirt`. */
export function checkLibvirt(datacenter: ResolvedLibvirt): Issue[] {
  const hosts = datacenter.clusters.flatMap((cluster) => cluster.hosts);
  return [
    ...hostNames(hosts),
    ...hosts.flatMap((host) => target(host, ['clusters', host.cluster, 'hosts', host.name], datacenter)),
    ...datacenter.jumpHosts.flatMap((jump) => target(jump, ['jumpHosts', jump.name], datacenter)),
    ...datacenter.jumpHosts.flatMap((jump) => circle(jump, datacenter)),
    ...links(datacenter, hosts),
    ...(datacenter.timeoutMs === 0 ? [{ at: ['timeout'], reason: 'must be longer than 0s' }] : []),
  ];
}

function hostNames(hosts: readonly ResolvedLibvirtHost[]): Issue[] {
  return hosts.flatMap((host, index) => {
    const first = hosts.findIndex(({ name }) => name === host.name);
    const other = hosts[first];
    if (first === index || other === undefined) return [];
    return [{ at: ['clusters', host.cluster, 'hosts', host.name], reason: `a host of this name is in cluster ${other.cluster} too` }];
  });
}

function target({ credential, hostKey, via, port, address }: ResolvedSshTarget, at: Segments, { jumpHosts }: ResolvedLibvirt): Issue[] {
  const issues: Issue[] = [];
  const jumps = jumpHosts.map(({ name }) => name);
  if (credential.kind === 'several')
    issues.push({ at: [...at, 'ssh'], reason: `names ${credential.names.join(' and ')}: give one of them, or none for the SSH agent` });
  if (hostKey !== null && !/^SHA256:[A-Za-z0-9+/]{43}$/.test(hostKey))
    issues.push({ at: [...at, 'ssh', 'hostKey'], reason: 'must be a fingerprint as ssh-keygen -l shows it: SHA256: and 43 letters' });
  if (via !== null && !jumps.includes(via))
    issues.push({ at: [...at, 'ssh', 'via'], reason: `no such jump host: ${via}${didYouMean(via, jumps)}` });
  if (port > 65_535) issues.push({ at: [...at, 'ssh', 'port'], reason: 'must be at most 65535' });
  if (/[\s@/]/.test(address))
    issues.push({ at: [...at, 'address'], reason: 'must be a name or an address; user and port have properties of their own' });
  return issues;
}

function circle(jump: ResolvedSshTarget, { jumpHosts }: ResolvedLibvirt): Issue[] {
  const passed = [jump.name];
  let at = jump;
  while (at.via !== null) {
    const next = jumpHosts.find(({ name }) => name === at.via);
    if (next === undefined) return [];
    passed.push(next.name);
    if (next.name === jump.name)
      return [{ at: ['jumpHosts', jump.name, 'ssh', 'via'], reason: `leads in a circle: ${passed.join(' via ')}` }];
    // A circle further on is told where it is.
    if (passed.length > jumpHosts.length) return [];
    at = next;
  }
  return [];
}

function links({ clusters, links }: ResolvedLibvirt, hosts: readonly ResolvedLibvirtHost[]): Issue[] {
  const names = [...clusters.map(({ name }) => name), ...hosts.map(({ name }) => name)];
  return links.flatMap(({ between, scope }, index) => {
    const at = ['links', index, 'between'];
    if (between[0] === between[1]) return [{ at, reason: 'must be two different ones' }];
    const absent = between.flatMap((name, side) =>
      names.includes(name) ? [] : [{ at: [...at, side], reason: `no such cluster or host: ${name}${didYouMean(name, names)}` }],
    );
    if (absent.length > 0) return absent;
    const mixed = scope === 'hosts' && between.some((name) => !hosts.some((host) => host.name === name));
    return mixed ? [{ at, reason: 'must be two clusters or two hosts, not one of each' }] : [];
  });
}
