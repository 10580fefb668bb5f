/** What a run that was killed between two commands has left, and what the next one makes of it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Driver, Move } from '../../provider/core/driver.js';
import type { MoveWork } from '../../provider/drivers/libvirt/metadata.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { begin as beginMove, save, testRun, type Harness, type TestRun } from '../contract/suite/kit.js';
import { datacenter } from './datacenter.js';
import { clearLab, define, lab, running, virsh } from './kit.js';
import { isClean } from './moved.js';

let driver: Driver;
beforeEach(async () => {
  driver = await openLibvirt(resolveLibvirt(datacenter()), { baseDir: '/' });
});
afterEach(async () => {
  await driver.close();
  clearLab();
});

const target = { cluster: 'blue', host: 'host-b' };
const begin = (method: 'hot' | 'cold'): Promise<Move> => {
  const h = { driver, from: { cluster: 'blue', host: 'host-a' } } as Harness;
  return beginMove(h, 'web-01', target, method);
};

const images = '/var/lib/libvirt/images';

/** So slow that it is there to be disturbed. */
const slowly = (move: Move): Move => ({
  ...move,
  record: { ...move.record, options: { ...move.record.options, bandwidthBytesPerSecond: 4 * 2 ** 20 } },
});

function atFirstProgress(happen: () => void): TestRun {
  let isFirst = true;
  return testRun({
    onEvent: ({ kind }) => {
      if (kind === 'progress' && isFirst) happen();
      if (kind === 'progress') isFirst = false;
    },
  });
}

/** What that run had written down with the VM. */
function left({ record: { moveId } }: Move, work: Omit<MoveWork, 'moveId'>): void {
  const xml = virsh('host-a', 'dumpxml', 'web-01', '--inactive', '--security-info');
  define('host-a', xml.replace(/(state[^>]*>\{)("v":1)/, `$1$2,"work":${JSON.stringify({ moveId, ...work })}`));
  expect(virsh('host-a', 'dumpxml', 'web-01', '--inactive')).toContain('"work"');
}

const aboutToBeMade = { disks: { vda: { made: null, durable: 0, sent: 0, source: '' } } };

/** As the driver makes it; the guest's disk has 256 MiB. */
const makeImage = (host: string, bytes = 256 * 2 ** 20): string =>
  virsh(host, 'vol-create-as', 'default', 'web-01.qcow2', String(bytes), '--allocation', '0', '--format', 'qcow2');

test.each(['hot', 'cold'] as const)('%s: an image that was made and not written down is removed by a cancel', async (method) => {
  lab('vm', 'host-a', 'web-01', '--size', '256M', ...(method === 'hot' ? ['--no-wait'] : ['--no-start']));
  const move = await begin(method);
  left(move, aboutToBeMade);
  makeImage('host-b');
  await driver.cancel(move, testRun());
  isClean('host-b');
});

test('hot: it does not stand in the way of the next attempt', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M');
  const move = await begin('hot');
  left(move, aboutToBeMade);
  makeImage('host-b');
  await driver.migrate(move, testRun());
  expect(running('host-b')).toEqual(['web-01']);
});

test('an image of somebody else is not removed by a cancel, also not an empty one that a run of the move has met', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M', '--no-start');
  const move = await begin('cold');
  makeImage('host-b');
  for (let attempt = 0; attempt < 2; attempt += 1)
    await expect(driver.copyOff(move, testRun())).rejects.toThrow(/already has an image web-01\.qcow2, which is not of this move/);
  await driver.cancel(move, testRun());
  expect(lab('exec', 'host-b', 'ls', images)).toBe('web-01.qcow2');
});

