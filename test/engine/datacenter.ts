/** For tests of what happens meanwhile: model time passes by itself, so many times faster. */
export const passing = (speed: number): object => datacenter({ clock: 'wall', speed });

/** The tests' datacenter: A and B reach each other, C reaches neither and has older CPUs. Model time moves only by work. */
export function datacenter(embedded: object = {}): object {
  const modern = { models: ['qemu64', 'Skylake-Server'], features: ['avx2', 'avx512f'] };
  return {
    embedded: {
      clock: 'manual',
      clusters: {
        a: { hosts: { a1: { cpu: modern }, a2: { cpu: modern } } },
        b: { hosts: { b1: { cpu: modern }, b2: { cpu: modern } } },
        c: { hosts: { c1: { cpu: { models: ['qemu64', 'Haswell'], features: ['avx2'] } } } },
      },
      links: [{ between: ['a', 'b'] }, { between: ['a', 'c'], direct: 'no' }, { between: ['b', 'c'], direct: 'no' }],
      vms: {
        'web-01': { host: 'a1' },
        'db-01': { host: 'a1', cpu: { model: 'Skylake-Server', features: ['avx512f'] }, disks: [{ name: 'vda', size: '20GiB' }] },
        'batch-01': { host: 'a2', power: 'off' },
        'app-01': { host: 'a1' },
      },
      ...embedded,
    },
  };
}
