/** Staged moves of real VMs by the real engine, between clusters without any network: this machine is the only bridge. */
import { afterEach, expect, test } from 'vitest';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { clearLab, hosts, lab, running, violations, virsh } from './kit.js';
import { flat, isClean, nvram, nvramMark, off, withFirmware } from './moved.js';

afterEach(clearLab);

/** web-01 runs on host-a and is declared on host-c, which pauses. */
async function paused(
  more: Readonly<Record<string, unknown>> = {},
  make = (): unknown => lab('vm', 'host-a', 'web-01', '--size', '1G', '--data', '64'),
): Promise<{ readonly fleet: Stack; readonly text: string }> {
  make();
  const fleet = await stack({ placements: { web: { vm: 'web-01', host: 'host-a' } } }, { libvirt: datacenter() });
  await done(fleet.pulumi('up', '--skip-preview'));
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-c', assumeOs: true, ...more } } });
  const { text } = await done(fleet.pulumi('up'));
  return { fleet, text: flat(text) };
}

const identity = (host: string): readonly string[] =>
  virsh(host, 'dumpxml', 'web-01', '--inactive')
    .split('\n')
    .filter((line) => /<uuid>|<mac |<name>|<title>/.test(line));

const starts = (host: string): string => {
  try {
    virsh(host, 'start', 'web-01');
    return 'it started';
  } catch (error) {
    return (error as Error).message;
  }
};

const checkpoints = (host: string): string => virsh(host, 'checkpoint-list', 'web-01', '--name').trim();
const allocated = (host: string): number => Number(lab('exec', host, 'stat', '-c', '%b', '/var/lib/libvirt/images/web-01.qcow2')) * 512;

test('it pauses with everything copied, each up sends what has changed, and after the annotation the VM restarts on the target by itself', async () => {
  const { fleet, text } = await paused();
  const before = identity('host-a');
  expect(text).toMatch(/vmplacement annotate web-01 shutdown=now/);
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'host-a', phase: 'AwaitingShutdown', pendingHost: 'host-c' });
  expect(running('host-a')).toEqual(['web-01']);
  expect(virsh('host-c', 'domstate', 'web-01').trim()).toBe('shut off');
  expect(starts('host-c')).toMatch(/still being copied here/);
  expect(checkpoints('host-a').split('\n')).toHaveLength(1);

  await done(fleet.pulumi('up', '--skip-preview'));
  const { replication } = (await fleet.placement('web')).outputs as unknown as {
    replication: { increments: number; lastIncrementBytes: number; bytes: number };
  };
  expect(replication.increments).toBeGreaterThanOrEqual(2);
  expect(replication.lastIncrementBytes).toBeLessThan(replication.bytes / 4);

  await done(fleet.vmplacement('annotate', 'web-01', 'shutdown=now', '--giver', 'alice'));
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(running('host-c'), up.text).toEqual(['web-01']);
  expect(running('host-a')).toEqual([]);
  expect(identity('host-c')).toEqual(before);
  expect(starts('host-a')).toMatch(/this VM was moved to green\/host-c/);
  expect(violations('web-01')).toEqual([]);
  expect(allocated('host-c')).toBeLessThan(allocated('host-a') * 1.05 + 2 ** 20);
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'host-c', phase: 'AwaitingConfirmation' });

  await done(fleet.vmplacement('confirm', 'web-01'));
  isClean('host-a');
  await done(fleet.pulumi('up', '--skip-preview'));
  expect((await fleet.placement('web')).outputs).toMatchObject({ phase: 'Settled', lastMove: { method: 'staged' } });
  expect(checkpoints('host-c')).toBe('');
});

