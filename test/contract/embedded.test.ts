import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedDriver, modelOn, openModel, openOutside, type Model, type Outside } from '../../provider/drivers/embedded/index.js';
import { resolveEmbedded, type ResolvedEmbedded } from '../../schema/embedded.js';
import { describeDriverContract, type Harness, type OutsideWorld, type Subject } from './driver.js';

const datacenter = (style: 'driven' | 'task'): ResolvedEmbedded =>
  resolveEmbedded({
    style,
    clock: 'manual',
    clusters: { a: { hosts: { a1: {}, a2: {} } }, b: { hosts: { b1: {} } } },
    links: [{ between: ['a', 'b'], bandwidth: '100MiB/s' }],
    vms: {
      runner: {
        host: 'a1',
        memory: '1GiB',
        disks: [{ name: 'vda', size: '2GiB', allocated: '1GiB' }],
        dirtyRate: '4MiB/s',
        workingSet: '200MiB',
      },
      sleeper: { host: 'a1', power: 'off', disks: [{ name: 'vda', size: '2GiB', allocated: '512MiB' }], stateFiles: ['nvram', 'tpm'] },
      deaf: { host: 'a1', shutdown: { ignores: true } },
    },
  });

const GIB = 1024 ** 3;

const outsideWorld = (outside: Outside): OutsideWorld => ({
  violations: async () => (await outside.show()).violations.map(({ kind, details }) => `${kind}: ${details}`),
  shutdown: (vm, how) => outside.shutdown(vm, how),
  start: (vm, host) => outside.start(vm, host),
  advance: (milliseconds) => outside.advance(milliseconds),
  setHost: (host, state) => outside.setHost(host, state),
  snapshot: (vm) => outside.snapshot(vm, 'before-upgrade'),
  growDisk: (vm) => outside.resizeDisk(vm, 'vda', 4 * GIB),
  shrinkDisk: (vm) => outside.resizeDisk(vm, 'vda', GIB),
  addDisk: (vm) => outside.addDisk(vm, { name: 'vdb', bytes: GIB, allocatedBytes: GIB / 4 }),
  replaceDisk: (vm) => outside.replaceDisk(vm, 'vda'),
  moveByHand: (vm, host) => outside.move(vm, host),
  removeIncoming: (vm) => outside.removeIncoming(vm),
  corruptIncoming: (vm, host, block) => outside.corrupt(vm, host, 'vda', block === 'busy' ? 0 : 16_000),
  losePower: (host) => outside.losePower(host),
  setClock: (host, aheadMs) => outside.setClock(host, aheadMs),
});

function harness(model: Model, another: () => Model, close: () => Promise<void> = () => Promise.resolve()): Harness {
  return {
    driver: embeddedDriver(model),
    another: () => Promise.resolve(embeddedDriver(another())),
    from: { cluster: 'a', host: 'a1' },
    near: { cluster: 'a', host: 'a2' },
    far: { cluster: 'b', host: 'b1' },
    runner: 'runner',
    sleeper: 'sleeper',
    deaf: 'deaf',
    outside: outsideWorld(openOutside(model)),
    close,
  };
}

function subject(style: 'driven' | 'task', store: 'memory' | 'file'): Subject {
  const config = datacenter(style);
  return {
    name: `embedded, ${style}, ${store} store`,
    capabilities: embeddedDriver(openModel(config, 'memory')).capabilities,
    make: async () => {
      if (store === 'memory') {
        const model = openModel(config, 'memory');
        return harness(model, () => modelOn(config, model.store));
      }
      const folder = await mkdtemp(join(tmpdir(), 'vmp-embedded-'));
      const open = (): Model => openModel(config, { folder });
      return harness(open(), open, () => rm(folder, { recursive: true }));
    },
  };
}

describeDriverContract(subject('driven', 'memory'));
describeDriverContract(subject('task', 'memory'));
describeDriverContract(subject('driven', 'file'), ['cold', 'cutover', 'record', 'pool']);
describeDriverContract(subject('task', 'file'), ['platform task']);
