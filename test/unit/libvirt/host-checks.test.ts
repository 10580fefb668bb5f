import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PlacementError } from '../../../provider/core/errors.js';
import { hostChecks, imagesOf, type Seen } from '../../../provider/drivers/libvirt/host-checks.js';
import { cut } from '../../../provider/drivers/libvirt/reading.js';
import { hostFacts } from '../../../provider/drivers/libvirt/survey-host.js';

/** As a host of the lab answered, which had all that moves need. */
const captured = cut(readFileSync(join(import.meta.dirname, 'fixtures/host-a.txt'), 'utf8'), 'NNN');
const at = { cluster: 'blue', host: 'host-a' };
const usual: Seen = { at, user: 'doc', sudo: true, reading: captured, denied: [], closed: [], inactivePools: [], served: 'yes' };
const but = (...changes: readonly (readonly [string, string])[]) => new Map([...captured, ...changes]);

/** "kind result: message -> fix", of what is not well. */
const faults = (seen: Partial<Seen>): readonly string[] =>
  hostChecks({ ...usual, ...seen })
    .filter(({ result }) => result !== 'ok')
    .map(({ kind, result, message, fix }) => `${kind} ${result}: ${message} -> ${fix}`);

test('given a host that has all, then one line of each kind', () => {
  expect(hostChecks(usual).map(({ host, kind, result, message, fix }) => [host, kind, result, message, fix])).toEqual([
    [at, 'tools', 'ok', expect.stringMatching(/^libvirt 9\.0\.0, QEMU 7\.2/), ''],
    [at, 'rights', 'ok', 'full rights on qemu:///system by sudo, and a disk can be served', ''],
    [at, 'pools', 'ok', expect.stringMatching(/^default \(dir, .+\), .* free$/), ''],
    [at, 'kvm', 'ok', 'KVM', ''],
  ]);
});

describe('tools', () => {
  test.each([
    [
      'qemu-nbd',
      /^tools fail: no qemu-nbd: cold and staged moves from and to it are not possible -> install qemu-utils \(Debian, Ubuntu\) or qemu-img/,
    ],
    ['awk', /^tools fail: no awk: hot moves .* -> install mawk .* or gawk/],
    ['flock', /^tools fail: no flock: hot, cold and staged moves .* -> install util-linux/],
    ['grep', /^tools warn: no grep: when and why the power of a VM changed is unknown -> install grep/],
  ])('%s: the methods that it takes away, and the package', (tool, said) => {
    expect(faults({ reading: but(['missing', tool]) })).toEqual([expect.stringMatching(said)]);
  });

  test('what takes a method away is a fact of the host too, so that the preview says so', () => {
    expect(hostFacts(but(['missing', 'qemu-nbd\ngrep']), []).lacks).toEqual([
      { what: 'qemu-nbd', methods: ['cold', 'staged'], fix: expect.stringContaining('qemu-utils') },
    ]);
    expect(hostFacts(but(['root', '']), []).lacks).toEqual([
      { what: 'root rights for the login', methods: ['cold', 'staged'], fix: expect.stringContaining('set ssh.sudo') },
    ]);
    const certificates = but(['certificates', '/etc/pki/qemu/ca-cert.pem\n/etc/pki/qemu/server-cert.pem']);
    expect(hostFacts(certificates, [], true).lacks).toEqual([
      {
        what: '/etc/pki/qemu/ca-cert.pem, /etc/pki/qemu/server-cert.pem',
        methods: ['hot'],
        fix: expect.stringContaining('leave tls out'),
      },
    ]);
    expect(hostFacts(certificates, [])).not.toHaveProperty('lacks');
    expect(hostFacts(but(['root', 'yes']), [])).not.toHaveProperty('lacks');
    expect(hostFacts(captured, [])).not.toHaveProperty('lacks');
  });

  test('no QEMU', () => {
    expect(faults({ reading: but(['version', 'Using library: libvirt 9.0.0']) })).toEqual([
      expect.stringMatching(/^tools fail: libvirt finds no QEMU.*qemu-kvm/),
    ]);
  });
});

