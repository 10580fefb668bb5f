/** What every driver must hold, as far as the libvirt driver claims it, on real hosts. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Driver } from '../../provider/core/driver.js';
import { capabilities } from '../../provider/drivers/libvirt/driver.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { describeDriverContract, type Harness } from '../contract/driver.js';
import { datacenter } from './datacenter.js';
import { clearLab, hosts, lab, running, violations, virsh } from './kit.js';

const open = (): Promise<Driver> => openLibvirt(resolveLibvirt(datacenter()), { baseDir: '/' });

const images = '/var/lib/libvirt/images';

/** One with something in it. */
const image = (name: string, format: 'qcow2' | 'raw'): string =>
  lab(
    'exec',
    'host-a',
    'sh',
    '-ec',
    'dd if=/dev/urandom of=/tmp/some bs=1M count=8 status=none; qemu-img convert -f raw -O "$1" /tmp/some "$2"; rm /tmp/some',
    'sh',
    format,
    `${images}/${name}`,
  );

/** @param needs a guest that has come up, as it must to obey a shutdown or to be moved; a disk that takes a while to copy. */
const make = (needs: 'nothing' | 'a booted guest' | 'a full disk') => async (): Promise<Harness> => {
  lab('vm', 'host-a', 'runner', '--size', '256M', ...(needs === 'a booted guest' ? [] : ['--no-wait']));
  lab('vm', 'host-a', 'sleeper', '--no-start', ...(needs === 'a full disk' ? ['--data', '200'] : []));
  lab('route', 'on');
  const opened = [await open()];
  return {
    driver: opened[0]!,
    another: async () => {
      const driver = await open();
      opened.push(driver);
      return driver;
    },
    from: { cluster: 'blue', host: 'host-a' },
    near: { cluster: 'blue', host: 'host-b' },
    far: { cluster: 'green', host: 'host-c' },
    runner: 'runner',
    sleeper: 'sleeper',
    outside: {
      violations: async () => violations('runner'),
      shutdown: async (vm, how) => void virsh('host-a', how === 'clean' ? 'shutdown' : 'destroy', vm),
      addDisk: async (vm) => {
        image('added.qcow2', 'qcow2');
        virsh('host-a', 'attach-disk', vm, `${images}/added.qcow2`, 'vdb', '--targetbus', 'virtio', '--subdriver', 'qcow2', '--config');
      },
      growDisk: async (vm) => void lab('exec', 'host-a', 'qemu-img', 'resize', '-q', `${images}/${vm}.qcow2`, '+64M'),
      replaceDisk: async (vm) => {
        image('replaced.img', 'raw');
        virsh('host-a', 'detach-disk', vm, 'vda', '--config');
        virsh('host-a', 'attach-disk', vm, `${images}/replaced.img`, 'vda', '--targetbus', 'virtio', '--subdriver', 'raw', '--config');
      },
      start: async (vm, host) => void virsh(host ?? 'host-a', 'start', vm),
    },
    close: async () => {
      await Promise.all(opened.map((driver) => driver.close()));
      lab('route', 'off');
      clearLab();
    },
  };
};

/** Stands for an hour in which a guest writes: it has written all it ever writes to after some seconds. */
const hurried = (driver: Driver): Driver => ({
  ...driver,
  clock: {
    ...driver.clock,
    now: () => driver.clock.now(),
    sleep: (ms, kind, signal) => driver.clock.sleep(Math.min(ms, 8000), kind, signal),
  },
});

/** Of a VM whose disk lies on others: the checker reads one file. */
function violationsOfChain(vm: string): readonly string[] {
  const host = hosts.find((one) => running(one).includes(vm));
  const overlay = host === undefined ? undefined : /\S+\.theirs$/m.exec(virsh(host, 'domblklist', vm))?.[0];
  if (host === undefined || overlay === undefined) return violations(vm);
  // Then it writes nothing meanwhile.
  virsh(host, 'suspend', vm);
  lab('exec', host, 'qemu-img', 'convert', '-q', '-U', '-O', 'qcow2', overlay, '/tmp/flat');
  lab('exec', host, 'sh', '-c', `mv /tmp/flat ${images}/${vm}.qcow2`);
  const found = violations(vm);
  virsh(host, 'resume', vm);
  return found;
}

