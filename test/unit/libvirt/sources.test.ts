/** What goes with the source of a move, and what stays. */
import { describe, expect, test } from 'vitest';
import type { Run } from '../../../provider/core/driver.js';
import { unknown, type Maybe } from '../../../provider/core/inventory.js';
import type { Connection, Executed } from '../../../provider/drivers/libvirt/connection.js';
import { sources } from '../../../provider/drivers/libvirt/sources.js';
import { domainsOf } from '../../../provider/drivers/libvirt/survey-domain.js';
import type { DatacenterReading } from '../../../provider/drivers/libvirt/survey.js';
import { vmsOf } from '../../../provider/drivers/libvirt/survey-vms.js';

const [pool, shared] = ['/var/lib/libvirt/images', '/srv/shared'];
const made = { made: { path: `${pool}/web.qcow2`, image: '' }, durable: 0, sent: 0, source: '' };

interface Domain {
  readonly uuid?: string;
  readonly name?: string;
  readonly disk?: string;
  readonly more?: string;
  readonly os?: string;
  readonly state?: object;
  readonly power?: 'off' | 'running';
  /** Whether libvirt tells the size of its disk. */
  readonly sized?: boolean;
}

const image = (path: string, format = 'qcow2', inside = ''): string =>
  `<disk type='file' device='disk'><driver name='qemu' type='${format}'/><source file='${path}'/>${inside}<target dev='vda'/></disk>`;

function host(name: string, domains: readonly Domain[], storageId: Maybe<string | null> = null, inactive = false) {
  const uuids = domains.map(({ uuid = 'u-web' }) => uuid);
  const reading = new Map([
    ['domains', uuids.join('\n')],
    ['persistent', uuids.join('\n')],
    ['stats', ''],
  ]);
  for (const { uuid = 'u-web', name: vm = 'web', disk = image(`${pool}/web.qcow2`), more = '', os = '', state, ...rest } of domains) {
    const metadata = `<vmplacement:state xmlns:vmplacement='urn:vmplacement:domain:1'>${JSON.stringify({ v: 1, ...state })}</vmplacement:state>`;
    const xml = `<domain type='kvm'><name>${vm}</name><uuid>${uuid}</uuid><metadata>${state === undefined ? '' : metadata}</metadata><os>${os}</os><devices>${disk}${more}</devices></domain>`;
    reading.set(`xml-${uuid}`, xml);
    if (rest.power === 'running') reading.set(`live-${uuid}`, xml);
    const sized = rest.sized === false ? '' : '  block.count=1\n  block.0.name=vda\n  block.0.capacity=1000\n  block.0.allocation=10\n';
    const stats = `Domain: '${vm}'\n  state.state=${rest.power === 'running' ? 1 : 5}\n${sized}`;
    reading.set('stats', `${reading.get('stats') ?? ''}${stats}`);
  }
  const pools = [{ name: 'default', path: pool, storageId: null }, ...(inactive ? [] : [{ name: 'shared', path: shared, storageId }])];
  return { name, pools, domains: domainsOf(reading, { cluster: 'blue', host: name, pools }) };
}

function readingOf(...hosts: readonly ReturnType<typeof host>[]): DatacenterReading {
  const files = ['web.qcow2', 'lonely.qcow2'];
  const facts = (its: ReturnType<typeof host>['pools']) => ({
    pools: its.map(({ name, storageId }) => ({ name, storageId, freeBytes: 1, files })),
  });
  return {
    datacenter: { hosts: hosts.map(({ name, pools }) => ({ name, cluster: 'blue', facts: facts(pools) })) },
    domains: hosts.flatMap(({ domains }) => domains),
    pools: new Map(hosts.map(({ name, pools }) => [name, pools])),
  } as unknown as DatacenterReading;
}

/** A source that is kept by the move that has copied its disk. */
const kept = (change: Domain = {}): Domain => ({
  state: { label: { role: 'kept', moveId: 'm-1', at: 1 }, work: { moveId: 'm-1', disks: { vda: made } } },
  ...change,
});
const arrived: Domain = { power: 'running' };

