/** What libvirt and ssh said on hosts of the lab (libvirt 9.0, OpenSSH 9.2), and what is made of it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Connection, Executed } from '../../../provider/drivers/libvirt/connection.js';
import { cpuAnswer, cpuDefinitionOf } from '../../../provider/drivers/libvirt/cpu-compare.js';
import { NOT_ROOT, reach, reachAnswer } from '../../../provider/drivers/libvirt/reach.js';
import { parseXml } from '../../../provider/drivers/libvirt/xml.js';
import type { ResolvedSshTarget } from '../../../schema/libvirt.js';

const target = (name: string, over: Partial<ResolvedSshTarget> = {}): ResolvedSshTarget =>
  ({ name, address: '10.0.1.12', port: 22, user: 'root', migrationUser: 'root', sudo: false, ...over }) as ResolvedSshTarget;

const said = (
  stderr: string,
  code = 1,
  over: { readonly from?: Partial<ResolvedSshTarget>; readonly to?: Partial<ResolvedSshTarget> } = {},
) => reachAnswer({ code, stdout: '', stderr }, { from: target('host-a', over.from), to: target('host-b', over.to), seconds: 4 });

/** As libvirt wraps what ssh says. */
const ssh = (text: string): string =>
  `error: failed to connect to the hypervisor\nerror: Cannot recv data: ${text}: Connection reset by peer\n`;

const changed = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key for 10.0.1.12 has changed and you have requested strict checking.
Host key verification failed.`;
const socket = `error: failed to connect to the hypervisor
error: End of file while reading data: virt-ssh-helper: cannot connect to '/var/run/libvirt/libvirt-sock': Failed to connect socket to '/var/run/libvirt/libvirt-sock': REASON: Input/output error`;

describe('reach', () => {
  // Measured on a busy host: ssh ended before libvirt had said a word to it.
  test.each([
    ['kill -PIPE $$', 1],
    ['echo "error: internal error: client socket is closed" >&2; exit 1', 2],
  ])('that libvirt loses what its ssh said is asked again: %s', async (lost, times) => {
    const folder = mkdtempSync(join(tmpdir(), 'vmp-reach-'));
    const noRoute = ssh('ssh: connect to host 10.0.1.12 port 22: Network is unreachable');
    const program = `#!/bin/sh\necho >> ${folder}/runs\n[ $(wc -l < ${folder}/runs) -gt ${times} ] || { ${lost}; }\necho '${noRoute}' >&2; exit 1\n`;
    writeFileSync(join(folder, 'sudo'), program, { mode: 0o755 });
    const exec = (line: string): Promise<Executed> => {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
        env: { PATH: `${folder}:/usr/bin:/bin` },
        encoding: 'utf8',
      });
      return Promise.resolve({ code: status ?? -1, stdout, stderr });
    };
    const from = { target: target('host-a', { sudo: true }), exec } as unknown as Connection;
    expect(await reach(from, target('host-b'), 4000)).toMatchObject({ answer: 'no', because: 'host-a has no way to 10.0.1.12' });
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toHaveLength(times + 1);
    rmSync(folder, { recursive: true });
  });

  test('that it answers is a yes', () => expect(said('', 0)).toMatchObject({ answer: 'yes' }));

  test.each<[string, string, RegExp, RegExp]>([
    [
      'no credential',
      ssh('root@10.0.1.12: Permission denied (publickey,keyboard-interactive).'),
      /root on host-a has no SSH key that root@10\.0\.1\.12 accepts/,
      /ssh-copy-id -p 22 root@10\.0\.1\.12 as root on host-a/,
    ],
    [
      'a host key that is not known',
      ssh('Host key verification failed.'),
      /root on host-a does not know the host key of 10\.0\.1\.12 port 22/,
      /ssh -p 22 root@10\.0\.1\.12 once as root on host-a/,
    ],
    ['another host key', ssh(changed), /knows another host key/, /ssh-keygen -R '10\.0\.1\.12'/],
    ['no route', ssh('ssh: connect to host 10.0.1.12 port 22: Network is unreachable'), /host-a has no way to 10\.0\.1\.12/, /route/],
    [
      'a port that is closed',
      ssh('ssh: connect to host 10.0.1.12 port 22: Connection refused'),
      /nothing listens at 10\.0\.1\.12 port 22/,
      /sshd/,
    ],
    [
      'a name that is not known',
      ssh('ssh: Could not resolve hostname b.example: Temporary failure in name resolution'),
      /does not know the name/,
      /name service/,
    ],
    [
      'a firewall that drops',
      ssh('ssh: connect to host 10.0.1.12 port 22: Connection timed out'),
      /is silent, as seen from host-a/,
      /firewall/,
    ],
    [
      'libvirt that does not run',
      socket.replace('REASON', 'No such file or directory'),
      /libvirt does not run on host-b/,
      /systemctl start/,
    ],
    [
      'no right on libvirt',
      socket.replace('REASON', 'Permission denied'),
      /root@10\.0\.1\.12 has no right on libvirt of host-b/,
      /group libvirt/,
    ],
    ['nothing there that passes it on', ssh('sh: 1: nc: not found'), /neither virt-ssh-helper nor nc on host-b/, /Install/],
    [
      'what nobody foresaw',
      ssh('a quantum error'),
      /cannot connect to that of host-b: failed to connect to the hypervisor: .*quantum/,
      /virsh -c 'qemu\+ssh:\/\/root@10\.0\.1\.12:22/,
    ],
  ])('%s is a no, with the cause and the fix', (_what, stderr, because, fix) => {
    expect(said(stderr)).toEqual({ answer: 'no', because: expect.stringMatching(because), fix: expect.stringMatching(fix) });
  });

  test('no answer in time is a no', () =>
    expect(said('', 124)).toMatchObject({ answer: 'no', because: '10.0.1.12 port 22 is silent, as seen from host-a (for 4 s)' }));

  test.each<[string, string, number, RegExp]>([
    ['a login that is not root', '', NOT_ROOT, /libvirtd of host-a runs as root, and ops may do nothing as root there/],
    ['no right to sudo', 'sudo: a password is required\n', 1, /ops may not run virsh by sudo on host-a/],
    ['no virsh', 'sh: 1: virsh: not found', 127, /no virsh/],
    ['anything else', '', 139, /ended with 139/],
  ])('%s tells nothing of it: unknown', (_what, stderr, code, because) => {
    expect(said(stderr, code, { from: { user: 'ops' } })).toMatchObject({ answer: 'unknown', because: expect.stringMatching(because) });
  });

  test('a host key stands under its port where that is not the usual one', () =>
    expect(said(ssh(changed), 1, { to: { port: 2222 } }).fix).toContain(`ssh-keygen -R '[10.0.1.12]:2222'`));
});

