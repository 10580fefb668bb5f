import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isUnknown, type HostFacts, type Vm } from '../../../provider/core/inventory.js';
import { cannotRead, cut } from '../../../provider/drivers/libvirt/reading.js';
import { domainsOf } from '../../../provider/drivers/libvirt/survey-domain.js';
import { foldersOf, hostFacts, poolOf, poolsOf, versionsOf } from '../../../provider/drivers/libvirt/survey-host.js';
import { vmsOf } from '../../../provider/drivers/libvirt/survey-vms.js';

/** As a host of the lab answered: libvirt 9.0, QEMU 7.2. */
const captured = readFileSync(join(import.meta.dirname, 'fixtures/host-a.txt'), 'utf8');
const read = (change: (text: string) => string = (text) => text) => cut(change(captured), 'NNN');
const domains = (reading = read(), host = 'host-a') =>
  domainsOf(reading, { cluster: 'blue', host, pools: poolsOf(reading, host, []).map(({ place }) => place) });
const vm = (name: RegExp, from = domains()): Vm => vmsOf(from, {}).find((one) => name.test(one.name))!;
const known = <T>(value: T): Exclude<T, { readonly unknown: string }> => {
  if (isUnknown(value)) throw new Error(value.unknown);
  return value as Exclude<T, { readonly unknown: string }>;
};

describe('a host', () => {
  const facts: HostFacts = hostFacts(
    read(),
    poolsOf(read(), 'host-a', []).map(({ pool }) => pool),
  );

  test('offers machine types by both of their names, and its firmware', () => {
    expect(facts.machineTypes).toEqual(expect.arrayContaining(['pc', 'pc-i440fx-7.2', 'q35', 'pc-q35-7.2']));
    expect(facts.firmware).toEqual(['bios', 'uefi']);
  });

  test('offers other CPUs under KVM than under emulation', () => {
    const { arch, models, features } = known(facts.cpu);
    expect(arch).toBe('x86_64');
    expect(models).toContain('qemu64 (TCG)');
    expect(models).not.toContain('qemu64');
    expect(features).toEqual(expect.arrayContaining(['lahf_lm', 'lahf_lm (TCG)', 'cmov']));
  });

  test('has pools with live figures, networks and bridges, and memory', () => {
    expect(known(facts.pools)).toEqual([{ name: 'default', freeBytes: expect.any(Number), storageId: null }]);
    expect(facts.networks).toEqual(['lan', 'bridge:br0']);
    expect(known(facts.memory).totalBytes).toBeGreaterThan(known(facts.memory).freeBytes);
    expect(versionsOf(read())).toEqual({ libvirt: '9.0.0', qemu: expect.stringMatching(/^7\.2/) });
  });

  test('given a pool on a file system that others may mount too, then it is known by what lies in it', () => {
    const reading = new Map(read());
    reading.set('fs-/var/lib/libvirt/images', 'nfs 1000 4096 3000');
    const [one] = poolsOf(reading, 'host-a', []);
    expect(one?.pool).toEqual({ name: 'default', freeBytes: 4_096_000, storageId: expect.stringMatching(/^131074:[0-9a-f]{64}$/) });
    const there = foldersOf(reading, 'host-b');
    expect(there).toEqual([expect.objectContaining({ host: 'host-b', fileSystem: 'nfs', totalBytes: 3000 * 4096, inode: '131074' })]);
    expect(poolsOf(reading, 'host-a', there)[0]?.pool.storageId).toBe(one?.pool.storageId);
  });

  test('tells what lies in a pool: as the folder lists it, or as libvirt does where the login may not look', () => {
    const pool = known(facts.pools)[0]!;
    expect(pool).not.toHaveProperty('files');
    const uuid = [...read().keys()].find((key) => key.startsWith('pool-'))!.slice('pool-'.length);
    const listed = (key: string, text: string) => poolsOf(new Map([...read(), [key, text]]), 'host-a', [])[0]?.pool.files;
    expect(listed('files-/var/lib/libvirt/images', "it's  two.qcow2\nvm-1.raw")).toEqual(["it's  two.qcow2", 'vm-1.raw']);
    const table = ` it's  two.qcow2    /var/lib/libvirt/images/it's  two.qcow2\n vm-1.raw           /var/lib/libvirt/images/vm-1.raw`;
    expect(listed(`volumes-${uuid}`, table)).toEqual(["it's  two.qcow2", 'vm-1.raw']);
  });

  test('what it did not answer is unknown', () => {
    const empty = hostFacts(new Map(), []);
    expect([empty.cpu, empty.machineTypes, empty.firmware, empty.memory, empty.networks].every((fact) => isUnknown(fact))).toBe(true);
  });
});

