/** The moves of a login that is not root, with exactly the rights that docs/drivers/libvirt.md gives it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LibvirtDatacenter, LibvirtSsh } from '../../schema/generated/types.js';
import { done, stack, type Stack } from '../engine/harness.js';
import { pluginsGone } from '../engine/watch.js';
import { datacenter, ssh } from './datacenter.js';
import { clearLab, hosts, lab, login, running, setGroup, violations, virsh } from './kit.js';
import { flat, isClean, nvram, off, withFirmware } from './moved.js';

const user = 'vmplacement';
/** The lines of the docs. */
const sudoers = [
  ...readFileSync(join(import.meta.dirname, '../../docs/drivers/libvirt.md'), 'utf8').matchAll(/^ +((?:vmplacement |Defaults!).*)$/gm),
].map(([, line = '']) => line);

/** As Debian, Ubuntu and Fedora have it: the group libvirt has all rights on libvirt, others have none. */
const socket = (...commands: readonly string[]): void => {
  for (const host of hosts) lab('exec', host, 'sh', '-ec', commands.join('; '), 'sh', '/run/libvirt/libvirt-sock');
};
beforeAll(() => socket('chgrp libvirt $1', 'chmod 770 $1'));
afterAll(() => {
  socket('chgrp root $1', 'chmod 777 $1');
  for (const host of hosts) setGroup(host, 'libvirt');
});
afterEach(clearLab);

const everywhere = (own: LibvirtSsh): LibvirtDatacenter => ({ ...datacenter(), timeout: '30s', ssh: { ...ssh, user, ...own } });

