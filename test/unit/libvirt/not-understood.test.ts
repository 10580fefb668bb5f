import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Inventory } from '../../../provider/core/inventory.js';
import type { Connection } from '../../../provider/drivers/libvirt/connection.js';
import { inventoryOf, readDatacenter } from '../../../provider/drivers/libvirt/survey.js';
import { resolveLibvirt } from '../../../schema/libvirt.js';

/** As a host of the lab answered. */
const captured = readFileSync(join(import.meta.dirname, 'fixtures/host-a.txt'), 'utf8');
const config = resolveLibvirt({ clusters: { a: { hosts: { whole: {}, broken: {} } } } });

/** A survey whose answers are the captured one, that of `broken` changed. */
async function surveyed(change: (text: string) => string): Promise<Inventory> {
  const answers = (host: string, nonce: string): string => (host === 'broken' ? change(captured) : captured).replaceAll('NNN', nonce);
  const connectionTo = (name: string): Connection =>
    ({
      target: config.clusters[0]?.hosts.find((host) => host.name === name),
      shell: {
        run: (asked: string) => Promise.resolve({ code: 0, stdout: answers(name, /@@.*' (\w+) /.exec(asked)?.[1] ?? ''), stderr: '' }),
      },
    }) as unknown as Connection;
  return inventoryOf(await readDatacenter(config, connectionTo), {});
}

test('given a host that answers what is not well formed, then it alone is unknown, with the reason, and none of its VMs is told', async () => {
  const { hosts, vms } = await surveyed((text) => text.replace('</domain>', '</domai'));
  expect(hosts).toMatchObject([
    { name: 'whole', state: 'connected' },
    {
      name: 'broken',
      state: 'unreachable',
      facts: { unknown: expect.stringMatching(/broken was read, but not understood: .*well-formed/) },
    },
  ]);
  expect(vms.length).toBeGreaterThan(0);
  expect(vms.flatMap(({ copies }) => copies.map(({ ref }) => ref.host))).not.toContain('broken');
});

test('given an answer that breaks off, then the host is unknown', async () => {
  const { hosts } = await surveyed((text) => text.slice(0, text.length / 2));
  expect(hosts[1]).toMatchObject({ state: 'unreachable', facts: { unknown: expect.stringContaining('broken cannot be read') } });
});
