/** `vmplacement doctor` on real hosts: each fault is named with what to do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { datacenter } from './datacenter.js';
import { doctor, doctorText, faultsOf, type Check } from './doctor.js';
import { clearLab, hosts, lab, login, virsh } from './kit.js';

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vmp-doctor-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(clearLab);

const named = (checks: readonly Check[], name: string): Check | undefined => checks.find((check) => check.name === name);

test('given hosts that all answer, then they, their versions and clocks, and all that moves need are well', async () => {
  const checks = await doctor(datacenter());
  expect(named(checks, 'hosts')).toMatchObject({ result: 'ok', message: expect.stringMatching(/^4 hosts of 4 in 2 clusters/) });
  expect(named(checks, 'versions')).toMatchObject({ result: 'ok', message: expect.stringMatching(/blue \d+\.\d+\.\d+, green \d/) });
  expect(named(checks, 'clocks')?.result).toBe('ok');
  expect(named(checks, 'ssh')?.result).toBe('ok');
  const ofHosts = checks.filter(({ host }) => host !== undefined);
  expect(ofHosts.map(({ name, host, result }) => `${host ?? ''} ${name} ${result}`)).toEqual(
    ['blue/host-a', 'blue/host-b', 'green/host-c', 'green/host-d'].flatMap((host) =>
      ['tools', 'rights', 'pools', 'kvm'].map((kind) => `${host} ${kind} ok`),
    ),
  );
  const text = await doctorText(datacenter());
  expect(text).toMatch(/ok {3}tools: +4 hosts: libvirt \d/);
  expect(text).toMatch(/ok {3}rights: +4 hosts: full rights on qemu:\/\/\/system, and a disk can be\s+served/);
});

test('nothing of it stays on the hosts', async () => {
  await doctor(datacenter());
  for (const host of hosts) expect(lab('exec', host, 'sh', '-c', 'find /tmp/vmplacement-* ! -type d')).toBe('');
});

test('given clusters without a way between them, and a host whose root has no key, then which hot moves do not go, why, and what to do', async () => {
  lab('exec', 'host-a', 'mv', '/root/.ssh/id_ed25519', '/tmp/key');
  try {
    const links = (await doctor(datacenter())).filter(({ name }) => name === 'links');
    expect(links.map(({ result, message }) => [result, message])).toEqual([
      ['warn', expect.stringMatching(/^blue -> blue: no hot move from host-a: root on host-a has no SSH key that root@[\d.]+ accepts$/)],
      ['warn', expect.stringMatching(/^blue -> green: no hot move from host-a, host-b: host-a has no way to/)],
      ['warn', expect.stringMatching(/^green -> blue: no hot move from host-c, host-d: host-c has no way to/)],
    ]);
    expect(links[0]?.fix).toMatch(/ssh-copy-id .* as root on host-a/);
    expect(links[1]?.fix).toContain(`links: [{between: [blue, green], direct: 'no'}]`);
  } finally {
    lab('exec', 'host-a', 'mv', '/tmp/key', '/root/.ssh/id_ed25519');
  }
  lab('route', 'on');
  try {
    expect(named(await doctor(datacenter()), 'links')).toMatchObject({ result: 'ok', message: expect.stringMatching(/\(8 tried\)$/) });
  } finally {
    lab('route', 'off');
  }
});

test('given a host without a known key, one without libvirt and one cut off, then each by itself with its fix', async () => {
  const empty = join(scratch, 'empty');
  writeFileSync(empty, '');
  lab('libvirtd', 'host-b', 'stop');
  lab('link', 'host-c', 'off');
  try {
    const faults = (await doctor(datacenter({ knownHosts: empty }))).filter(({ name }) => name === 'host');
    expect(faults.map(({ message, fix }) => [message.split(':')[0], fix])).toEqual([
      ['blue/host-a', expect.stringContaining('ssh-keyscan')],
      ['blue/host-b', expect.stringContaining('systemctl start libvirtd')],
      ['green/host-c', expect.stringMatching(/bring it up/)],
    ]);
  } finally {
    lab('libvirtd', 'host-b', 'start');
    lab('link', 'host-c', 'on');
  }
});

const all = [
  'some ALL=(root) NOPASSWD: /usr/bin/virsh, /usr/bin/qemu-img, /usr/bin/qemu-nbd',
  'some ALL=(root) NOPASSWD: /usr/bin/grep -aH -e starting -e shutting -- /var/log/libvirt/qemu/*',
];
const umask = 'Defaults!/usr/bin/qemu-nbd umask=0000, umask_override';

test.each([
  ['all of them', [...all, umask], []],
  [
    'virsh only',
    ['some ALL=(root) NOPASSWD: /usr/bin/virsh'],
    [
      /^rights: some may not run qemu-img and qemu-nbd by sudo .* -> add to sudoers .*: some ALL=\(root\) NOPASSWD: \/usr\/bin\/qemu-img, \/usr\/bin\/qemu-nbd$/,
      /^rights: some may not read \/var\/log\/libvirt\/qemu: .*NOPASSWD: \/usr\/bin\/grep -aH/,
    ],
  ],
  [
    'without its umask',
    all,
    [
      /^rights: cold and staged moves .* some cannot reach the socket of a qemu-nbd of root\. -> add the lines of docs\/drivers\/libvirt\.md/,
    ],
  ],
  ['none', [], [/^host: blue\/host-a: .* some may not run virsh by sudo without a password -> add the lines of/]],
] as const)('a login with the lines of sudoers: %s', async (_what, lines, said) => {
  lab('vm', 'host-a', 'web-01', '--no-start');
  login('host-a', 'some', ...lines);
  const checks = await doctor(datacenter({ user: 'some', sudo: true }));
  expect(faultsOf(checks, 'blue/host-a')).toEqual(said.map((line) => expect.stringMatching(line)));
});

test('a login of the group libvirt that may not open the images, on a host that forwards no sockets, with pools that do not work', async () => {
  lab('vm', 'host-a', 'web-01', '--no-start');
  lab('exec', 'host-a', 'chmod', '600', '/var/lib/libvirt/images/web-01.qcow2');
  lab('exec', 'host-a', 'install', '-D', '-m', '600', '/dev/null', '/var/log/libvirt/qemu/web-01.log');
  login('host-a', 'some');
  virsh('host-a', 'pool-define-as', 'old', 'dir', '--target', '/srv/old');
  const sshd =
    '/usr/sbin/sshd -f /dev/null -p 2223 -o PidFile=/run/sshd-2223.pid -o UsePAM=no -o HostKey=/run/sshd/hostkey -o AllowStreamLocalForwarding=no';
  lab('exec', 'host-a', 'sh', '-c', sshd);
  try {
    const hostKey = lab('ssh', 'host-a', 'ssh-keygen -l -f /run/sshd/hostkey').split(' ')[1]!;
    const checks = await doctor(datacenter({ user: 'some', port: 2223, hostKey }));
    expect(faultsOf(checks, 'blue/host-a')).toEqual([
      expect.stringMatching(/^rights: some may not open the image .*web-01\.qcow2, so its VM cannot move cold -> set ssh\.sudo/),
      expect.stringMatching(
        /^rights: cold and staged moves .*sshd of host host-a opens no socket .* -> look at AllowStreamLocalForwarding/,
      ),
      expect.stringMatching(/^rights: some may not read \/var\/log\/libvirt\/qemu\/web-01\.log: .* -> set ssh\.sudo/),
      expect.stringMatching(/^pools: pool old is not active -> virsh pool-start 'old'/),
    ]);
  } finally {
    lab('exec', 'host-a', 'sh', '-c', 'kill $(cat /run/sshd-2223.pid)');
    virsh('host-a', 'pool-undefine', 'old');
  }
});
