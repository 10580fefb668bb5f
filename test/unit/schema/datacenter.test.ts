import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ResolvedEmbedded } from '../../../schema/embedded.js';
import { jsonSchema } from '../../../schema/generated/json-schema.js';
import { checkConfig, checkDatacenterDocument } from '../../../schema/validate.js';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

const file = (text: string) => checkDatacenterDocument(text, 'dc.yaml');
const place = (embedded: unknown) => checkConfig({ embedded }, { isUnknown: () => false });
const hosts = { a: { hosts: { a1: {}, a2: {} } }, b: { hosts: { b1: {} } } };
const withVm = (vm: object) => place({ clusters: hosts, vms: { other: { host: 'b1' }, v: { host: 'a1', ...vm } } });
const resolved = (embedded: unknown): ResolvedEmbedded => {
  const checked = place(embedded);
  expect(checked.failures).toEqual([]);
  return checked.embedded!;
};
const vmOf = (vm: object) => resolved({ clusters: hosts, vms: { other: { host: 'b1' }, v: { host: 'a1', ...vm } } }).vms[1]!;

describe('an embedded datacenter, resolved', () => {
  it('has the documented defaults', () => {
    const datacenter = resolved({ clusters: { a: { hosts: { a1: {} } } }, vms: { v: { host: 'a1' } } });
    expect(datacenter).toMatchObject({ store: null, style: 'driven', clock: 'wall', speed: 1, relayBytesPerSecond: 200 * MiB, links: [] });
    expect(datacenter.clusters[0]).toMatchObject({
      acceptsMigrations: true,
      connected: true,
      version: '1.0.0',
      balancer: false,
      bytesPerSecond: GiB,
    });
    expect(datacenter.clusters[0]?.hosts).toEqual([
      {
        name: 'a1',
        cluster: 'a',
        state: 'connected',
        cpu: { arch: 'x86_64', models: ['qemu64'], features: [] },
        machineTypes: ['q35'],
        firmware: ['bios', 'uefi'],
        memoryBytes: 64 * GiB,
        pools: [{ name: 'default', capacityBytes: 1024 * GiB, storageId: null }],
        networks: ['default'],
      },
    ]);
    expect(datacenter.vms).toEqual([
      {
        id: 'v',
        name: 'v',
        uuid: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
        host: 'a1',
        alsoOn: null,
        power: 'running',
        autostart: true,
        cpu: { arch: 'x86_64', model: null, features: [] },
        memoryBytes: 2 * GiB,
        machineType: 'q35',
        firmware: 'bios',
        stateFiles: [],
        disks: [
          {
            name: 'vda',
            pool: 'default',
            path: '/default/v/vda.qcow2',
            virtualBytes: 10 * GiB,
            allocatedBytes: 5 * GiB,
            format: 'qcow2',
            tracked: true,
            sharedWith: [],
          },
        ],
        nics: ['default'],
        devices: [],
        consoles: [],
        os: 'agent',
        snapshots: [],
        locks: [],
        affinity: [],
        ha: false,
        conditions: [],
        claim: null,
        dirtyBytesPerSecond: MiB,
        workingSetBytes: GiB / 2,
        memoryDirtyBytesPerSecond: 10 * MiB,
        memoryWorkingSetBytes: GiB / 4,
        shutdown: { takesMs: 5000, ignores: false },
      },
    ]);
  });

  it('is the same in every process', () => expect(vmOf({}).uuid).toBe(vmOf({ power: 'off' }).uuid));

  it('keeps what is declared', () => {
    const vm = {
      name: 'Web',
      uuid: 'U-1',
      alsoOn: 'a2',
      power: 'paused',
      autostart: false,
      cpu: { arch: 'aarch64', model: 'max', features: ['sve'] },
      memory: '1GiB',
      machineType: 'virt',
      firmware: 'uefi',
      stateFiles: ['nvram'],
      disks: [{ name: 'sda', path: '/x', size: '1GiB', allocated: '1GiB', format: 'raw', sharedWith: ['other'] }],
      nics: [],
      devices: [
        { name: 'cd', kind: 'cdrom', hostLocal: false },
        { name: 'gpu', kind: 'gpu' },
      ],
      consoles: ['vnc'],
      os: 'none',
      snapshots: ['s1'],
      locks: [{ by: 'backup', for: '5m' }, { by: 'audit' }],
      affinity: [{ strength: 'must', kind: 'hosts', members: ['a1'] }],
      ha: true,
      conditions: ['transient'],
      claim: 'org/p/s',
      dirtyRate: '2MiB/s',
      workingSet: '3MiB',
      memoryDirtyRate: '4MiB/s',
      memoryWorkingSet: '5MiB',
      shutdown: { takes: '1m', ignores: true },
    };
    expect(Object.keys((jsonSchema.$defs['EmbeddedVm'] as { properties: object }).properties).sort()).toEqual(
      ['host', ...Object.keys(vm)].sort(),
    );
    expect(vmOf(vm)).toEqual({
      id: 'v',
      name: 'Web',
      uuid: 'U-1',
      host: 'a1',
      alsoOn: 'a2',
      power: 'paused',
      autostart: false,
      cpu: { arch: 'aarch64', model: 'max', features: ['sve'] },
      memoryBytes: GiB,
      machineType: 'virt',
      firmware: 'uefi',
      stateFiles: ['nvram'],
      disks: [
        {
          name: 'sda',
          pool: 'default',
          path: '/x',
          virtualBytes: GiB,
          allocatedBytes: GiB,
          format: 'raw',
          tracked: false,
          sharedWith: ['other'],
        },
      ],
      nics: [],
      devices: [
        { name: 'cd', kind: 'cdrom', hostLocal: false },
        { name: 'gpu', kind: 'gpu', hostLocal: true },
      ],
      consoles: ['vnc'],
      os: 'none',
      snapshots: ['s1'],
      locks: [
        { by: 'backup', forMs: 300_000 },
        { by: 'audit', forMs: null },
      ],
      affinity: [{ strength: 'must', kind: 'hosts', members: ['a1'] }],
      ha: true,
      conditions: ['transient'],
      claim: 'org/p/s',
      dirtyBytesPerSecond: 2 * MiB,
      workingSetBytes: 3 * MiB,
      memoryDirtyBytesPerSecond: 4 * MiB,
      memoryWorkingSetBytes: 5 * MiB,
      shutdown: { takesMs: 60_000, ignores: true },
    });
  });

  it('takes at least 64MiB as the working set, but never more than is allocated', () => {
    expect(vmOf({ disks: [{ name: 'vda', size: '400MiB' }] }).workingSetBytes).toBe(64 * MiB);
    expect(vmOf({ disks: [{ name: 'vda', size: '40MiB' }] }).workingSetBytes).toBe(20 * MiB);
    expect(vmOf({ disks: [] }).workingSetBytes).toBe(0);
  });

  it('tells links of clusters from links of hosts', () => {
    const { links } = resolved({
      clusters: hosts,
      links: [{ between: ['a', 'b'] }, { between: ['a1', 'b1'], direct: 'no', bandwidth: '1MiB/s' }],
    });
    expect(links).toEqual([
      { between: ['a', 'b'], scope: 'clusters', direct: 'yes', bytesPerSecond: 500 * MiB },
      { between: ['a1', 'b1'], scope: 'hosts', direct: 'no', bytesPerSecond: MiB },
    ]);
  });
});

