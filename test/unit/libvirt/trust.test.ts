/** What makes an increment a silent gap (rules.md §6.3), from what was read of a VM. */
import { expect, test } from 'vitest';
import type { MigrationRecord } from '../../../provider/core/record.js';
import { powerLogOf, uncleanEnds } from '../../../provider/drivers/libvirt/power-log.js';
import type { SentDisk, StagedWork } from '../../../provider/drivers/libvirt/metadata.js';
import type { DomainReading } from '../../../provider/drivers/libvirt/survey-domain.js';
import { distrustOf, isSent } from '../../../provider/drivers/libvirt/trust.js';

const disk: SentDisk = { path: '/pool/a.qcow2', chain: ['/pool/a.qcow2', '/pool/base.qcow2'], virtualBytes: 100, image: 'image-1' };
const sent: StagedWork = {
  ...{ n: 2, checkpoint: 'vmplacement-2-ab', at: 1000, disks: { vda: disk }, kind: 'increment', distrust: '', durationMs: 5, rate: 7 },
};
const named = (n: number, image = 'image-1'): MigrationRecord['increment'] => ({
  n,
  images: { vda: image },
  at: '',
  bytes: 1,
  projectedDowntimeMs: 1,
});

interface Given {
  readonly sent?: Partial<StagedWork>;
  readonly disks?: Readonly<Record<string, SentDisk>>;
  readonly checkpoints?: readonly string[];
  readonly unclean?: DomainReading['uncleanEnds'];
  readonly increment?: MigrationRecord['increment'];
  readonly power?: 'running' | 'off';
}

const distrust = ({
  sent: more,
  disks = { vda: disk },
  checkpoints = ['vmplacement-2-ab', 'theirs'],
  unclean = [],
  increment = named(2),
  power = 'off',
}: Given): string =>
  distrustOf({
    sent: { ...sent, ...more },
    disks,
    source: { checkpoints, uncleanEnds: unclean, copy: { power } } as unknown as DomainReading,
    record: { increment } as MigrationRecord,
  });

test.each<[string, Given]>([
  ['a VM that is what it was', {}],
  ['a record that is one pass behind, of whatever image', { increment: named(1, 'image-0') }],
  ['nothing that was sent yet', { sent: { n: 0 }, increment: null, checkpoints: [] }],
  ['a disk that was grown', { disks: { vda: { ...disk, virtualBytes: 200 } } }],
  ['a disk that was added', { disks: { vda: disk, vdb: { ...disk, path: '/pool/b.qcow2', chain: ['/pool/b.qcow2'], image: '' } } }],
  ['a log that was rotated away, of a VM that runs', { unclean: null, power: 'running' }],
  ['an unclean end before that pass', { unclean: [{ atMs: 900, wasPoweredOff: false }] }],
  ['the power-off that this move has sent', { sent: { poweredOff: 2000 }, unclean: [{ atMs: 2100, wasPoweredOff: true }] }],
])('trusted: %s', (_what, given) => expect(distrust(given)).toBe(''));

test.each<[string, Given, RegExp]>([
  ['a pass that is lost', { increment: named(3) }, /holds increment 2, the record names 3/],
  ['no checkpoint', { checkpoints: ['theirs'] }, /its checkpoint is gone/],
  ['an unclean end', { unclean: [{ atMs: 1001, wasPoweredOff: false }] }, /bitmaps are not trusted/],
  ['a forced power-off by others', { unclean: [{ atMs: 1001, wasPoweredOff: true }] }, /bitmaps are not trusted/],
  [
    'a crash after the power-off that was sent and did nothing',
    { sent: { poweredOff: 2000 }, unclean: [{ atMs: 2100, wasPoweredOff: false }] },
    /not trusted/,
  ],
  [
    'a second power-off after that of this move',
    {
      sent: { poweredOff: 2000 },
      unclean: [
        { atMs: 2100, wasPoweredOff: true },
        { atMs: 9000, wasPoweredOff: true },
      ],
    },
    /not trusted/,
  ],
  ['a log that cannot be read', { unclean: null }, /log could not be read/],
  [
    'another chain',
    { disks: { vda: { ...disk, chain: ['/pool/a.qcow2', '/pool/other.qcow2'] } } },
    /chain of disk vda was changed by others/,
  ],
  [
    'a snapshot',
    { disks: { vda: { ...disk, path: '/pool/a.snap', chain: ['/pool/a.snap', ...disk.chain] } } },
    /chain of disk vda was changed/,
  ],
  ['another disk', { disks: { vda: { ...disk, path: '/pool/b', chain: ['/pool/b'] } } }, /disk vda was replaced/],
  ['a disk that was shrunk', { disks: { vda: { ...disk, virtualBytes: 99 } } }, /disk vda was shrunk/],
  ['an image on the target that is gone', { disks: { vda: { ...disk, image: '' } } }, /image of disk vda is not the one that was sent/],
  ['a record of another image', { increment: named(2, 'image-0') }, /not the one that the record names/],
  ['what a comparison found', { sent: { bad: 'it differs' } }, /^it differs$/],
])('a new full copy: %s', (_what, given, why) => expect(distrust(given)).toMatch(why));

test('a pass goes on only with the same disks of the same size', () => {
  expect(isSent({ vda: disk }, { vda: { ...disk } })).toBe(true);
  expect(isSent({ vda: disk }, { vda: { ...disk, virtualBytes: 200 } })).toBe(false);
  expect(isSent({ vda: disk }, { vda: disk, vdb: disk })).toBe(false);
  expect(isSent({ vda: disk, vdb: disk }, { vda: disk })).toBe(false);
});

const at = (minute: number): string => `2026-11-27 14:${minute}:53.503+0000: `;
const started = (minute: number): string => `${at(minute)}starting up libvirt version: 9.0.0`;
const stopped = (minute: number, reason: string): string => `${at(minute)}shutting down, reason=${reason}`;
const ends = (power: 'running' | 'off', ...lines: readonly string[]): readonly string[] | undefined =>
  uncleanEnds(powerLogOf(lines.map((line) => `/var/log/libvirt/qemu/web-01.log:${line}`).join('\n')), { name: 'web-01', power })?.map(
    ({ atMs, wasPoweredOff }) => `${Number.isFinite(atMs) ? new Date(atMs).getUTCMinutes() : 'no word'}${wasPoweredOff ? ' by force' : ''}`,
  );

test('unclean ends are those without a shutdown of the guest, also where only the next start, or nothing, tells of them', () => {
  expect(ends('running', started(10))).toEqual([]);
  expect(ends('running', started(10), stopped(11, 'shutdown'), started(12))).toEqual([]);
  expect(ends('running', started(10), stopped(11, 'destroyed'), started(12))).toEqual(['11 by force']);
  expect(ends('off', started(10), stopped(11, 'crashed'))).toEqual(['11']);
  expect(ends('off', started(10), stopped(11, 'migrated'))).toEqual(['11']);
  expect(ends('running', started(10), started(12))).toEqual(['12']);
  expect(ends('off', started(10))).toEqual(['no word']);
  expect(ends('off', started(10), stopped(11, 'shutdown'), started(12), stopped(12, 'failed'))).toEqual([]);
  expect(uncleanEnds(powerLogOf(''), { name: 'web-01', power: 'off' })).toBeNull();
});