test('cold: a disk that was added while it was copied is on the target block by block; one that was taken away is not there any more', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M', '--no-start');
  const move = await begin('cold');
  await driver.copyOff(move, testRun());
  lab('exec', 'host-a', 'sh', '-ec', `dd if=/dev/urandom of=${images}/more.img bs=1M count=16 status=none`);
  const disk = ['web-01', `${images}/more.img`, 'vdb', '--targetbus', 'virtio', '--subdriver', 'raw', '--config'];
  virsh('host-a', 'attach-disk', ...disk);
  await driver.copyOff(move, testRun());
  const sums = ['host-a', 'host-b'].map((host) => lab('exec', host, 'sha256sum', `${images}/more.img`));
  expect(sums[1]).toBe(sums[0]);
  virsh('host-a', 'detach-disk', 'web-01', 'vdb', '--config');
  await driver.copyOff(move, testRun());
  expect(virsh('host-b', 'domblklist', 'web-01')).not.toContain('vdb');
  expect(lab('exec', 'host-b', 'ls', images)).toBe('web-01.qcow2');
});

test('cold: a disk that somebody writes to while it is copied voids the copy; the next attempt copies it', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M', '--no-start', '--data', '64');
  const move = await begin('cold');
  const disturbed = atFirstProgress(() => lab('exec', 'host-a', 'touch', `${images}/web-01.qcow2`));
  await expect(driver.copyOff(move, disturbed)).rejects.toThrow(/its disk vda was changed on blue\/host-a while it was copied/);
  expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('');
  await driver.copyOff(move, testRun());
  expect(virsh('host-b', 'list', '--all', '--name').trim()).toBe('web-01');
});

test('a backup that began after a hot move had failed is neither watched as it nor ended by a cancel', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M', '--no-wait');
  const move = await begin('hot');
  left(move, { disks: {}, job: true });
  const backup = `<domainbackup mode='pull'><server transport='unix' socket='/run/backup.sock'/><disks><disk name='vda' backupmode='full' type='file'><scratch file='${images}/scratch'/></disk></disks></domainbackup>`;
  lab('exec', 'host-a', 'sh', '-ec', 'printf %s "$1" > /run/backup.xml; virsh -q backup-begin web-01 /run/backup.xml', 'sh', backup);
  const job = (): string => virsh('host-a', 'domjobinfo', 'web-01');
  await expect(driver.migrate(move, testRun())).rejects.toThrow(/web-01 is busy on blue\/host-a with another job of libvirt/);
  expect(job()).toContain('Backup');
  await driver.cancel(move, testRun());
  expect(job()).toContain('Backup');
  virsh('host-a', 'domjobabort', 'web-01');
});

test('hot, failed while its target does not answer: the job is not remembered, and a cancel removes the rest when it answers again', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M');
  const move = slowly(await begin('hot'));
  const stops = atFirstProgress(() => lab('libvirtd', 'host-b', 'stop'));
  await expect(driver.migrate(move, stops)).rejects.toThrow(/host-b cannot be read, so what the move left there stays/);
  const kept = virsh('host-a', 'dumpxml', 'web-01', '--inactive');
  expect(kept).toContain('"made"');
  expect(kept).not.toContain('"job"');
  lab('libvirtd', 'host-b', 'start');
  await driver.cancel(move, testRun());
  isClean('host-b');
  expect(running('host-a')).toEqual(['web-01']);
});

test('hot: what an attempt has defined on the target and never ran there gives way', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M');
  const move = await begin('hot');
  const label = JSON.stringify({ v: 1, label: { role: 'incoming', moveId: move.record.moveId, at: Date.now() } });
  const xml = virsh('host-a', 'dumpxml', 'web-01', '--inactive', '--security-info');
  define('host-b', xml.replace(/(state[^>]*>)\{[^<]*/, `$1${label}`));
  await driver.migrate(move, testRun());
  await save(driver, move, { targetStarting: true });
  expect(running('host-b')).toEqual(['web-01']);
});

test('hot, cancelled: nothing of it is left in the folder of the login on the source', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '256M');
  const move = slowly(await begin('hot'));
  const stopped = testRun({ onEvent: (_event, stop) => stop.abort() });
  await expect(driver.migrate(move, stopped)).rejects.toMatchObject({ code: 'interrupted' });
  await driver.cancel(move, testRun());
  expect(running('host-a')).toEqual(['web-01']);
  expect(lab('exec', 'host-a', 'sh', '-c', 'find /tmp/vmplacement-* ! -type d')).toBe('');
  isClean('host-b');
});