describe('a domain', () => {
  test('that runs is read with what it was started with', () => {
    const found = vm(/^web-01$/);
    expect(found).toMatchObject({
      copies: [{ ref: { cluster: 'blue', host: 'host-a', platformId: found.uuid }, role: 'live', power: 'running', autostart: true }],
      cpu: {
        arch: 'x86_64',
        model: 'qemu64 (TCG)',
        features: ['hypervisor (TCG)', 'lahf_lm (TCG)'],
        definition: expect.stringMatching(/^<domain type="qemu"><cpu .*qemu64.*lahf_lm.*<\/domain>$/),
      },
      machineType: 'pc-i440fx-7.2',
      firmware: 'bios',
      memoryBytes: 96 * 2 ** 20,
      disks: [{ name: 'vda', pool: 'default', format: 'qcow2', virtualBytes: 2 ** 30, sharedWith: [], tracked: true, storageId: null }],
      nics: [{ network: 'lan' }],
      devices: [],
      consoles: [],
      snapshots: [],
      locks: [],
      conditions: [],
      record: null,
      claim: null,
      lease: null,
    });
  });

  test('with a name that no shell should see is read as any other', () => {
    expect(vm(/it's/)).toMatchObject({
      name: `-it's "$(touch pwned)" größe`,
      copies: [{ power: 'off', autostart: false }],
      firmware: 'uefi',
      stateFiles: [{ kind: 'nvram', path: '/var/lib/libvirt/qemu/nvram/weird_VARS.fd' }],
      nics: [{ network: 'bridge:br0', mac: '52:54:00:00:00:01' }],
      devices: [{ name: 'sda', kind: 'cdrom', hostLocal: true }],
      // Open consoles are those of a VM that runs.
      consoles: [],
      disks: [
        { name: 'vda', path: '/var/lib/libvirt/images/two words.qcow2', pool: 'default', tracked: true },
        { name: 'vdb', path: '/srv/outside/b.raw', pool: '/srv/outside', tracked: false, storageId: { unknown: expect.any(String) } },
      ],
    });
  });

  test.each([
    ['5', 'off'],
    ['3', 'paused'],
    ['6', 'crashed'],
    ['7', 'suspended'],
    ['4', 'running'],
    ['99', 'unknown'],
  ])('in state %s reads %s', (state, power) => {
    const reading = read((text) => text.replace(/(Domain: 'web-01'\n {2}state.state=)1/, `$1${state}`));
    expect(vm(/^web-01$/, domains(reading)).copies[0]?.power).toBe(power);
  });

  test.each<[string, (uuid: string) => [string, string], object]>([
    ['a managed save', () => ['saved', ''], { copies: [{ power: 'saved' }] }],
    ['a snapshot', (uuid) => [`snapshots-${uuid}`, 'before-upgrade'], { snapshots: ['before-upgrade'] }],
    ['a checkpoint', (uuid) => [`checkpoints-${uuid}`, 'backup-7'], { snapshots: ['checkpoint backup-7'] }],
    [
      'a running job',
      (uuid) => [`job-${uuid}`, 'Job type:         Unbounded\nOperation:        Backup'],
      { locks: [{ by: 'libvirt job: Backup' }] },
    ],
    ['no persistent definition', () => ['persistent', ' '], { conditions: ['transient'] }],
  ])('with %s says so', (_what, change, expected) => {
    const { uuid } = vm(/^web-01$/);
    const reading = new Map(read());
    const [key, value] = change(uuid);
    reading.set(key, value === '' ? uuid : value);
    expect(vm(/^web-01$/, domains(reading))).toMatchObject(expected);
  });

  test('whose disk has no size that was told has unknown disks, never one of no bytes', () => {
    const reading = read((text) => text.replaceAll(/block\.0\.capacity=\d+/g, 'block.0.other=1'));
    expect(vm(/^web-01$/, domains(reading)).disks).toEqual({ unknown: expect.stringContaining('vda') });
  });

  test('that shares a path with another one of its host names it', () => {
    const reading = read((text) => text.replaceAll('db-01.qcow2', 'web-01.qcow2'));
    expect(known(vm(/^web-01$/, domains(reading)).disks)[0]?.sharedWith).toEqual(['db-01']);
  });

  test('that is on two hosts is one VM with two copies, told from where it runs', () => {
    const other = read((text) => text.replace(/(Domain: 'web-01'\n {2}state.state=)1/, '$15'));
    const [found] = vmsOf([...domains(other, 'host-b'), ...domains()], { vms: ['web-01'] });
    expect(found?.copies.map(({ ref, power }) => [ref.host, power])).toEqual([
      ['host-b', 'off'],
      ['host-a', 'running'],
    ]);
  });

  test('whose metadata is of a newer version or broken is a problem, never nothing', () => {
    for (const [text, problem] of [
      ['{"v":2}', /newer version/],
      ['{', /cannot be understood/],
    ] as const) {
      const metadata = `<name>web-01</name><metadata><x:state xmlns:x="urn:vmplacement:domain:1">${text}</x:state></metadata>`;
      const reading = read((all) => all.replaceAll('<name>web-01</name>', metadata));
      expect(vm(/^web-01$/, domains(reading)).recordProblem).toMatch(problem);
    }
  });
});

test('a path lies in the pool of its very folder, and else in that folder: what is deeper in a pool may be another mount', () => {
  const pools = ['/a', '/a/b'].map((path) => ({ name: `pool ${path}`, path, storageId: null }));
  expect(['/a/x', '/a/b/x', '/ab/x', '/a/b/c/x'].map((path) => poolOf(path, pools).name)).toEqual([
    'pool /a',
    'pool /a/b',
    '/ab',
    '/a/b/c',
  ]);
  expect(poolOf('/a/b/c/x', pools).storageId).toEqual({ unknown: expect.stringContaining('/a/b/c') });
});

test('nothing that a definition holds passes for a mark of the reading', () => {
  expect([...cut('@@n1@a@@1\n@@n2@b@@2', 'n1')]).toEqual([['a', '1\n@@n2@b@@2']]);
});

test.each([
  [127, 'virsh: command not found', /no virsh.*libvirt-clients/],
  [1, 'sudo: a password is required', /sudo.*sudoers/],
  [1, "error: Failed to connect socket to '/run/libvirt/libvirt-sock': Permission denied", /no right.*group libvirt/],
  [1, "error: Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory", /libvirt does not run.*systemctl/],
  [1, 'error: something else', /something else/],
])('virsh that ends with %i and "%s" says why and what to do', (code, stderr, expected) => {
  expect(cannotRead({ name: 'host-a', sudo: true, user: 'ops' }, code, stderr).message).toMatch(expected);
});