describe('in an embedded datacenter', () => {
  const disk = { name: 'vda' };
  it.each([
    ['host', { host: 'a3' }, /^no such host: a3 \(did you mean/],
    ['alsoOn', { alsoOn: 'c1' }, /^no such host: c1/],
    ['alsoOn', { alsoOn: 'a1' }, /^must be another host than `host`$/],
    ['disks[0].pool', { disks: [{ ...disk, pool: 'defalt' }] }, /^no such pool on host a1: defalt \(did you mean "default"\?\)$/],
    ['disks[0].allocated', { disks: [{ ...disk, size: '1GiB', allocated: '2GiB' }] }, /^must not be more than the size, 1 GiB$/],
    ['disks[1].name', { disks: [disk, disk] }, /^another disk of this VM has the name vda$/],
    ['disks[0].sharedWith[0]', { disks: [{ ...disk, sharedWith: ['otter'] }] }, /^no such VM: otter \(did you mean "other"\?\)$/],
    ['disks[0].size', { disks: [{ ...disk, size: 10 }] }, /^must be a string, not the number 10/],
    ['nics[1]', { nics: ['default', 'lan'] }, /^no such network on host a1: lan$/],
    ['affinity[0].members[0]', { affinity: [{ strength: 'must', kind: 'hosts', members: ['a9'] }] }, /^no such host: a9/],
    ['affinity[0].members[0]', { affinity: [{ strength: 'must', kind: 'apart', members: ['a1'] }] }, /^no such VM: a1/],
    ['power', { power: 'on' }, /^must be one of running, off, paused/],
    ['locks[0].for', { locks: [{ by: 'x', for: 'ever' }] }, /a duration such as/],
    ['devices[0].kind', { devices: [{ name: 'x' }] }, /^is required$/],
  ])('a VM with a wrong %s is refused: %j', (path, vm, reason) => {
    const { failures } = withVm(vm);
    expect(failures).toEqual([{ path: `embedded.vms.v.${path}`, reason: expect.stringMatching(reason) }]);
  });

  it.each([
    [
      'clusters.b.hosts.a1',
      { clusters: { a: { hosts: { a1: {} } }, b: { hosts: { a1: {} } } } },
      /^a host of this name is in cluster a too$/,
    ],
    ['links[0].between[1]', { clusters: hosts, links: [{ between: ['a', 'c'] }] }, /^no such cluster or host: c/],
    ['links[0].between', { clusters: hosts, links: [{ between: ['a', 'b1'] }] }, /^must be two clusters or two hosts, not one of each$/],
    ['links[0].between', { clusters: hosts, links: [{ between: ['a', 'a'] }] }, /^must be two different ends$/],
    ['links[0].between', { clusters: hosts, links: [{ between: ['a'] }] }, /^must have at least 2 entries$/],
    ['links[0].between', { clusters: hosts, links: [{ between: ['a', 'b', 'a'] }] }, /^must have at most 2 entries$/],
    [
      'links[1].between',
      { clusters: hosts, links: [{ between: ['a', 'b'] }, { between: ['b', 'a'] }] },
      /^a link between these two is declared above$/,
    ],
    ['vms.w.uuid', { clusters: hosts, vms: { v: { host: 'a1', uuid: 'ab' }, w: { host: 'a1', uuid: 'AB' } } }, /^VM v has this UUID too$/],
    [
      'clusters.a.hosts.a1.memory',
      { clusters: hosts, vms: { v: { host: 'a1', memory: '40GiB' }, w: { host: 'a1', memory: '40GiB' } } },
      /^64 GiB cannot hold its running VMs, which need 80 GiB$/,
    ],
    [
      'clusters.a.hosts.a1.pools.default.capacity',
      { clusters: { a: { hosts: { a1: { pools: { default: { capacity: '4GiB' } } } } } }, vms: { v: { host: 'a1' } } },
      /^4 GiB cannot hold the disks on it, which have 5 GiB$/,
    ],
    ['speed', { clusters: hosts, speed: 0 }, /^must be greater than 0$/],
    ['clusters', { vms: {} }, /^is required$/],
    ['clusters.a.hosts.a1', { clusters: { a: { hosts: { a1: null } } } }, /^must be an object, not empty$/],
    ['clusters.a.version', { clusters: { a: { version: 1, hosts: {} } } }, /put it in quotes/],
  ])('%s is refused', (path, embedded, reason) => {
    expect(place(embedded).failures).toEqual([{ path: `embedded.${path}`, reason: expect.stringMatching(reason) }]);
  });

  it('a VM that is off needs no memory', () => {
    const vms = { v: { host: 'a1', memory: '40GiB' }, w: { host: 'a1', memory: '40GiB', power: 'off' } };
    expect(place({ clusters: hosts, vms }).failures).toEqual([]);
  });

  it('storage that several hosts see is one', () => {
    const pools = { san: { capacity: '8GiB', storage: 'lun-1' } };
    const clusters = { a: { hosts: { a1: { pools }, a2: { pools } } } };
    const vm = (host: string) => ({ host, disks: [{ name: 'vda', pool: 'san' }] });
    expect(place({ clusters, vms: { v: vm('a1') } }).failures).toEqual([]);
    expect(place({ clusters, vms: { v: vm('a1'), w: vm('a2') } }).failures).toHaveLength(2);
    const other = { a: { hosts: { a1: { pools }, a2: { pools: { san: { capacity: '9GiB', storage: 'lun-1' } } } } } };
    expect(place({ clusters: other }).failures).toMatchObject([{ path: 'embedded.clusters.a.hosts.a2.pools.san.capacity' }]);
  });
});

describe('a datacenter file', () => {
  const good = ['embedded:', '  clusters:', '    a:', '      hosts:', '        a1: {}', '  vms:', '    web-01:', '      host: a1'];
  const text = (...more: string[]) => [...good, ...more].join('\n');

  it('gives configuration, settings and datacenter', () => {
    const { config, settings, embedded, failures } = file(text('memoryReserve: 1GiB'));
    expect(failures).toEqual([]);
    expect(config?.memoryReserve).toBe('1GiB');
    expect(settings).toMatchObject({ memoryReserveBytes: GiB, leaseRenewMs: 15_000 });
    expect(embedded?.vms[0]?.id).toBe('web-01');
  });

  it('reads off and no as words, as YAML 1.2 does', () =>
    expect(file(text('      power: off', '  links: []')).embedded?.vms[0]?.power).toBe('off'));

  it('takes JSON, with the same result', () => {
    const embedded = { clusters: hosts, vms: { v: { host: 'a1', name: 'a "quoted": name\\' } } };
    const read = file(JSON.stringify({ embedded, memoryReserve: '1GiB' }));
    expect(read.failures).toEqual([]);
    expect(read).toMatchObject({ settings: { memoryReserveBytes: GiB }, config: { embedded }, embedded: place(embedded).embedded });
  });

  it.each([
    [
      'a wrong value',
      '{"embedded": {"clusters": {"a": {"hosts": {"a1": {"memory": 1}}}}}}',
      'dc.yaml:1:61 /embedded/clusters/a/hosts/a1/memory',
    ],
    ['a name given twice', '{"embedded": {"clusters": {"a": {"hosts": {"a1": {}, "a1": {}}}}}}', 'dc.yaml:1:54 / Map keys must be unique'],
  ])('names line and column of %s in JSON too', (_, content, begins) => {
    expect(file(content).failures.map((failure) => failure.text)).toEqual([expect.stringContaining(begins)]);
  });

  it('the example of the reference page loads', () => {
    const page = readFileSync('docs/reference/embedded-datacenter.md', 'utf8');
    const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1];
    expect(file(example!).failures).toEqual([]);
  });

  it.each([
    ['a wrong value', text('      memory: lots'), 'dc.yaml:9:15 /embedded/vms/web-01/memory must be a size such as'],
    [
      'an unknown name',
      text('      power: off').replace('host: a1', 'host: a7'),
      'dc.yaml:8:13 /embedded/vms/web-01/host no such host: a7',
    ],
    ['an unknown property', text('      colour: red'), 'dc.yaml:9:15 /embedded/vms/web-01/colour is not a known property'],
    ['a list entry', text('      nics: [default, lan]'), 'dc.yaml:9:23 /embedded/vms/web-01/nics/1 no such network on host a1: lan'],
    [
      'what is missing, where it is missing',
      text('      devices:', '        - name: x'),
      'dc.yaml:10:11 /embedded/vms/web-01/devices/0/kind is required',
    ],
    ['a host', text('      memory: 65GiB'), 'dc.yaml:5:9 /embedded/clusters/a/hosts/a1/memory 64 GiB cannot hold'],
    ['a setting', text('lease: {renew: 1m}'), 'dc.yaml:9:1 /lease/expire must be at least twice'],
    ['another file', text('datacenterFile: other.yaml'), 'dc.yaml:9:17 /datacenterFile a datacenter file cannot name another one'],
    ['no datacenter', 'memoryReserve: 1GiB', 'dc.yaml:1:1 /embedded is required: give exactly one of embedded, libvirt'],
    ['a list', '- a', 'dc.yaml:1:1 / must be an object with `embedded` or `libvirt`, not something else'],
    ['nothing', '', 'dc.yaml:1:1 / must be an object with `embedded` or `libvirt`, not empty'],
    ['a name given twice', text('      host: a1'), 'dc.yaml:9:7 / Map keys must be unique'],
    ['broken YAML', 'embedded: [', 'dc.yaml:1:12 / '],
  ])('names line and column of %s', (_, content, begins) => {
    const { config, settings, embedded, failures } = file(content);
    expect(failures.map((failure) => failure.text)).toEqual([expect.stringContaining(begins)]);
    expect(failures[0]!.text.startsWith(begins)).toBe(true);
    expect([config, settings, embedded]).toEqual([null, null, null]);
  });
});
