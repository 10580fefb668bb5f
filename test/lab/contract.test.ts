/** What every driver must hold, as far as the libvirt driver claims it, on real hosts. */
import type { Driver } from '../../provider/core/driver.js';
import { capabilities } from '../../provider/drivers/libvirt/driver.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { describeDriverContract, type Harness } from '../contract/driver.js';
import { datacenter } from './datacenter.js';
import { clearLab, lab, virsh } from './kit.js';

const open = (): Promise<Driver> => openLibvirt(resolveLibvirt(datacenter()), { baseDir: '/' });

/** @param boot whether the guest must have come up, as it must to obey a shutdown. */
const make = (boot: 'booted' | 'booting') => async (): Promise<Harness> => {
  lab('vm', 'host-a', 'runner', ...(boot === 'booted' ? [] : ['--no-wait']));
  lab('vm', 'host-a', 'sleeper', '--no-start');
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
      violations: async () => [],
      shutdown: async (vm, how) => void virsh('host-a', how === 'clean' ? 'shutdown' : 'destroy', vm),
      start: async (vm, host) => void virsh(host ?? 'host-a', 'start', vm),
    },
    close: async () => {
      await Promise.all(opened.map((driver) => driver.close()));
      clearLab();
    },
  };
};

describeDriverContract({ name: 'libvirt', capabilities, make: make('booting') }, ['survey', 'record']);
describeDriverContract({ name: 'libvirt, guests that are up', capabilities, make: make('booted') }, ['power']);
