/**
 * What stands against a move from host-b to host-a: the preview says it, `up` does nothing, and where it is about a host `doctor` names it
 * with its fix. Everything is as it was before.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { LibvirtDatacenter, LibvirtSsh } from '../../schema/generated/types.js';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter, ssh } from './datacenter.js';
import { doctor, faultsOf } from './doctor.js';
import { clearLab, hosts, lab, labFed, login, virsh } from './kit.js';

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vmp-bad-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(clearLab);

const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** All definitions, what runs, and every file in a pool or of ours. */
const everything = (): readonly string[] =>
  hosts.map((host) =>
    lab(
      'exec',
      host,
      'sh',
      '-c',
      'virsh -q list --all; for d in $(virsh -q list --all --uuid); do virsh dumpxml $d --inactive --security-info; done; ' +
        'find /var/lib/libvirt/images /run/small ! -type d -printf "%p %i %s %T+ %m %u\\n" 2> /dev/null; find /tmp/vmplacement-* ! -type d 2> /dev/null; true',
    ),
  );

/** A VM that is off on host-b, adopted there. */
async function adopted(placement: Readonly<Record<string, unknown>> = {}): Promise<Stack> {
  const made = await stack({ placements: { web: { vm: 'web-01', host: 'host-b', ...placement } } }, { libvirt: datacenter() });
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

interface Refusal {
  readonly says: RegExp;
  readonly libvirt?: LibvirtDatacenter;
  readonly declared?: Readonly<Record<string, unknown>>;
}

/** Declares host-a: neither a preview nor an `up` goes through, both say why, and nothing is touched. */
async function refuses(fleet: Stack, { says, libvirt = datacenter(), declared = {} }: Refusal): Promise<void> {
  await fleet.configure({ libvirt });
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-a', ...declared } } });
  const before = everything();
  for (const command of [['preview'], ['up', '--skip-preview']]) {
    const { code, text } = await fleet.pulumi(...command);
    expect(code, text).not.toBe(0);
    expect(flat(text)).toMatch(says);
  }
  expect(everything()).toEqual(before);
}

describe('a target that cannot be read', () => {
  test('its key is another one than declared', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    const libvirt = datacenter({ hostKey: `SHA256:${'A'.repeat(43)}` });
    const says =
      /blue\/host-a.*The key of host host-a is not the right one: it shows \S+ SHA256:\S+, but its hostKey is declared as SHA256:A+/;
    await refuses(await adopted(), { says, libvirt });
    expect(faultsOf(await doctor(libvirt), 'blue/host-a')).toEqual([
      expect.stringMatching(/^host: .*The key of host host-a is not the right one.* -> find out why the key changed/),
    ]);
  });

  test('it is unreachable', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    const fleet = await adopted();
    lab('link', 'host-a', 'off');
    try {
      await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-a' } } });
      for (const command of [['preview'], ['up', '--skip-preview']]) {
        const { code, text } = await fleet.pulumi(...command);
        expect(code, text).not.toBe(0);
        expect(flat(text)).toMatch(/Host host-a \(10\.\d+\.1\.11 port 22\) does not answer/);
      }
      expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('web-01');
      expect(faultsOf(await doctor(datacenter()), 'blue/host-a')).toEqual([
        expect.stringMatching(/does not answer: .* -> bring it up, or/),
      ]);
    } finally {
      lab('link', 'host-a', 'on');
    }
    expect(virsh('host-a', 'list', '--all', '--name').trim()).toBe('');
  });

  test('the login has no right on the socket of libvirt', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    login('host-a', 'some');
    const fleet = await adopted();
    const libvirt = datacenter({ user: 'some' });
    const socket = '/run/libvirt/libvirt-sock';
    lab('exec', 'host-a', 'chmod', '770', socket);
    try {
      await refuses(fleet, {
        says: /Host host-a cannot be read: some has no right on libvirt's socket.*group libvirt/,
        libvirt,
      });
      expect(faultsOf(await doctor(libvirt), 'blue/host-a')).toEqual([
        expect.stringMatching(/^host: .*some has no right on libvirt's socket -> add some to the group libvirt, or set ssh\.sudo/),
      ]);
    } finally {
      lab('exec', 'host-a', 'chmod', '777', socket);
    }
  });
});