/** What is done to host-a, and what is said. @param answers to commands that hold a text. */
async function retire(reading: DatacenterReading, answers: Readonly<Record<string, Partial<Executed>>> = {}) {
  const [done, said]: [string[], string[]] = [[], []];
  const run = (line: string, { stdin = '' }: { stdin?: string } = {}): Promise<Executed> => {
    if (/vol-delete|undefine/.test(line)) done.push(/vol-delete/.test(line) ? 'vol-delete' : /--(keep-)?nvram/.exec(line)![0]);
    const [, answer] = Object.entries(answers).find(([text]) => `${line}\n${stdin}`.includes(text)) ?? [];
    const stdout = line.includes('dumpxml') && !line.includes('vol-') ? '<domain><os/></domain>' : '';
    return Promise.resolve({ code: 0, stdout, stderr: '', ...answer });
  };
  const connectionTo = (at: string): Connection =>
    ({ target: { name: at, sudo: false }, timeoutMs: 10_000, exec: run, shell: { run } }) as unknown as Connection;
  const moving = { emit: ({ message }: { message: string }) => said.push(message), checkLease: () => Promise.resolve() } as unknown as Run;
  const driver = sources({ read: () => Promise.resolve(reading), connectionTo, handOver: () => Promise.resolve() });
  await driver.retire({ cluster: 'blue', host: 'host-a', platformId: 'u-web' }, 'm-1', moving);
  return { done, said };
}

const all = { done: ['vol-delete', '--nvram'], said: [] };
const stays = (why: RegExp) => ({ done: ['--nvram'], said: [expect.stringMatching(why)] });

test('given a disk that this move has copied, then it goes with the definition', async () => {
  expect(await retire(readingOf(host('host-a', [kept()]), host('host-b', [arrived])))).toEqual(all);
});

describe('a disk that this move has not copied stays', () => {
  const disk = image(`${shared}/web.qcow2`);
  test.each<[string, Domain]>([
    ['no record of it', kept({ disk, state: { label: { role: 'kept', moveId: 'm-1', at: 1 } } })],
    [
      'the record of another move',
      kept({ disk, state: { label: { role: 'kept', moveId: 'm-1', at: 1 }, work: { moveId: 'm-0', disks: { vda: made } } } }),
    ],
    [
      'a record of another disk',
      kept({ disk, state: { label: { role: 'kept', moveId: 'm-1', at: 1 }, work: { moveId: 'm-1', disks: { vdb: made } } } }),
    ],
  ])('%s, while the pool of the target is not active', async (_what, source) => {
    for (const storageId of ['host-a:/srv/shared', null]) {
      const reading = readingOf(host('host-a', [source], storageId), host('host-b', [arrived], null, true));
      expect(await retire(reading)).toEqual(
        stays(/^web: disk vda on blue\/host-a was not copied by this move, so its file stays: \/srv\/shared\/web.qcow2$/),
      );
    }
  });

  test('silently, where it is proved to be the disk of the target too', async () => {
    const [a, b] = ['host-a', 'host-b'].map((name) => host(name, [name === 'host-a' ? kept({ disk }) : arrived], '7:d'));
    expect(await retire(readingOf(a!, b!))).toEqual({ done: ['--nvram'], said: [] });
  });
});

test('given that libvirt does not tell its size, as after a run that was killed when the file was gone, then the rest goes too', async () => {
  expect(await retire(readingOf(host('host-a', [kept({ sized: false })]), host('host-b', [arrived])))).toEqual(all);
});

