/** The reading of one host, by its number of domains: with a new connection, and with one that is kept. */
import { readDatacenter } from '../provider/drivers/libvirt/survey.js';
import { resolveLibvirt } from '../schema/libvirt.js';
import { addresses, clearLab, lab, virsh } from '../test/lab/kit.js';
import { ssh } from '../test/lab/datacenter.js';
import { connections } from './libvirt-hosts.js';
import { median, milliseconds, print } from './figures.js';

const host = 'host-a';

export async function survey(rounds: number): Promise<void> {
  const config = resolveLibvirt({ ssh, clusters: { blue: { hosts: { [host]: { address: addresses[host] } } } } });
  const rows: string[][] = [];
  try {
    for (const count of [1, 10, 50]) {
      while (virsh(host, 'list', '--all', '--name').trim().split('\n').filter(Boolean).length < count)
        lab(
          'vm',
          host,
          `vm-${virsh(host, 'list', '--all', '--name').trim().split('\n').filter(Boolean).length + 1}`,
          '--size',
          '64M',
          '--no-start',
        );
      const read = async (again: number): Promise<number[]> =>
        connections([host], async ([connection]) => {
          const times: number[] = [];
          for (let index = 0; index <= again; index += 1) {
            const began = performance.now();
            const { domains } = await readDatacenter(config, () => connection!);
            if (domains.length !== count) throw new Error(`${domains.length} domains were read`);
            times.push(performance.now() - began);
          }
          return times;
        });
      const first: number[] = [];
      for (let round = 0; round < rounds; round += 1) first.push(...(await read(0)));
      const [, ...kept] = await read(rounds);
      rows.push([String(count), milliseconds(median(first)), milliseconds(median(kept))]);
    }
  } finally {
    clearLab();
  }
  print(`Reading one host, medians of ${rounds}`, ['domains', 'with a new connection', 'with one that is kept'], rows);
}