describe('passwords and the agent', () => {
  /** An sshd on host-a that takes passwords, on a port of its own. */
  function passwordSsh(password: string): LibvirtSsh {
    login('host-a', 'some');
    // The file is mounted there: it is written, not replaced.
    const set =
      'hash=$(openssl passwd -6 -stdin); sed "s|^some:[^:]*|some:$hash|" /etc/shadow > /run/shadow && cat /run/shadow > /etc/shadow && rm /run/shadow';
    labFed(`${password}\n`, 'exec', 'host-a', 'sh', '-c', set);
    const options = '-o UsePAM=no -o HostKey=/run/sshd/hostkey -o PasswordAuthentication=yes';
    lab('exec', 'host-a', 'sh', '-c', `/usr/sbin/sshd -f /dev/null -p 2222 -o PidFile=/run/sshd-2222.pid ${options}`);
    const hostKey = lab('ssh', 'host-a', 'ssh-keygen -l -f /run/sshd/hostkey').split(' ')[1]!;
    return { user: 'some', port: 2222, hostKey, passwordEnv: 'VMP_TEST_PASSWORD' };
  }

  test('the right password is taken, from the environment and from a file; a wrong one is refused, and said nowhere', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    const fleet = await adopted();
    const own = passwordSsh('right-secret');
    try {
      const { passwordEnv: _, ...others } = own;
      const file = join(scratch, 'password');
      writeFileSync(file, 'right-secret\n');
      chmodSync(file, 0o600);
      expect((await doctor(datacenter({ ...others, passwordFile: file }))).find(({ name }) => name === 'hosts')?.result).toBe('ok');
      const right = await doctor(datacenter(own), { VMP_TEST_PASSWORD: 'right-secret' });
      expect(right.find(({ name }) => name === 'hosts')?.result).toBe('ok');

      await fleet.configure({ libvirt: datacenter(own) });
      await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-a' } } });
      const before = everything();
      for (const command of [['preview'], ['up', '--skip-preview', '--yes']]) {
        const { code, text } = await fleet.start(command, { VMP_TEST_PASSWORD: 'wrong-secret' }).result;
        expect(code, text).not.toBe(0);
        expect(flat(text)).toMatch(/Host host-a refuses the login some with the password in \$VMP_TEST_PASSWORD/);
        expect(text).not.toContain('secret');
      }
      expect(everything()).toEqual(before);
      expect(faultsOf(await doctor(datacenter(own), { VMP_TEST_PASSWORD: 'wrong-secret' }), 'blue/host-a')).toEqual([
        expect.stringMatching(
          /^host: .*refuses the login some with the password .* -> check the user and the credential: ssh -p 2222 some@/,
        ),
      ]);
      expect(faultsOf(await doctor(datacenter(own)), 'blue/host-a')).toEqual([
        expect.stringMatching(/^host: .*VMP_TEST_PASSWORD, which holds the password, is not set -> set VMP_TEST_PASSWORD/),
      ]);
    } finally {
      lab('exec', 'host-a', 'sh', '-c', 'kill $(cat /run/sshd-2222.pid)');
    }
  });

  test('an agent that has the key is enough; without the key, or without an agent, each host says what to do', async () => {
    const { identityFile, ...others } = ssh;
    const libvirt = { ...datacenter(), ssh: others };
    const socket = join(scratch, 'agent');
    const run = (program: string, ...args: readonly string[]): string => {
      const ran = spawnSync(program, args, { env: { ...process.env, SSH_AUTH_SOCK: socket }, encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(`${program}: ${ran.stderr}`);
      return ran.stdout;
    };
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(run('ssh-agent', '-s', '-a', socket))?.[1]);
    try {
      expect(faultsOf(await doctor(libvirt, { SSH_AUTH_SOCK: socket }), 'blue/host-a')).toEqual([
        expect.stringMatching(/^host: .*refuses the login root with the keys of the SSH agent -> check the user and the credential: ssh/),
      ]);
      run('ssh-add', '-q', identityFile);
      const checks = await doctor(libvirt, { SSH_AUTH_SOCK: socket });
      expect(checks.filter(({ result, name }) => result !== 'ok' && name !== 'links' && name !== 'pulumi')).toEqual([]);
    } finally {
      process.kill(pid);
    }
    expect(faultsOf(await doctor(libvirt, { SSH_AUTH_SOCK: '' }), 'green/host-d')).toEqual([
      expect.stringMatching(
        /^host: .*there is no SSH agent.* -> start the agent and add the key \(ssh-add\), or declare ssh\.identityFile/,
      ),
    ]);
  });
});