describe('an image that others need stays', () => {
  const other = (disk: string, change: Domain = {}): Domain => ({ uuid: 'u-2', name: 'other', disk, ...change });
  const reading = (...domains: readonly Domain[]) => readingOf(host('host-a', [kept(), ...domains]), host('host-b', [arrived]));
  const volume = (name: string, below: string | null): string =>
    `virsh # vol-dumpxml\n<volume type='file'>\n  <name>${name}</name>\n  <target>\n    <path>${pool}/${name}</path>\n  </target>\n${below === null ? '' : `  <backingStore>\n    <path>${below}</path>\n  </backingStore>\n`}</volume>\n`;
  const clone = image('/srv/clones/clone.qcow2');

  test('the disk of another VM, also of one whose sizes are not told: refused', async () => {
    const same = reading(other(image(`${pool}/web.qcow2`), { sized: false }));
    await expect(retire(same)).rejects.toThrow(/its disk vda is used by other/);
  });

  test('a volume of that name in a pool that is not active: refused', async () => {
    const disk = `<disk type='volume' device='disk'><driver type='raw'/><source pool='gone' volume='web.qcow2'/><target dev='vda'/></disk>`;
    await expect(retire(reading(other(disk)))).rejects.toThrow(/not known who else uses its disk vda: a disk of other has the same name/);
    expect(await retire(reading(other(disk.replace('web.qcow2', 'x.qcow2'))))).toEqual(all);
  });

  test('an overlay of another VM, as libvirt tells of its pool', async () => {
    const volumes = volume('web.qcow2', null) + volume('mid.qcow2', `${pool}/web.qcow2`) + volume('top.qcow2', `${pool}/mid.qcow2`);
    expect(await retire(reading(other(image(`${pool}/top.qcow2`))), { "'\\''--pool=default'\\''": { stdout: volumes } })).toEqual(
      stays(/is a backing file of \/var\/lib\/libvirt\/images\/top.qcow2, so its file stays/),
    );
  });

  test('an overlay that no VM has', async () => {
    expect(await retire(reading(), { 'pool-refresh': { stdout: volume('lonely.qcow2', `${pool}/web.qcow2`) } })).toEqual(
      stays(/is a backing file of .*lonely.qcow2/),
    );
  });

  test('an overlay outside of pools, as qemu-img tells; a link leads to the same file', async () => {
    const info = (below: string): Partial<Executed> => ({
      stdout: `[{"filename": "/srv/clones/clone.qcow2", "full-backing-filename": ${JSON.stringify(below)}}]\n\n@@0\n`,
    });
    const expected = stays(/is a backing file of \/srv\/clones\/clone.qcow2/);
    const described = `json:{"driver":"qcow2","file":{"driver":"file","filename":"${pool}/web.qcow2"}}`;
    for (const below of [`${pool}/web.qcow2`, `file:${pool}/web.qcow2`, described])
      expect(await retire(reading(other(clone)), { 'qemu-img info': info(below) })).toEqual(expected);
    expect(
      await retire(reading(other(clone)), { 'qemu-img info': info('/link/web.qcow2'), '-ef': { stdout: '/link/web.qcow2\n' } }),
    ).toEqual(expected);
    expect(await retire(reading(other(clone)), { 'qemu-img info': info('/srv/base.qcow2') })).toEqual(all);
  });

  test('an overlay that cannot be read', async () => {
    expect(await retire(reading(other(clone)), { 'qemu-img info': { stdout: '\n@@1\n' } })).toEqual(
      stays(/may be a backing file of \/srv\/clones\/clone.qcow2, which cannot be read/),
    );
  });

  test('but a raw image has nothing below it, and is not read for that', async () => {
    const raw = image('/srv/clones/clone.qcow2', 'raw');
    expect(await retire(reading(other(raw)), { 'qemu-img info': { stdout: '\n@@1\n' } })).toEqual(all);
  });

  test('an overlay on another host that sees the same storage, or that cannot be read', async () => {
    const source = kept({ disk: image(`${shared}/web.qcow2`) });
    const here = host('host-a', [source], 'srv:/x');
    const target = host('host-b', [arrived], null, true);
    const there = host('host-c', [other(clone)], 'srv:/x');
    const answers = { 'qemu-img info': { stdout: `[{"filename":"${shared}/web.qcow2"}]\n\n@@0\n` } };
    expect(await retire(readingOf(here, target, there), answers)).toEqual(stays(/is a backing file of .*clone.qcow2/));
    const unread = readingOf(here, target, there);
    const hosts = unread.datacenter.hosts.map((one) => (one.name === 'host-c' ? { ...one, facts: unknown('no answer') } : one));
    expect(await retire({ ...unread, datacenter: { ...unread.datacenter, hosts } }, answers)).toEqual(
      stays(/may be used on blue\/host-c too \(no answer\)/),
    );
  });
});

test('a VM whose disk a running clone lies on is told as shared before anything begins; the clone itself is not', () => {
  const below = `<backingStore type='file'><format type='qcow2'/><source file='${pool}/web.qcow2'/><backingStore/></backingStore>`;
  const clone: Domain = { uuid: 'u-2', name: 'clone', power: 'running', disk: image(`${pool}/clone.qcow2`, 'qcow2', below) };
  const vms = vmsOf(host('host-a', [{}, clone]).domains, {});
  expect(vms.map(({ name, disks }) => [name, disks])).toMatchObject([
    ['clone', [{ sharedWith: [] }]],
    ['web', [{ sharedWith: ['clone'] }]],
  ]);
});

describe('firmware variables', () => {
  const source = (path: string): Domain => kept({ os: `<nvram>${path}</nvram>` });
  const expected = {
    done: ['vol-delete', '--keep-nvram'],
    said: [expect.stringMatching(/firmware variables on blue\/host-a .* so they stay: /)],
  };
  test.each([
    ['where libvirt puts them', '/var/lib/libvirt/qemu/nvram/web_VARS.fd', all],
    ['in a local pool', `${pool}/web_VARS.fd`, all],
    ['on shared storage', `${shared}/web_VARS.fd`, expected],
    ['in a folder that nothing is known of', '/srv/vars/web_VARS.fd', expected],
  ])('%s', async (_where, path, result) => {
    expect(await retire(readingOf(host('host-a', [source(path)], '7:d'), host('host-b', [arrived], null, true)))).toEqual(result);
  });
});
