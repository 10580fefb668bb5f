/** Disks on storage that both hosts see: proved by reading, never copied, never removed. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { clearLab, define, lab, running, violations, virsh } from './kit.js';

const both = ['host-a', 'host-b'];
beforeEach(() => void lab('share', ...both));
afterEach(() => {
  clearLab();
  lab('exec', 'host-b', 'sh', '-c', 'virsh -q pool-destroy elsewhere; umount -l /run/elsewhere; true');
  lab('unshare', ...both);
});

async function adopted(): Promise<Stack> {
  const made = await stack({ placements: { web: { vm: 'web-01', host: 'host-a' } } }, { libvirt: datacenter() });
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

const image = (): string => lab('exec', 'host-a', 'stat', '-c', '%i', '/srv/shared/web-01.qcow2');
const disksOf = (host: string): string => virsh(host, 'domblklist', 'web-01');

test('hot: the disk stays where it is, also where the target sees it under another path; the move back leaves it too', async () => {
  lab('vm', 'host-a', 'web-01', '--dir', '/srv/shared', '--data', '64');
  lab('unshare', 'host-b');
  const elsewhere =
    'mkdir -p /run/elsewhere && mount --bind /srv/shared /run/elsewhere && virsh -q pool-create-as elsewhere dir --target /run/elsewhere';
  lab('share', 'host-b');
  lab('exec', 'host-b', 'sh', '-ec', `virsh -q pool-destroy shared; ${elsewhere}`);
  const before = image();
  const fleet = await adopted();
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  const preview = await done(fleet.pulumi('preview', '--diff'));
  expect(preview.text.replaceAll(/\s+/g, ' ')).toMatch(
    /disk vda of VM web-01 lies on storage that blue\/host-a and blue\/host-b both see: it is not copied and not removed/,
  );
  const up = await done(fleet.pulumi('up'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  expect(virsh('host-a', 'list', '--all', '--name').trim()).toBe('');
  expect(image()).toBe(before);
  expect(disksOf('host-b')).toContain('/run/elsewhere/web-01.qcow2');
  expect(lab('exec', 'host-b', 'ls', '/var/lib/libvirt/images')).toBe('');
  await expect.poll(() => violations('web-01'), { timeout: 30_000 }).toEqual([]);
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-a' } } });
  await done(fleet.pulumi('up', '--skip-preview'));
  expect(running('host-a')).toEqual(['web-01']);
  expect(disksOf('host-a')).toContain('/srv/shared/web-01.qcow2');
  expect(image()).toBe(before);
  await expect.poll(() => violations('web-01'), { timeout: 30_000 }).toEqual([]);
});

test('hot: of two disks only the local one is copied', async () => {
  lab('vm', 'host-a', 'web-01', '--dir', '/srv/shared', '--no-start');
  const local = '/var/lib/libvirt/images/data.raw';
  lab('exec', 'host-a', 'sh', '-ec', `truncate -s 200M ${local}; dd if=/dev/urandom of=${local} bs=1M count=32 conv=notrunc status=none`);
  const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${local}'/><target dev='vdb' bus='virtio'/></disk>`;
  define('host-a', virsh('host-a', 'dumpxml', 'web-01', '--inactive').replace('<interface', `${disk}<interface`));
  virsh('host-a', 'start', 'web-01');
  lab('wait', 'host-a', 'web-01', '^ACK', '90');
  const [before, content] = [image(), lab('exec', 'host-a', 'sha256sum', local)];
  const fleet = await adopted();
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  const up = await done(fleet.pulumi('up'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  expect(lab('exec', 'host-b', 'sha256sum', local)).toBe(content);
  expect(lab('exec', 'host-b', 'ls', '/var/lib/libvirt/images')).toBe('data.raw');
  expect(lab('exec', 'host-a', 'ls', '/var/lib/libvirt/images')).toBe('');
  expect(image()).toBe(before);
  await expect.poll(() => violations('web-01'), { timeout: 30_000 }).toEqual([]);
});

test('cold: nothing is copied; confirming the move removes the definition of the source, and not the disk', async () => {
  lab('vm', 'host-a', 'web-01', '--dir', '/srv/shared', '--data', '64');
  const before = image();
  const fleet = await adopted();
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b', method: 'cold', allowShutdown: true, keepSource: 'confirm' } } });
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  expect(() => virsh('host-a', 'start', 'web-01')).toThrow(/vmplacement/);
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b', method: 'cold', keepSource: 'no' } } });
  await done(fleet.pulumi('up', '--skip-preview'));
  expect(virsh('host-a', 'list', '--all', '--name').trim()).toBe('');
  expect(image()).toBe(before);
  await expect.poll(() => violations('web-01'), { timeout: 30_000 }).toEqual([]);
});

test('given that the pool of the target is gone when the move is confirmed, then the disk, which the VM has there, stays', async () => {
  lab('vm', 'host-a', 'web-01', '--dir', '/srv/shared', '--data', '64');
  const before = image();
  const fleet = await adopted();
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b', keepSource: 'confirm' } } });
  await done(fleet.pulumi('up', '--skip-preview'));
  virsh('host-b', 'pool-destroy', 'shared');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b', keepSource: 'no' } } });
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(up.text.replaceAll(/\s+/g, ' ')).toContain('disk vda on blue/host-a was not copied by this move, so its file stays');
  expect(virsh('host-a', 'list', '--all', '--name').trim()).toBe('');
  expect(image()).toBe(before);
  await expect.poll(() => violations('web-01'), { timeout: 30_000 }).toEqual([]);
});

test('hot: firmware variables on shared storage stay, for the VM has them open where it went', async () => {
  lab('vm', 'host-a', 'web-01', '--no-start');
  const firmware = `<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/srv/shared/web-01_VARS.fd</nvram>`;
  define('host-a', virsh('host-a', 'dumpxml', 'web-01', '--inactive').replace(/(<os>\s*<type.*<\/type>)/, `$1${firmware}`));
  virsh('host-a', 'start', 'web-01');
  const variables = (): string => lab('exec', 'host-b', 'stat', '-c', '%i', '/srv/shared/web-01_VARS.fd');
  const before = variables();
  const fleet = await adopted();
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b', keepSource: 'no' } } });
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  expect(virsh('host-a', 'list', '--all', '--name').trim()).toBe('');
  expect(variables()).toBe(before);
  expect(up.text.replaceAll(/\s+/g, ' ')).toContain(
    'its firmware variables on blue/host-a may be on storage that other hosts see too, so they stay',
  );
});

test('given that the two folders read differently, then it is unknown, and nothing is touched', async () => {
  lab('vm', 'host-a', 'web-01', '--dir', '/srv/shared');
  // As a host whose mount is another one: a folder of the same file system with other files.
  lab('exec', 'host-b', 'sh', '-ec', 'mkdir /srv/shared/sub; mount --bind /srv/shared/sub /srv/shared');
  try {
    const fleet = await adopted();
    await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
    const { code, text } = await fleet.pulumi('up', '--skip-preview');
    expect(code, text).not.toBe(0);
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(
      /disk vda .*\/srv\/shared.* may be the same as \/srv\/shared of host-b: one of them is empty or cannot be listed/,
    );
    expect(running('host-a')).toEqual(['web-01']);
    expect(lab('exec', 'host-b', 'ls', '/srv/shared')).toBe('');
  } finally {
    lab('exec', 'host-b', 'umount', '-l', '/srv/shared');
  }
});