test('virsh metadata by hand is a go, and is gone when the move has ended', async () => {
  const { fleet } = await paused({ keepSource: 'no' });
  const uri = 'urn:vmplacement:annotations:1';
  const set = ['metadata', 'web-01', '--uri', uri, '--key', 'vmplacement', '--set', "<annotations shutdown='now'/>"];
  virsh('host-a', ...set, '--config', '--live');
  expect(flat((await done(fleet.pulumi('preview'))).text)).toContain('virsh metadata');
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(running('host-c'), up.text).toEqual(['web-01']);
  expect(violations('web-01')).toEqual([]);
  isClean('host-a');
  for (const which of ['--config', '--live']) expect(() => virsh('host-c', 'metadata', 'web-01', '--uri', uri, which)).toThrow(/not/);
  await done(fleet.pulumi('preview', '--expect-no-changes'));
});

test('firmware variables go along, and are those of the source when the VM restarts', async () => {
  const { fleet } = await paused({ startAfter: 'never', shutdownGrace: '2s' }, () => {
    lab('vm', 'host-a', 'web-01', '--size', '512M');
    off('host-a', 'web-01');
    withFirmware('host-a');
    virsh('host-a', 'start', 'web-01');
  });
  await done(fleet.vmplacement('annotate', 'web-01', 'shutdown=force'));
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  expect(virsh('host-c', 'domstate', 'web-01').trim(), up.text).toBe('shut off');
  expect(nvram('host-c')).toBe(nvram('host-a'));
  expect(nvramMark('host-c')).toBe('mine');
});

test('a shutdown by hand is a go, and what is on the target then is what is on the source, block by block', async () => {
  const { fleet } = await paused({ startAfter: 'never' });
  off('host-a', 'web-01');
  const up = await done(fleet.pulumi('up', '--skip-preview'));
  for (const host of hosts) expect(running(host), up.text).toEqual([]);
  expect(lab('compare', lab('disk', 'host-a', 'web-01.qcow2'), lab('disk', 'host-c', 'web-01.qcow2'))).toBe('Images are identical.');
  virsh('host-c', 'start', 'web-01');
  expect(violations('web-01')).toEqual([]);
});

test('an image that lies on another one, in a chain that stays as it is, becomes one image with the same content', async () => {
  const folder = '/var/lib/libvirt/images';
  const sh = (host: string, line: string): string => lab('exec', host, 'sh', '-ec', line);
  const { fleet } = await paused({ startAfter: 'never' }, () => {
    lab('vm', 'host-a', 'web-01', '--size', '512M', '--data', '64', '--no-start');
    sh('host-a', `cd ${folder}; mv web-01.qcow2 golden.qcow2; qemu-img create -q -f qcow2 -b golden.qcow2 -F qcow2 web-01.qcow2`);
    virsh('host-a', 'start', 'web-01');
    lab('wait', 'host-a', 'web-01', '^ACK', '90');
  });
  await done(fleet.pulumi('up', '--skip-preview'));
  off('host-a', 'web-01');
  await done(fleet.pulumi('up', '--skip-preview'));
  const content = (host: string): string =>
    sh(host, `qemu-img convert -O raw ${folder}/web-01.qcow2 /run/content; sha256sum < /run/content; rm /run/content`);
  expect(content('host-c')).toBe(content('host-a'));
  expect(sh('host-c', `qemu-img info ${folder}/web-01.qcow2`)).not.toContain('backing');
  virsh('host-c', 'start', 'web-01');
  expect(violations('web-01')).toEqual([]);
});

test('taken back before the go nothing is left of it anywhere, and the VM runs on', async () => {
  const { fleet } = await paused();
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-a' } } });
  await done(fleet.pulumi('up', '--skip-preview'));
  isClean('host-c');
  expect(running('host-a')).toEqual(['web-01']);
  expect(checkpoints('host-a')).toBe('');
  expect(lab('exec', 'host-a', 'ls', '/var/lib/libvirt/images')).toBe('web-01.qcow2');
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'host-a', phase: 'Settled' });
  await done(fleet.pulumi('preview', '--expect-no-changes'));
});
