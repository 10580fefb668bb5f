/** What a hot move needs of two hosts is measured before it: real previews of the real engine. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Answer, Driver } from '../../provider/core/driver.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { addresses, clearLab, define, hosts, lab, login, running, virsh } from './kit.js';

const as = (host: string, script: string): string => lab('exec', host, 'sh', '-c', script);
const place = (host: string) => ({ cluster: host < 'host-c' ? 'blue' : 'green', host });

async function probed(from: string, to: string, config = datacenter()): Promise<Answer> {
  const driver: Driver = await openLibvirt(resolveLibvirt(config), { baseDir: '/' });
  try {
    const answer = await driver.probes?.reach(place(from), place(to));
    if (answer === undefined) throw new Error('no probes');
    return answer;
  } finally {
    await driver.close();
  }
}

const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

afterEach(() => lab('route', 'off'));

describe('root of one host reaches libvirt of another', () => {
  // Each test puts back what it takes away.
  beforeEach(() => as('host-a', 'rm -rf /tmp/ssh; cp -a /root/.ssh /tmp/ssh'));
  afterEach(() => as('host-a', 'rm -rf /root/.ssh/*; cp -a /tmp/ssh/. /root/.ssh/'));

  test('inside a cluster; in another one when there is a route', async () => {
    expect(await probed('host-a', 'host-b')).toMatchObject({ answer: 'yes' });
    expect(await probed('host-a', 'host-c')).toMatchObject({ answer: 'no', because: `host-a has no way to ${addresses['host-c']}` });
    lab('route', 'on');
    expect(await probed('host-a', 'host-c')).toMatchObject({ answer: 'yes' });
  });

  test('not without a key of its own; the way back is not concerned', async () => {
    as('host-a', 'rm /root/.ssh/id_ed25519');
    expect(await probed('host-a', 'host-b')).toEqual({
      answer: 'no',
      because: `root on host-a has no SSH key that root@${addresses['host-b']} accepts`,
      fix: `Run ssh-copy-id -p 22 root@${addresses['host-b']} as root on host-a, with a key that has no passphrase.`,
    });
    expect(await probed('host-b', 'host-a')).toMatchObject({ answer: 'yes' });
  });

  test('not where it does not know the host key, or knows another one; nobody is asked, and none is written', async () => {
    as('host-a', ': > /root/.ssh/config; : > /root/.ssh/known_hosts');
    expect((await probed('host-a', 'host-b')).because).toMatch(/does not know the host key/);
    expect(as('host-a', 'cat /root/.ssh/known_hosts')).toBe('');
    as(
      'host-a',
      `ssh-keygen -q -t ed25519 -N "" -f /tmp/k; echo "${addresses['host-b']} $(cut -d" " -f1,2 /tmp/k.pub)" > /root/.ssh/known_hosts; rm /tmp/k*`,
    );
    expect((await probed('host-a', 'host-b')).because).toMatch(/knows another host key/);
  });

  test('not while libvirt does not run there, nor when the host is silent', async () => {
    lab('libvirtd', 'host-b', 'stop');
    try {
      expect(await probed('host-a', 'host-b')).toMatchObject({ answer: 'no', because: 'libvirt does not run on host-b' });
    } finally {
      lab('libvirtd', 'host-b', 'start');
    }
    lab('link', 'host-b', 'off');
    try {
      expect((await probed('host-a', 'host-b')).because).toMatch(/is silent, as seen from host-a|host-a has no way/);
    } finally {
      lab('link', 'host-b', 'on');
    }
    expect(as('host-a', 'pgrep -x virsh || true')).toBe('');
  });

  test('as root also for a login with sudo; without it that cannot be known', async () => {
    login('host-a', 'ops', 'ops ALL=(root) NOPASSWD: /usr/bin/virsh');
    expect(await probed('host-a', 'host-b', datacenter({ user: 'ops', sudo: true }))).toMatchObject({ answer: 'yes' });
    expect(await probed('host-a', 'host-b', datacenter({ user: 'ops' }))).toMatchObject({
      answer: 'unknown',
      because: expect.stringMatching(/libvirtd of host-a runs as root, and ops may do nothing as root there/),
    });
    login('host-a', 'ops');
    expect(await probed('host-a', 'host-b', datacenter({ user: 'ops', sudo: true }))).toMatchObject({
      answer: 'unknown',
      because: expect.stringMatching(/may not run virsh by sudo on host-a/),
    });
  });

  test('a source that does not answer cannot be asked', async () => {
    lab('link', 'host-a', 'off');
    try {
      expect(await probed('host-a', 'host-b')).toMatchObject({
        answer: 'unknown',
        because: expect.stringMatching(/Host host-a .* does not answer/),
      });
    } finally {
      lab('link', 'host-a', 'on');
    }
  });
});

describe('in a preview', () => {
  beforeEach(() => as('host-a', 'rm -rf /tmp/ssh; cp -a /root/.ssh /tmp/ssh'));
  afterEach(() => {
    as('host-a', 'rm -rf /root/.ssh/*; cp -a /tmp/ssh/. /root/.ssh/');
    clearLab();
  });

  const to = async (fleet: Stack, host: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> =>
    fleet.write({ placements: { web: { vm: 'web-01', host, ...more } } });

  async function adopted(): Promise<Stack> {
    const fleet = await stack({ placements: { web: { vm: 'web-01', host: 'host-a' } } }, { libvirt: datacenter() });
    await done(fleet.pulumi('up', '--skip-preview'));
    return fleet;
  }

  /** It runs where it ran, and no host has anything of it but that one. */
  function isUntouched(): void {
    expect(running('host-a')).toEqual(['web-01']);
    for (const host of hosts.slice(1)) {
      expect(virsh(host, 'list', '--all', '--name').trim()).toBe('');
      expect(as(host, 'ls /var/lib/libvirt/images')).toBe('');
    }
  }

  test('root has no key any more: blocked, with the cause and the fix; an up does nothing either', async () => {
    lab('vm', 'host-a', 'web-01', '--no-wait');
    const fleet = await adopted();
    await to(fleet, 'host-b');
    as('host-a', 'rm /root/.ssh/id_ed25519');
    const preview = await fleet.pulumi('preview');
    expect(preview.code, preview.text).not.toBe(0);
    expect(flat(preview.text)).toMatch(
      /web-01 cannot be placed on blue\/host-b: - a hot move goes straight from blue\/host-a to blue\/host-b, and that way is closed: root on host-a has no SSH key that root@[\d.]+ accepts; measured at .*ssh-copy-id -p 22 root@[\d.]+ as root on host-a/,
    );
    const planned = await fleet.vmplacement('plan', '--file', 'Pulumi.yaml');
    expect(flat(planned.text)).toMatch(/no-direct-network.*root on host-a has no SSH key/);
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code).not.toBe(0);
    expect(flat(up.text)).toMatch(/root on host-a has no SSH key.*Nothing was done/);
    isUntouched();
    as('host-a', 'cp -a /tmp/ssh/. /root/.ssh/');
    await done(fleet.pulumi('preview'));
  });

  test('another cluster: no way there, then a route; auto moves it hot without a word in the configuration', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    const fleet = await adopted();
    await to(fleet, 'host-c');
    const closed = await fleet.pulumi('preview');
    expect(closed.code).not.toBe(0);
    expect(flat(closed.text)).toMatch(/that way is closed: host-a has no way to [\d.]+; measured at/);
    isUntouched();
    lab('route', 'on');
    const open = await done(fleet.pulumi('preview', '--diff'));
    expect(open.text).toMatch(/web-01 moves hot from blue\/host-a to green\/host-c/);
    await done(fleet.pulumi('up'));
    expect(running('host-c')).toEqual(['web-01']);
  });

  test('a link that is declared to be none stays none', async () => {
    lab('route', 'on');
    lab('vm', 'host-a', 'web-01', '--no-wait');
    const fleet = await stack(
      { placements: { web: { vm: 'web-01', host: 'host-c', method: 'hot' } } },
      { libvirt: { ...datacenter(), links: [{ between: ['blue', 'green'], direct: 'no' }] } },
    );
    const preview = await fleet.pulumi('preview');
    expect(flat(preview.text)).toMatch(/a hot move needs a direct network.*the link blue - green is declared: no/);
  });

  test('a CPU that the hypervisor of the target lacks is a blocker, and what is lacking is named', async () => {
    lab('vm', 'host-a', 'web-01', '--no-wait');
    const fleet = await adopted();
    await to(fleet, 'host-b');
    // What libvirt found out of QEMU is kept in files, which it believes.
    as('host-b', `sed -i "s/\\(name='lahf.lm' type='boolean' value=\\)'true'/\\1'false'/" /var/cache/libvirt/qemu/capabilities/*.xml`);
    restartLibvirt('host-b');
    try {
      const preview = await fleet.pulumi('preview');
      expect(preview.code, preview.text).not.toBe(0);
      expect(flat(preview.text)).toMatch(
        /the hypervisor of blue\/host-b cannot go on with the CPU that VM web-01 was started with: it lacks lahf_lm/,
      );
      isUntouched();
    } finally {
      as('host-b', 'rm /var/cache/libvirt/qemu/capabilities/*.xml');
      restartLibvirt('host-b');
    }
    await done(fleet.pulumi('preview'));
  });

  test('a VM with the CPU model of its host, which has features taken away by name, moves to a host that is the same', async () => {
    lab('vm', 'host-a', 'web-01', '--no-start');
    define('host-a', virsh('host-a', 'dumpxml', 'web-01').replace(/<cpu.*?<\/cpu>/s, `<cpu mode='host-model'/>`));
    virsh('host-a', 'start', 'web-01');
    lab('wait', 'host-a', 'web-01', '^ACK', '90');
    expect(virsh('host-a', 'dumpxml', 'web-01')).toMatch(/<feature policy='disable'/);
    const fleet = await adopted();
    await to(fleet, 'host-b');
    await done(fleet.pulumi('up'));
    expect(running('host-b')).toEqual(['web-01']);
  });
});

function restartLibvirt(host: string): void {
  lab('libvirtd', host, 'stop');
  lab('libvirtd', host, 'start');
}