describe('a CPU', () => {
  const failed = (text: string) =>
    cpuAnswer({ code: 1, stdout: '', stderr: `error: Failed to compare hypervisor CPU with /dev/stdin\nerror: ${text}\n` });

  test('that fits', () => expect(cpuAnswer({ code: 0, stdout: 'superset', stderr: '' })).toMatchObject({ answer: 'yes' }));
  test('that does not: what is lacking is named', () =>
    expect(failed('the CPU is incompatible with host CPU: Host CPU does not provide required features: vme, avx512f')).toMatchObject({
      answer: 'no',
      because: 'it lacks vme, avx512f',
    }));
  test('that is not known there', () =>
    expect(failed('internal error: Unknown CPU model Nonsense')).toMatchObject({
      answer: 'no',
      because: expect.stringMatching(/model Nonsense/),
    }));
  test('that cannot be compared there is unknown', () =>
    expect(failed('this function is not supported by the connection driver')).toMatchObject({
      answer: 'unknown',
      because: expect.stringMatching(/not supported/),
    }));

  const domain = (cpu: string) => parseXml(`<domain type='qemu'>${cpu}</domain>`);
  test('is the same whatever else differs, such as how many of it there are', () => {
    const one = domain(`<cpu mode='custom'>\n  <model>qemu64</model>\n  <feature policy='disable' name='vme'/>\n</cpu>`);
    const two = domain(
      `<cpu mode='custom'>\n  <model>qemu64</model>\n  <topology sockets='2'/>\n  <feature policy='disable' name='vme'/>\n</cpu>`,
    );
    expect(cpuDefinitionOf(one)).toBe(
      `<domain type="qemu"><cpu mode="custom"><model>qemu64</model><feature policy="disable" name="vme"/></cpu></domain>`,
    );
    expect(cpuDefinitionOf(two)).toBe(cpuDefinitionOf(one));
  });
  test('that is passed through, or is none, has nothing to compare', () => {
    expect(cpuDefinitionOf(domain(`<cpu mode='host-passthrough'/>`))).toBeNull();
    expect(cpuDefinitionOf(domain(''))).toBeNull();
  });
});
