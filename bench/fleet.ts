/** A datacenter of N VMs, the same for every benchmark, and a stack that declares each of them where it is. */
import type { EmbeddedDatacenter, LibvirtDatacenter } from '../schema/generated/types.js';

const vmsPerHost = 25;
const clusterNames = ['a', 'b', 'c', 'd'] as const;

export interface Fleet {
  readonly datacenter: { readonly embedded: EmbeddedDatacenter } | { readonly libvirt: LibvirtDatacenter };
  /** Host of every VM, by its name. */
  readonly hosts: ReadonlyMap<string, string>;
}

/** 25 VMs of 4 GiB a host, four clusters that reach each other; one VM in five is off, one in ten has a second disk. */
export function fleet(count: number): Fleet {
  const hostNames = Array.from({ length: Math.ceil(count / vmsPerHost) }, (_, index) => {
    const cluster = clusterNames[index % clusterNames.length] ?? 'a';
    return { cluster, host: `${cluster}${String(index + 1).padStart(3, '0')}` };
  });
  const clusters = [...new Set(hostNames.map(({ cluster }) => cluster))];
  const vms = Array.from({ length: count }, (_, index) => {
    const host = hostNames[Math.floor(index / vmsPerHost)]?.host ?? '';
    return { name: `vm-${String(index + 1).padStart(5, '0')}`, host, index };
  });
  return {
    datacenter: {
      embedded: {
        clusters: Object.fromEntries(
          clusters.map((name) => [
            name,
            {
              hosts: Object.fromEntries(
                hostNames
                  .filter(({ cluster }) => cluster === name)
                  .map(({ host }) => [host, { memory: '256GiB', pools: { default: { capacity: '20TiB' } } }]),
              ),
            },
          ]),
        ),
        links: clusters.flatMap((a, index) => clusters.slice(index + 1).map((b) => ({ between: [a, b] }))),
        vms: Object.fromEntries(
          vms.map(({ name, host, index }) => [
            name,
            {
              host,
              memory: '4GiB',
              power: index % 5 === 0 ? 'off' : 'running',
              disks: [{ name: 'vda', size: '40GiB' }, ...(index % 10 === 1 ? [{ name: 'vdb', size: '100GiB' }] : [])],
            },
          ]),
        ),
      },
    },
    hosts: new Map(vms.map(({ name, host }) => [name, host])),
  };
}