const MiB = 1024 ** 2;
/** Of the disk of a guest of the lab: where it writes its records, and random data that it never touches. */
const written = { from: MiB, to: 33 * MiB };
const filled = { from: 300 * MiB, to: 301 * MiB };

/** Something in each cluster of this part of an image reads otherwise from now on, also while a server has it open. */
function corrupt(image: string, { from, to }: { readonly from: number; readonly to: number }): void {
  const { stdout } = spawnSync('qemu-img', ['map', '-U', '--output=json', image], { encoding: 'utf8' });
  const extents = JSON.parse(stdout) as readonly {
    readonly start: number;
    readonly length: number;
    readonly data: boolean;
    readonly offset?: number;
  }[];
  const file = openSync(image, 'r+');
  let count = 0;
  for (const { start, length, data, offset } of extents)
    for (let at = Math.max(start, from); data && offset !== undefined && at < Math.min(start + length, to); at += 4096, count += 1)
      writeSync(file, randomBytes(16), 0, 16, offset + (at - start) + 100);
  fsyncSync(file);
  closeSync(file);
  if (count === 0) throw new Error(`there is nothing in this part of ${image}`);
}

const makeStaged = async (): Promise<Harness> => {
  lab('vm', 'host-a', 'runner', '--size', '1G', '--data', '400');
  const made: Driver[] = [];
  const opened = async (): Promise<Driver> => {
    const driver = await open();
    made.push(driver);
    return hurried(driver);
  };
  const far = 'host-c';
  return {
    driver: await opened(),
    another: opened,
    from: { cluster: 'blue', host: 'host-a' },
    near: { cluster: 'blue', host: 'host-b' },
    far: { cluster: 'green', host: far },
    runner: 'runner',
    sleeper: '',
    outside: {
      violations: async () => violationsOfChain('runner'),
      shutdown: async (vm, how) => void virsh('host-a', how === 'clean' ? 'shutdown' : 'destroy', vm),
      start: async (vm, host) => void virsh(host ?? 'host-a', 'start', vm),
      snapshot: async (vm) => void virsh('host-a', 'snapshot-create-as', vm, 'theirs', '--disk-only', '--no-metadata'),
      addDisk: async (vm) => {
        image('added.qcow2', 'qcow2');
        virsh('host-a', 'attach-disk', vm, `${images}/added.qcow2`, 'vdb', '--targetbus', 'virtio', '--subdriver', 'qcow2', '--persistent');
      },
      growDisk: async (vm) => void virsh('host-a', 'blockresize', vm, 'vda', '1100M'),
      corruptIncoming: async (vm, host, block) => corrupt(lab('disk', host, `${vm}.qcow2`), block === 'busy' ? written : filled),
      removeIncoming: async (vm) => {
        virsh(far, 'undefine', vm);
        lab('exec', far, 'rm', `${images}/${vm}.qcow2`);
      },
      losePower: async (host) => {
        lab('crash', host);
        lab('boot', host);
      },
    },
    close: async () => {
      await Promise.all(made.map((driver) => driver.close()));
      clearLab();
    },
  };
};

describeDriverContract({ name: 'libvirt', capabilities, make: make('nothing') }, ['survey', 'probes', 'record']);
describeDriverContract({ name: 'libvirt, with a full disk', capabilities, make: make('a full disk') }, ['cold']);
describeDriverContract({ name: 'libvirt, with guests that are up', capabilities, make: make('a booted guest') }, [
  'power',
  'hot',
  'source',
]);
describeDriverContract(
  {
    name: 'libvirt, without a network',
    capabilities: { ...capabilities, methods: ['hot', 'cold', 'staged'], verify: true },
    make: makeStaged,
  },
  ['staged', 'trust', 'cutover'],
);
