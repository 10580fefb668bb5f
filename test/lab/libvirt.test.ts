/** The libvirt driver on the lab's hosts: what it reads, and what it says when it cannot. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isUnknown, type Inventory } from '../../provider/core/inventory.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import type { LibvirtDatacenter, LibvirtSsh } from '../../schema/generated/types.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { datacenter, ssh } from './datacenter.js';
import { addresses, clearLab, define, lab, labFed, virsh } from './kit.js';

async function survey(config: LibvirtDatacenter = datacenter()): Promise<Inventory> {
  const driver = await openLibvirt(resolveLibvirt(config), { baseDir: scratch });
  try {
    return await driver.survey({});
  } finally {
    await driver.close();
  }
}

/** Why a host is unknown. */
async function unread(own: LibvirtSsh, host = 'host-a'): Promise<string> {
  const { hosts } = await survey(datacenter(own));
  const found = hosts.find(({ name }) => name === host);
  if (found === undefined || !isUnknown(found.facts)) throw new Error(`${host} was read`);
  expect(found.state).toBe('unreachable');
  return found.facts.unknown;
}

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vmp-libvirt-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

const file = (name: string, content: string, mode = 0o600): string => {
  const path = join(scratch, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

describe('a survey', () => {
  afterEach(clearLab);

  test('reads all hosts and their VMs, wherever they are and whatever they are called', async () => {
    const hostile = `-it's "$(touch pwned)" größe`;
    lab('vm', 'host-a', 'web-01', '--no-wait');
    lab('vm', 'host-d', 'db-01', '--no-start');
    const xml = virsh('host-d', 'dumpxml', 'db-01')
      .replace('<name>db-01</name>', `<name>${hostile}</name>`)
      .replace(/<uuid>.*<\/uuid>/, '');
    define('host-d', xml);
    const { hosts, vms, clusters } = await survey();
    expect(hosts.map(({ name, cluster, state }) => [name, cluster, state])).toEqual([
      ['host-a', 'blue', 'connected'],
      ['host-b', 'blue', 'connected'],
      ['host-c', 'green', 'connected'],
      ['host-d', 'green', 'connected'],
    ]);
    expect(clusters.map(({ version }) => version)).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/), expect.any(String)]);
    expect(vms.map(({ name, copies }) => [name, copies.map(({ ref, power }) => [ref.host, power])])).toEqual([
      [hostile, [['host-d', 'off']]],
      ['db-01', [['host-d', 'off']]],
      ['web-01', [['host-a', 'running']]],
    ]);
    // Both have the disk of the one that was copied.
    expect(vms.slice(0, 2).map(({ disks }) => !isUnknown(disks) && disks[0]?.sharedWith)).toEqual([['db-01'], [hostile]]);
    expect(lab('exec', 'host-d', 'sh', '-c', 'ls -a /root /tmp /')).not.toContain('pwned');
  });

  test('tells what would stop a move: a snapshot, a checkpoint, a managed save, a transient definition', async () => {
    lab('vm', 'host-b', 'snapped', '--no-start');
    virsh('host-b', 'snapshot-create-as', 'snapped', 'before');
    lab('vm', 'host-b', 'backed-up');
    virsh('host-b', 'checkpoint-create-as', 'backed-up', 'monday');
    lab('vm', 'host-b', 'saved');
    virsh('host-b', 'managedsave', 'saved');
    lab('vm', 'host-b', 'fleeting');
    virsh('host-b', 'undefine', 'fleeting');
    const { vms } = await survey();
    const vm = (name: string) => vms.find((one) => one.name === name);
    expect(vm('snapped')?.snapshots).toEqual(['before']);
    expect(vm('backed-up')?.snapshots).toEqual(['checkpoint monday']);
    expect(vm('saved')?.copies[0]?.power).toBe('saved');
    expect(vm('fleeting')?.conditions).toEqual(['transient']);
  });

  test('knows a pool whose path holds what XML writes otherwise', async () => {
    const path = `/run/R&D's "<images>"`;
    const written = path.replace('&', '&amp;').replace('<', '&lt;');
    const xml = `<pool type='dir'><name>odd</name><target><path>${written}</path></target></pool>`;
    labFed(xml, 'exec', 'host-b', 'sh', '-euc', 'mkdir "$1"; touch "$1/a file"; cat | virsh -q pool-create /dev/stdin', 'sh', path);
    try {
      const { hosts } = await survey();
      const facts = hosts.find(({ name }) => name === 'host-b')?.facts;
      const pools = facts === undefined || isUnknown(facts) || isUnknown(facts.pools) ? [] : facts.pools;
      expect(pools).toContainEqual(expect.objectContaining({ name: 'odd', freeBytes: expect.any(Number), files: ['a file'] }));
    } finally {
      virsh('host-b', 'pool-destroy', 'odd');
    }
  });

  test('with 50 domains on a host takes one round trip and stays quick', async () => {
    const base = `<domain type='qemu'><name>NAME</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os></domain>`;
    const each = 'while IFS= read -r x; do printf "%s" "$x" | virsh -q define /dev/stdin > /dev/null; done';
    const xml = Array.from({ length: 50 }, (_, index) => base.replace('NAME', `vm-${index}`)).join('\n');
    labFed(`${xml}\n`, 'exec', 'host-c', 'bash', '-c', each);
    const began = Date.now();
    const { vms } = await survey();
    expect(vms).toHaveLength(50);
    expect(Date.now() - began).toBeLessThan(10_000);
  });
});

