/** Real VMs moved by the real engine between real hosts. */
import { readFileSync, statSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { bridge, clearLab, define, hosts, lab, running, violations, virsh } from './kit.js';
import { flat, isClean, nvram, nvramMark, off, withFirmware } from './moved.js';

afterEach(() => {
  lab('route', 'off');
  clearLab();
});

/** A placement of a VM, adopted on host-a. */
async function adopted(vm: string, more: Readonly<Record<string, unknown>> = {}): Promise<Stack> {
  const made = await stack({ placements: { web: { vm, host: 'host-a', ...more } } }, { libvirt: datacenter() });
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

/** What must be the same on every host. */
const identity = (host: string, vm: string): readonly string[] =>
  virsh(host, 'dumpxml', vm, '--inactive')
    .split('\n')
    .filter((line) => /<uuid>|<mac |<name>|<title>|<nvram/.test(line));

test('hot inside a cluster: previewed, moved, read back; nothing is left of it where it was', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '64');
  virsh('host-a', 'autostart', 'web-01');
  const before = identity('host-a', 'web-01');
  const fleet = await adopted('web-01');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  const preview = await done(fleet.pulumi('preview', '--diff'));
  expect(preview.text).toMatch(/web-01 moves hot from blue\/host-a to blue\/host-b/);
  expect(running('host-a')).toEqual(['web-01']);
  const up = await done(fleet.pulumi('up'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  isClean('host-a');
  expect(identity('host-b', 'web-01')).toEqual(before);
  expect(virsh('host-b', 'list', '--autostart', '--name').trim()).toBe('web-01');
  expect(violations('web-01')).toEqual([]);
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'host-b', lastMove: { method: 'hot' } });
  await done(fleet.pulumi('preview', '--expect-no-changes'));
});

const hostile = `-it's "$(touch pwned)" größe`;

/** A VM of that name with a second disk of that name, whose first disk and console are called `web-01`; it is up. */
function dressed(more: (xml: string) => string = (xml) => xml): void {
  lab('vm', 'host-a', 'web-01', '--no-start');
  const xml = virsh('host-a', 'dumpxml', 'web-01', '--inactive');
  virsh('host-a', 'undefine', 'web-01');
  lab(
    'exec',
    'host-a',
    'sh',
    '-c',
    'cd /var/lib/libvirt/images; qemu-img create -q -f raw "./$1.img" 300M; dd if=/dev/urandom of="./$1.img" bs=1M count=64 conv=notrunc status=none',
    'sh',
    hostile,
  );
  const escaped = hostile.replaceAll('"', '&quot;').replaceAll("'", '&apos;');
  const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/images/${escaped}.img'/><target dev='vdb' bus='virtio'/></disk>`;
  define(
    'host-a',
    more(
      xml
        .replace('<name>web-01</name>', `<name>${escaped}</name><title>${escaped} &lt;&amp;</title>`)
        .replace('<interface', `${disk}<interface`),
    ),
  );
  virsh('host-a', 'start', '--domain', hostile);
  lab('wait', 'host-a', 'web-01', '^ACK', '90');
}

const sum = (host: string, file: string): string =>
  lab('exec', host, 'sha256sum', `/var/lib/libvirt/images/${file}`).replace(/^\\/, '').slice(0, 64);

test('hot: two disks, a name that hurts; nothing of it is executed, both disks are there block by block, sparse', async () => {
  dressed();
  const before = identity('host-a', hostile);
  const content = sum('host-a', `${hostile}.img`);
  const fleet = await adopted(hostile);
  await fleet.write({ placements: { web: { vm: hostile, host: 'host-b' } } });
  const up = await done(fleet.pulumi('up'));
  expect(running('host-b'), up.text).toEqual([hostile]);
  expect(identity('host-b', hostile)).toEqual(before);
  expect(sum('host-b', `${hostile}.img`)).toBe(content);
  expect(Number(lab('exec', 'host-b', 'stat', '-c', '%b', `/var/lib/libvirt/images/${hostile}.img`)) * 512).toBeLessThan(100 * 2 ** 20);
  isClean('host-a');
  for (const host of hosts) expect(lab('exec', host, 'sh', '-c', 'find / -xdev -name pwned; find /tmp /run -name pwned')).toBe('');
});

test('hot: the copy of the second disk fails midway; the VM stays, nothing is left on the target, and the error tells why', async () => {
  dressed();
  lab(
    'exec',
    'host-b',
    'sh',
    '-c',
    'mkdir -p /run/small; mount -t tmpfs -o size=100M tmpfs /run/small; virsh -q pool-create-as small dir --target /run/small',
  );
  try {
    const fleet = await adopted(hostile);
    await fleet.write({ placements: { web: { vm: hostile, host: 'host-b', storage: { default: 'small' }, bandwidth: '40MiB/s' } } });
    const up = fleet.start(['up', '--skip-preview', '--yes']);
    await up.says(/hot copy/);
    lab(
      'exec',
      'host-b',
      'sh',
      '-c',
      'for i in $(seq 100); do [ -n "$(ls -A /run/small)" ] && break; sleep 0.1; done; dd if=/dev/zero of=/run/small/filler bs=1M 2> /dev/null; true',
    );
    const { code, text } = await up.result;
    expect(code, text).not.toBe(0);
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(
      /its hot move to blue\/host-b failed, and it stays on blue\/host-a: .*(space|mirror|I\/O|error)/,
    );
    expect(running('host-a')).toEqual([hostile]);
    expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('');
    expect(lab('exec', 'host-b', 'ls', '/run/small')).toBe('filler');
  } finally {
    lab('exec', 'host-b', 'sh', '-c', 'virsh -q pool-destroy small; umount -l /run/small');
  }
});