/** web-01, adopted on host-a. */
async function adopted(own: LibvirtSsh): Promise<Stack> {
  const made = await stack({ placements: { web: { vm: 'web-01', host: 'host-a' } } }, { libvirt: everywhere(own) });
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

const to = (fleet: Stack, host: string, more: Readonly<Record<string, unknown>> = {}): Promise<void> =>
  fleet.write({ placements: { web: { vm: 'web-01', host, ...more } } });

describe('with the lines of the docs in sudoers', () => {
  beforeEach(() => {
    for (const host of hosts) {
      login(host, user, ...sudoers);
      setGroup(host, 'libvirt');
    }
  });
  const bySudo = { sudo: true };

  test('cold through this machine: disk and firmware variables, the source is kept, confirmed and removed', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    off('host-a', 'web-01');
    const disk = lab('disk', 'host-a', 'web-01.qcow2');
    withFirmware('host-a');
    const variables = nvram('host-a');
    const fleet = await adopted(bySudo);
    await to(fleet, 'host-c');
    const up = await done(fleet.pulumi('up'));
    expect(flat(up.text)).toMatch(/its source on blue\/host-a is kept.*vmplacement confirm web-01/);
    expect(lab('compare', disk, lab('disk', 'host-c', 'web-01.qcow2'))).toContain('Images are identical');
    expect(nvram('host-c')).toBe(variables);
    expect(() => virsh('host-a', 'start', 'web-01')).toThrow(/this VM was moved to green\/host-c/);
    await done(fleet.vmplacement('confirm', 'web-01'));
    isClean('host-a');
    await done(fleet.pulumi('preview', '--expect-no-changes'));
  });

  test('cold of a VM that runs: shut down, copied, started on the target with every write that it acknowledged', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    const fleet = await adopted(bySudo);
    await to(fleet, 'host-d', { method: 'cold', allowShutdown: true, keepSource: 'no' });
    const up = await done(fleet.pulumi('up'));
    expect(running('host-d'), up.text).toEqual(['web-01']);
    lab('wait', 'host-d', 'web-01', '^ACK', '90');
    expect(violations('web-01')).toEqual([]);
    isClean('host-a');
  });

  test('cold from and to folders that are closed to the login, interrupted, gone on with and cancelled: nothing is left on the target', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    off('host-a', 'web-01');
    const fleet = await adopted(bySudo);
    await to(fleet, 'host-c', { bandwidth: '4MiB/s' });
    for (const host of ['host-a', 'host-c']) lab('exec', host, 'chmod', '700', '/var/lib/libvirt/images');
    try {
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const up = fleet.start(['up', '--skip-preview', '--yes']);
        await up.says(/cold copy/);
        up.kill('SIGINT');
        const { code, text } = await up.result;
        expect(code, text).not.toBe(0);
        expect(flat(text)).toMatch(/interrupted|parked/i);
      }
      await done(fleet.vmplacement('cancel', 'web-01'));
    } finally {
      for (const host of ['host-a', 'host-c']) lab('exec', host, 'chmod', '755', '/var/lib/libvirt/images');
    }
    isClean('host-c');
    virsh('host-a', 'start', 'web-01');
    lab('wait', 'host-a', 'web-01', '^ACK', '90');
    expect(violations('web-01')).toEqual([]);
  });

  test('staged through this machine: copied while it runs, paused, restarted on the target with every write, nothing is left', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    const fleet = await adopted(bySudo);
    await to(fleet, 'host-c', { assumeOs: true, keepSource: 'no' });
    await done(fleet.pulumi('up', '--skip-preview'));
    expect((await fleet.placement('web')).outputs).toMatchObject({ phase: 'AwaitingShutdown' });
    await done(fleet.vmplacement('annotate', 'web-01', 'shutdown=now'));
    const up = await done(fleet.pulumi('up', '--skip-preview'));
    expect(running('host-c'), up.text).toEqual(['web-01']);
    lab('wait', 'host-c', 'web-01', '^ACK', '90');
    expect(violations('web-01')).toEqual([]);
    isClean('host-a');
  });

  test('hot, with the disk copied: given that the hosts reach each other as root', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    const fleet = await adopted({ ...bySudo, migrationUser: 'root' });
    await to(fleet, 'host-b');
    const up = await done(fleet.pulumi('up'));
    expect(running('host-b'), up.text).toEqual(['web-01']);
    isClean('host-a');
    expect(violations('web-01')).toEqual([]);
  });

  test('hot, with the disk copied: given that the login is in the group libvirt too', async () => {
    setGroup('host-b', 'libvirt', user);
    lab('vm', 'host-a', 'web-01', '--data', '64');
    const fleet = await adopted(bySudo);
    await to(fleet, 'host-b');
    const up = await done(fleet.pulumi('up'));
    expect(running('host-b'), up.text).toEqual(['web-01']);
    isClean('host-a');
    expect(violations('web-01')).toEqual([]);
  });

  test('hot is refused in the preview where it may not use libvirt of the target, with the two ways out', async () => {
    lab('vm', 'host-a', 'web-01');
    const fleet = await adopted(bySudo);
    await to(fleet, 'host-b');
    const { code, text } = await fleet.pulumi('preview');
    expect(code, text).not.toBe(0);
    expect(flat(text)).toMatch(
      /vmplacement@\S+ has no right on libvirt of host-b.*Add vmplacement to the group libvirt there, or set another migrationUser/,
    );
  });

  test('hot whose run was killed, cancelled while libvirt goes on: the VM stays, nothing is left on the target', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    virsh('host-a', 'autostart', 'web-01');
    const fleet = await adopted({ ...bySudo, migrationUser: 'root' });
    await to(fleet, 'host-b', { bandwidth: '2MiB/s' });
    const up = fleet.start(['up', '--skip-preview', '--yes']);
    await up.says(/hot copy/);
    up.kill('SIGKILL');
    await up.result;
    await pluginsGone(fleet);
    expect(virsh('host-a', 'domjobinfo', 'web-01')).toContain('Outgoing migration');
    const cancelled = await done(fleet.vmplacement('cancel', 'web-01'));
    expect(running('host-a'), cancelled.text).toEqual(['web-01']);
    expect(virsh('host-a', 'list', '--autostart', '--name').trim()).toBe('web-01');
    isClean('host-b');
    expect(violations('web-01')).toEqual([]);
  });
});

describe('in the group libvirt, without sudo', () => {
  beforeEach(() => {
    for (const host of hosts) {
      login(host, user);
      setGroup(host, 'libvirt', user);
    }
  });

  test('hot, with the disk copied', async () => {
    lab('vm', 'host-a', 'web-01', '--data', '64');
    const fleet = await adopted({});
    await to(fleet, 'host-b');
    const up = await done(fleet.pulumi('up'));
    expect(running('host-b'), up.text).toEqual(['web-01']);
    isClean('host-a');
    expect(violations('web-01')).toEqual([]);
  });

  test('cold is refused, since the images belong to root: with the fix, and before anything is touched', async () => {
    lab('vm', 'host-a', 'web-01');
    const fleet = await adopted({});
    const before = virsh('host-a', 'dumpxml', 'web-01', '--inactive');
    await to(fleet, 'host-c', { method: 'cold', allowShutdown: true });
    for (const command of [['preview'], ['up', '--skip-preview']]) {
      const { code, text } = await fleet.pulumi(...command);
      expect(code, text).not.toBe(0);
      for (const place of ['blue/host-a', 'green/host-c'])
        expect(flat(text)).toMatch(
          new RegExp(
            `${place} has no root rights for the login, which a cold move of VM web-01 needs\\. Set ssh\\.sudo and add the lines of`,
          ),
        );
    }
    expect(running('host-a')).toEqual(['web-01']);
    expect(virsh('host-a', 'dumpxml', 'web-01', '--inactive')).toBe(before);
    isClean('host-c');
  });
});