describe('rights', () => {
  test('sudo refuses a program: the line that lets it', () => {
    expect(faults({ denied: ['qemu-img', 'qemu-nbd'], served: 'not tried' })).toEqual([
      'rights fail: doc may not run qemu-img and qemu-nbd by sudo without a password: cold and staged moves from and to it are not possible -> ' +
        'add to sudoers there (visudo): doc ALL=(root) NOPASSWD: /usr/bin/qemu-img, /usr/bin/qemu-nbd',
    ]);
  });

  test('the logs are not readable, by sudo or without it', () => {
    const refused = 'sudo: a password is required';
    expect(faults({ reading: but(['logs', refused]) })).toEqual([
      expect.stringMatching(/^rights warn: .*\/var\/log\/libvirt\/qemu.*sudoers.*grep -aH -e starting/),
    ]);
    const closed =
      'grep: /var/log/libvirt/qemu/web 01.log: Permission denied\ngrep: /var/log/libvirt/qemu/b.log: No such file or directory';
    expect(faults({ sudo: false, reading: but(['logs', closed]) })).toEqual([
      expect.stringMatching(/^rights warn: doc may not read .*\/web 01\.log: .*set ssh\.sudo/),
    ]);
  });

  test('images that the login may not open', () => {
    expect(faults({ sudo: false, closed: ['/pool/a b.qcow2'] })).toEqual([
      expect.stringMatching(/^rights warn: doc may not open the image \/pool\/a b\.qcow2, so its VM cannot move cold -> set ssh\.sudo/),
    ]);
    expect(faults({ sudo: false, closed: ['/pool/a', '/pool/b'] })).toEqual([
      expect.stringMatching(/may not open 2 images, as \/pool\/a, so their VMs cannot move cold/),
    ]);
  });

  test('a disk that does not reach us: why, and its own fix', () => {
    const served = new PlacementError('platform', 'sshd of host host-a opens no socket there for us: open failed.', {
      next: 'look at AllowStreamLocalForwarding',
    });
    expect(faults({ served })).toEqual([
      'rights fail: cold and staged moves from and to it are not possible: sshd of host host-a opens no socket there for us: open failed. -> look at AllowStreamLocalForwarding.',
    ]);
  });
});

describe('pools', () => {
  const folder = 'fs-/var/lib/libvirt/images';
  const capacity = Number(/<capacity unit='bytes'>(\d+)/.exec([...captured.entries()].find(([key]) => key.startsWith('pool-'))![1])![1]);
  test.each([
    [0.04, 1],
    [0.06, 0],
  ])('with a part of %d free: %d warnings', (part, warnings) => {
    const said = faults({ reading: but([folder, `ext4 ${Math.floor(capacity * part)} 1 ${capacity}`]) });
    expect(said).toHaveLength(warnings);
    for (const line of said)
      expect(line).toMatch(/^pools warn: pool default is nearly full: .* -> free space in \/var\/lib\/libvirt\/images/);
  });

  test('none at all, and those that are not active', () => {
    const none = new Map([...captured].filter(([key]) => !key.startsWith('pool-')));
    expect(faults({ reading: none, inactivePools: ['old'] })).toEqual([
      expect.stringMatching(/^pools warn: no active storage pool.*pool-define-as/),
      `pools warn: pool old is not active -> virsh pool-start 'old' there, and pool-autostart it.`,
    ]);
  });
});

test('no KVM is told, and is no fault', () => {
  const reading = but(['domcapabilities-kvm', '']);
  expect(hostChecks({ ...usual, reading }).find(({ kind }) => kind === 'kvm')).toMatchObject({
    result: 'ok',
    message: expect.stringContaining('no KVM'),
  });
});

test('the images of a host are those of its domains, once each', () => {
  expect(imagesOf(captured, at)).toContain('/var/lib/libvirt/images/two words.qcow2');
  expect(new Set(imagesOf(captured, at)).size).toBe(imagesOf(captured, at).length);
});