test('hot, with firmware variables of its own: they are there, and no longer where it was', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '64', '--no-start');
  withFirmware('host-a');
  virsh('host-a', 'start', 'web-01');
  const variables = (host: string): string => lab('exec', host, 'sh', '-c', 'ls /var/lib/libvirt/qemu/nvram');
  const fleet = await adopted('web-01');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  const up = await done(fleet.pulumi('up'));
  expect(running('host-b'), up.text).toEqual(['web-01']);
  isClean('host-a');
  expect([variables('host-a'), variables('host-b')]).toEqual(['', 'web-01_VARS.fd']);
  virsh('host-b', 'destroy', 'web-01');
  expect(nvramMark('host-b')).toBe('mine');
});

test('cold over no network but ours: with its firmware variables, kept at the source until it is confirmed, blocked there', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '64');
  off('host-a', 'web-01');
  const disk = lab('disk', 'host-a', 'web-01.qcow2');
  withFirmware('host-a');
  virsh('host-a', 'autostart', 'web-01');
  const before = identity('host-a', 'web-01');
  const variables = nvram('host-a');

  const fleet = await adopted('web-01');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-c' } } });
  const preview = await done(fleet.pulumi('preview', '--diff'));
  expect(preview.text).toMatch(/web-01 moves cold from blue\/host-a to green\/host-c/);
  const up = await done(fleet.pulumi('up'));
  expect(flat(up.text)).toMatch(/its source on blue\/host-a is kept.*vmplacement confirm web-01/);
  expect(lab('compare', disk, lab('disk', 'host-c', 'web-01.qcow2'))).toContain('Images are identical');
  expect(nvram('host-c')).toBe(variables);
  expect(identity('host-c', 'web-01')).toEqual(before);
  expect(virsh('host-c', 'list', '--autostart', '--all', '--name').trim()).toBe('web-01');
  expect(virsh('host-c', 'domstate', 'web-01').trim()).toBe('shut off');
  expect(() => virsh('host-a', 'start', 'web-01')).toThrow(/this VM was moved to green\/host-c \(move .*\); its source stays off/);
  expect((await fleet.vmplacement('status', 'web-01')).text).toMatch(/kept source: +blue\/host-a/);

  await done(fleet.vmplacement('confirm', 'web-01'));
  isClean('host-a');
  expect(lab('exec', 'host-a', 'sh', '-c', 'ls /var/lib/libvirt/qemu/nvram')).toBe('');
  await done(fleet.pulumi('preview', '--expect-no-changes'));
  expect(nvram('host-c')).toBe(variables);
});

test('cold of a VM that runs: shut down, copied, started on the target; every write that it acknowledged is there', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '64');
  const fleet = await adopted('web-01');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-d', method: 'cold', allowShutdown: true, keepSource: 'no' } } });
  expect((await done(fleet.pulumi('preview', '--diff'))).text).toMatch(/will-stop-vm/);
  const up = await done(fleet.pulumi('up'));
  expect(running('host-d'), up.text).toEqual(['web-01']);
  lab('wait', 'host-d', 'web-01', '^ACK', '90');
  expect(violations('web-01')).toEqual([]);
  isClean('host-a');
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'host-d', lastMove: { method: 'cold' } });
});

/** Bytes that this machine has seen on the network of the cluster of host-a: what its hosts send to each other does not count. */
const carried = (): number =>
  ['rx', 'tx'].reduce((sum, way) => sum + Number(readFileSync(`/sys/class/net/${bridge(1)}/statistics/${way}_bytes`, 'utf8')), 0);

test('cold inside a cluster: the disk goes from host to host, not through this machine', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '120');
  off('host-a', 'web-01');
  const fleet = await adopted('web-01');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  const before = carried();
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(carried() - before, up.text).toBeLessThan(16 * 2 ** 20);
  const disk = (host: string): string => lab('disk', host, 'web-01.qcow2');
  expect(lab('compare', disk('host-a'), disk('host-b'))).toContain('Images are identical');
  expect(statSync(disk('host-b')).blocks * 512).toBeLessThan(140 * 2 ** 20);
  await done(fleet.vmplacement('confirm', 'web-01'));
  isClean('host-a');
  expect(lab('exec', 'host-b', 'sh', '-c', 'find /tmp/vmplacement-* ! -type d 2> /dev/null || true')).toBe('');
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'host-b', lastMove: { method: 'cold' } });
});

test('cold inside a cluster: given that the source may not log in to the target, then through this machine, and it says so', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '64');
  off('host-a', 'web-01');
  const fleet = await adopted('web-01');
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  lab('exec', 'host-a', 'mv', '/root/.ssh/id_ed25519', '/root/.ssh/away');
  try {
    const up = await done(fleet.pulumi('up', '--skip-preview'));
    expect(flat(up.text)).toMatch(
      /Its disks travel through this machine\. Host host-a does not reach host-b \(.* port 22\) by ssh: .*Permission denied.* give root of host-a a key/,
    );
    expect(lab('compare', lab('disk', 'host-a', 'web-01.qcow2'), lab('disk', 'host-b', 'web-01.qcow2'))).toContain('Images are identical');
  } finally {
    lab('exec', 'host-a', 'mv', '/root/.ssh/away', '/root/.ssh/id_ed25519');
  }
});
