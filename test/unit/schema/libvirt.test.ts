import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ResolvedLibvirt } from '../../../schema/libvirt.js';
import { checkConfig, checkDatacenterDocument } from '../../../schema/validate.js';

const place = (libvirt: unknown) => checkConfig({ libvirt }, { isUnknown: () => false });
const clusters = { a: { hosts: { a1: {}, a2: { address: '192.0.2.2' } } }, b: { hosts: { b1: {} } } };
const resolved = (libvirt: unknown): ResolvedLibvirt => {
  const checked = place(libvirt);
  expect(checked.failures).toEqual([]);
  return checked.libvirt!;
};
const hostOf = (libvirt: object, name = 'a1') =>
  resolved({ clusters, ...libvirt })
    .clusters.flatMap(({ hosts }) => hosts)
    .find((host) => host.name === name)!;

describe('a libvirt datacenter, resolved', () => {
  it('has the documented defaults', () => {
    expect(resolved({ clusters })).toMatchObject({
      links: [],
      jumpHosts: [],
      timeoutMs: 20_000,
      relayBytesPerSecond: 150 * 1024 ** 2,
      tls: false,
    });
    expect(hostOf({})).toEqual({
      name: 'a1',
      cluster: 'a',
      address: 'a1',
      port: 22,
      user: null,
      sudo: false,
      migrationUser: null,
      credential: { kind: 'agent' },
      knownHosts: null,
      hostKey: null,
      via: null,
      maintenance: false,
      tls: false,
    });
    expect(hostOf({}, 'a2').address).toBe('192.0.2.2');
  });

  it('takes the SSH settings of the datacenter where a host says nothing of its own', () => {
    const ssh = { user: 'ops', port: 2222, sudo: true, identityFile: 'k', knownHosts: 'h', via: 'gate' };
    const own = { a: { hosts: { a1: {}, a2: { ssh: { user: 'root', sudo: false, passwordEnv: 'P' } } } } };
    const datacenter = { ssh, clusters: own, jumpHosts: { gate: { address: 'g', ssh: { user: 'jump' } } } };
    expect(hostOf(datacenter)).toMatchObject({
      user: 'ops',
      port: 2222,
      sudo: true,
      credential: { path: 'k' },
      knownHosts: 'h',
      via: 'gate',
    });
    // A credential of its own replaces the common one, whatever kind that is.
    expect(hostOf(datacenter, 'a2')).toMatchObject({ user: 'root', sudo: false, credential: { kind: 'passwordEnv', variable: 'P' } });
    expect(resolved(datacenter).jumpHosts).toMatchObject([{ name: 'gate', address: 'g', user: 'jump', port: 2222, via: null }]);
  });

  it('is also taken as a JSON text, and from a file', () => {
    expect(place(JSON.stringify({ clusters })).libvirt).toEqual(resolved({ clusters }));
    const example = readFileSync(path.resolve(import.meta.dirname, '../../../schema/generate/example.libvirt.yaml'), 'utf8');
    expect(checkDatacenterDocument(example, 'dc.yaml').failures).toEqual([]);
  });
});

describe('a libvirt datacenter that is wrong', () => {
  it.each([
    [{ clusters: { ...clusters, b: { hosts: { a1: {} } } } }, 'libvirt.clusters.b.hosts.a1', /a host of this name is in cluster a too/],
    [{ ssh: { identityFile: 'k', passwordFile: 'p' } }, 'libvirt.clusters.a.hosts.a1.ssh', /identityFile and passwordFile: give one/],
    [{ ssh: { hostKey: 'aa:bb' } }, 'libvirt.clusters.a.hosts.a1.ssh.hostKey', /SHA256:/],
    [
      { ssh: { via: 'gat' }, jumpHosts: { gate: {} } },
      'libvirt.clusters.a.hosts.a1.ssh.via',
      /no such jump host: gat \(did you mean "gate"\?\)/,
    ],
    [{ ssh: { port: 70_000 } }, 'libvirt.clusters.a.hosts.a1.ssh.port', /at most 65535/],
    [{ ssh: { password: 'p' } }, 'libvirt.ssh.password', /not a known property/],
    [{ clusters: { a: { hosts: { a1: { address: 'root@a' } } } } }, 'libvirt.clusters.a.hosts.a1.address', /properties of their own/],
    [{ jumpHosts: { x: { ssh: { via: 'y' } }, y: { ssh: { via: 'x' } } } }, 'libvirt.jumpHosts.x.ssh.via', /circle: x via y via x/],
    [{ links: [{ between: ['a', 'a'] }] }, 'libvirt.links[0].between', /two different/],
    [{ links: [{ between: ['a', 'c1'] }] }, 'libvirt.links[0].between[1]', /no such cluster or host: c1/],
    [{ links: [{ between: ['a', 'b1'] }] }, 'libvirt.links[0].between', /one of each/],
    [{ timeout: '0s' }, 'libvirt.timeout', /longer than 0s/],
  ])('%j is refused where it is wrong', (libvirt, at, reason) => {
    const [failure] = place({ clusters, ...libvirt }).failures;
    expect(failure).toEqual({ path: at, reason: expect.stringMatching(reason) });
  });

  it('cannot stand together with another one', () => {
    const both = { libvirt: { clusters }, embedded: { clusters: {} } };
    expect(checkConfig(both, { isUnknown: () => false }).failures).toMatchObject([
      { path: 'libvirt', reason: expect.stringContaining('embedded') },
    ]);
    expect(checkDatacenterDocument(JSON.stringify(both), 'dc.yaml').failures).toMatchObject([{ path: 'libvirt' }]);
  });
});
