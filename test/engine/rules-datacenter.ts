/** A datacenter in which every finding can be met: one VM for each row of the table, hosts that each lack one thing. */

const modern = { models: ['qemu64', 'Skylake-Server'], features: ['avx2', 'avx512f'] };
const old = { models: ['qemu64', 'Haswell'], features: ['avx2'] };
const arm = { arch: 'aarch64', models: ['cortex-a72'], features: [] };
const san = { storage: 'san-1', capacity: '64TiB' };
const roomy = { memory: '16TiB', pools: { default: { capacity: '64TiB' } } };
const host = (more: object = {}): object => ({ cpu: modern, ...roomy, ...more });

const clusters = {
  a: {
    hosts: {
      a1: host({
        memory: '32TiB',
        machineTypes: ['q35', 'pc'],
        networks: ['default', 'vlan7'],
        pools: { default: { capacity: '64TiB' }, fast: { capacity: '64TiB' }, san },
      }),
      a2: host({ pools: { default: { capacity: '64TiB' }, slow: { capacity: '64TiB' }, shared: san }, networks: ['default', 'vlan8'] }),
      'a-old-cpu': host({ cpu: old }),
      'a-maintenance': host({ state: 'maintenance' }),
      'a-entering': host({ state: 'entering-maintenance' }),
      'a-disconnected': host({ state: 'disconnected' }),
      'a-arm': host({ cpu: arm }),
      'a-small': host({ memory: '1GiB' }),
      'a-full': host({ pools: { default: { capacity: '1GiB' } } }),
      'a-half-full': host({ pools: { default: { capacity: '1GiB' } } }),
      'a-bios': host({ firmware: ['bios'] }),
      'a-cut-off': host(),
    },
  },
  b: {
    hosts: {
      b1: host(),
      'b-old-cpu': host({ cpu: old, memory: '17TiB' }),
      'b-arm': host({ cpu: arm }),
      'b-cut-off': host(),
    },
  },
  c: {
    hosts: {
      c1: host({ memory: '20TiB' }),
      'c-old-cpu': host({ cpu: old }),
      'c-arm': host({ cpu: arm }),
      'c-maintenance': host({ state: 'maintenance' }),
      'c-san': host({ pools: { default: { capacity: '64TiB' }, san } }),
      'c-small': host({ memory: '1GiB' }),
      'c-full': host({ pools: { default: { capacity: '1GiB' } } }),
      'c-bios': host({ firmware: ['bios'] }),
    },
  },
  undeclared: { hosts: { u1: host(), 'u-old-cpu': host({ cpu: old }) } },
  doubtful: { hosts: { d1: host() } },
  refusing: { acceptsMigrations: false, hosts: { r1: host(), r2: host() } },
  down: { connected: false, hosts: { down1: host() } },
  'one-ahead': { version: '2.5.1', hosts: { one1: host() } },
  'two-ahead': { version: '3.0.0', hosts: { two1: host() } },
  balanced: { balancer: true, hosts: { bal1: host() } },
  // Only one VM goes to each of these: what is promised to one is gone for the next.
  sized: { hosts: { s1: host({ memory: '8GiB' }), s2: host({ memory: '16GiB' }), s3: host({ memory: '16GiB' }) } },
  uneven: { hosts: { v1: host({ memory: '8GiB' }), v2: host({ memory: '16GiB' }) } },
};

const direct = ['b', 'refusing', 'down', 'one-ahead', 'two-ahead', 'balanced', 'sized', 'uneven'];

export function rulesDatacenter(vms: Readonly<Record<string, object>>): object {
  return {
    embedded: {
      clock: 'manual',
      clusters,
      links: [
        ...direct.map((cluster) => ({ between: ['a', cluster] })),
        { between: ['a', 'c'], direct: 'no' },
        { between: ['a', 'doubtful'], direct: 'unknown' },
        { between: ['a1', 'a-cut-off'], direct: 'no' },
        { between: ['a1', 'b-cut-off'], direct: 'no' },
      ],
      vms: Object.fromEntries(Object.entries(vms).map(([id, vm]) => [id, { host: 'a1', ...vm }])),
    },
  };
}