describe('a host that cannot be read is unknown, with the reason and the fix', () => {
  test('while the others are read', async () => {
    lab('link', 'host-a', 'off');
    try {
      const { hosts } = await survey();
      expect(hosts.map(({ facts }) => isUnknown(facts))).toEqual([true, false, false, false]);
    } finally {
      lab('link', 'host-a', 'on');
    }
  });

  test('nothing listens', async () => expect(await unread({ port: 2299 })).toMatch(/nothing listens there.*Next: start sshd/));

  test('its key is not known', async () => {
    const said = await unread({ knownHosts: file('empty', '') });
    expect(said).toMatch(/not known: it shows ssh-ed25519 SHA256:.*ssh-keyscan 10\.\d+\.1\.11/);
  });

  test('its key is another one', async () => {
    const other = lab('ssh', 'host-b', 'ssh-keygen -y -f /run/sshd/hostkey').split(' ').slice(0, 2).join(' ');
    expect(await unread({ knownHosts: file('other', `${addresses['host-a']} ${other}\n`) })).toMatch(
      /not the right one.*another one for it/,
    );
    expect(await unread({ hostKey: `SHA256:${'A'.repeat(43)}` })).toMatch(/not the right one.*declared as SHA256:AAAA/);
  });

  test('the right key may be pinned instead of known', async () => {
    const shown = lab('ssh', 'host-a', 'ssh-keygen -l -f /run/sshd/hostkey').split(' ')[1];
    const { hosts } = await survey(datacenter({ hostKey: shown!, knownHosts: file('none', '') }));
    expect(hosts[0]?.state).toBe('connected');
  });

  test('it refuses the login: no word of the password', async () => {
    process.env['VMP_TEST_PASSWORD'] = 'wrong-secret';
    const said = await unread({ passwordEnv: 'VMP_TEST_PASSWORD' });
    expect(said).toMatch(/refuses the login root with the password in \$VMP_TEST_PASSWORD/);
    expect(said).not.toContain('wrong-secret');
  });

  test('the key file is missing, or open to others', async () => {
    expect(await unread({ identityFile: 'nowhere' })).toMatch(/identityFile.*does not exist/);
    expect(await unread({ identityFile: file('open', 'x', 0o644) })).toMatch(/read by others.*chmod 600/);
  });

  test('libvirt does not run', async () => {
    lab('libvirtd', 'host-a', 'stop');
    try {
      expect(await unread({})).toMatch(/libvirt does not run there.*systemctl/);
    } finally {
      lab('libvirtd', 'host-a', 'start');
    }
  });
});

test('a jump host leads to hosts that this machine does not reach itself', async () => {
  // Only inside of the lab's second cluster, from host-c: 127.0.0.1 there is host-c itself.
  const config: LibvirtDatacenter = {
    ssh: {
      ...ssh,
      knownHosts: file(
        'jump',
        `${lab('exec', 'host-c', 'sh', '-c', `printf "127.0.0.1,${addresses['host-c']} "; ssh-keygen -y -f /run/sshd/hostkey`)}\n`,
      ),
    },
    jumpHosts: { gate: { address: addresses['host-c'] } },
    clusters: { green: { hosts: { inner: { address: '127.0.0.1', ssh: { via: 'gate' } } } } },
  };
  const { hosts } = await survey(config);
  expect(hosts).toMatchObject([{ name: 'inner', state: 'connected' }]);
});