describe('what is missing or in the way on the target', () => {
  test('a tool: only the methods that need it are refused', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    const fleet = await adopted();
    lab('exec', 'host-a', 'mount', '--bind', '/dev/null', '/usr/bin/qemu-nbd');
    try {
      await refuses(fleet, { says: /blue\/host-a has no qemu-nbd, which a cold move of VM web-01 needs.*Install qemu-utils/ });
      expect(faultsOf(await doctor(datacenter()), 'blue/host-a')).toEqual([
        expect.stringMatching(/^tools: no qemu-nbd: cold and staged moves from and to it are not possible -> install qemu-utils \(Debian/),
      ]);
      virsh('host-b', 'start', 'web-01');
      expect((await done(fleet.pulumi('preview'))).text).toMatch(/web-01 moves hot/);
    } finally {
      lab('exec', 'host-a', 'umount', '/usr/bin/qemu-nbd');
    }
  });

  test('room in the pool', async () => {
    lab('vm', 'host-b', 'web-01', '--data', '64', '--no-start');
    const fleet = await adopted();
    const make =
      'mkdir -p /run/small; mount -t tmpfs -o size=32M tmpfs /run/small; virsh -q pool-create-as small dir --target /run/small; head -c 31M /dev/zero > /run/small/filler';
    lab('exec', 'host-a', 'sh', '-c', make);
    try {
      const says = /VM web-01 needs \d+ MiB on pool small of blue\/host-a; [\d.]+ MiB are left.*free space there/;
      await refuses(fleet, { says, declared: { storage: { default: 'small' } } });
      expect(faultsOf(await doctor(datacenter()), 'blue/host-a')).toEqual([
        expect.stringMatching(/^pools: pool small is nearly full: .* of 32 MiB are free -> free space in \/run\/small, or map disks/),
      ]);
    } finally {
      lab('exec', 'host-a', 'sh', '-c', 'virsh -q pool-destroy small; umount /run/small');
    }
  });

  test('a file of the name of the disk, also where the login may not list the folder', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    const fleet = await adopted();
    const file = '/var/lib/libvirt/images/web-01.qcow2';
    lab('exec', 'host-a', 'sh', '-c', `echo precious > ${file}`);
    const says = /pool default of blue\/host-a already has a file web-01\.qcow2.*disk vda of VM web-01.*rename or remove it there/;
    await refuses(fleet, { says });
    // What libvirt knows of its pool, it knows since it last looked.
    login('host-a', 'some');
    virsh('host-a', 'pool-refresh', 'default');
    lab('exec', 'host-a', 'chmod', '711', '/var/lib/libvirt/images');
    try {
      await refuses(fleet, { says, libvirt: datacenter({ user: 'some' }) });
    } finally {
      lab('exec', 'host-a', 'chmod', '755', '/var/lib/libvirt/images');
    }
    expect(lab('exec', 'host-a', 'cat', file)).toBe('precious');
  });
});

describe('the VM itself', () => {
  test('a snapshot', async () => {
    lab('vm', 'host-b', 'web-01', '--no-start');
    virsh('host-b', 'snapshot-create-as', 'web-01', 'before-upgrade');
    const says = /before-upgrade.*dropSnapshots/;
    await refuses(await adopted(), { says, declared: { keepSource: 'no' } });
  });

  test('a managed save', async () => {
    lab('vm', 'host-b', 'web-01');
    const fleet = await adopted();
    virsh('host-b', 'managedsave', 'web-01');
    await refuses(fleet, { says: /VM web-01 on blue\/host-b is saved\. Start it/ });
  });
});
