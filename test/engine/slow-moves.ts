/** A datacenter whose moves take seconds in every phase, so that something can happen in the middle of each; and their declarations. */

const MIB = 1024 ** 2;
const bytes = { 'off-01': 256 * MIB, 'cold-01': 192 * MIB, 'cold-02': 64 * MIB, 'staged-01': 64 * MIB, 'staged-02': 64 * MIB };

/**
 * What an undisturbed move sends. A quiet guest is copied once; a busy one has its whole working set, which is all it has, dirty again
 * at the end of each pass. Hot: not counted here, its job is the platform's.
 */
export const bytesOf = (vm: SlowVm, passes: number): number | null => (vm === 'hot-01' ? null : bytes[vm] * passes);

const disk = (allocated: number) => [{ name: 'vda', size: '1GiB', allocated: `${allocated / MIB}MiB` }];
const quiet = { dirtyRate: '0B/s' };
const busy = { dirtyRate: '128MiB/s', workingSet: '64MiB', disks: disk(bytes['staged-01']) };
const prompt = { shutdown: { takes: '1s' } };
const tardy = { shutdown: { takes: '6s' } };

/** `speed`: model seconds per second. At 1 a copy of 64 MiB takes a second. */
export const slowly = (speed: number): object => ({
  embedded: {
    clock: 'wall',
    speed,
    relayBandwidth: '64MiB/s',
    clusters: {
      a: { bandwidth: '64MiB/s', hosts: { a1: san, a2: san } },
      b: { hosts: { b1: {} } },
      c: { hosts: { c1: {} } },
    },
    links: [
      { between: ['a', 'b'], bandwidth: '64MiB/s' },
      { between: ['a', 'c'], direct: 'no' },
    ],
    vms: {
      'hot-01': { host: 'a1', memory: '384MiB', memoryDirtyRate: '1MiB/s', memoryWorkingSet: '8MiB' },
      'off-01': { host: 'a1', power: 'off', disks: disk(bytes['off-01']) },
      'cold-01': { host: 'a1', ...quiet, ...prompt, disks: disk(bytes['cold-01']) },
      'cold-02': { host: 'a1', ...quiet, ...tardy, disks: disk(bytes['cold-02']) },
      'staged-01': { host: 'a1', ...busy, ...prompt },
      'staged-02': { host: 'a1', ...busy, ...tardy },
    },
  },
});

const san = { pools: { default: { storage: 'san-1' } } };

export const vms = ['hot-01', 'off-01', 'cold-01', 'cold-02', 'staged-01', 'staged-02'] as const;
export type SlowVm = (typeof vms)[number];

/** Where each is at first. */
export const atHome = (vm: SlowVm): Readonly<Record<string, unknown>> => ({ vm, host: 'a1', keepSource: 'no', verify: 'off' });

/** Where each is moved to, and what permits it. */
export function away(vm: SlowVm): Readonly<Record<string, unknown>> {
  switch (vm) {
    case 'hot-01':
      return { ...atHome(vm), host: 'a2' };
    case 'off-01':
      return { ...atHome(vm), host: 'b1' };
    case 'cold-01':
    case 'cold-02':
      return { ...atHome(vm), host: 'b1', method: 'cold', allowShutdown: true };
    case 'staged-01':
    case 'staged-02':
      return { ...atHome(vm), host: 'c1', annotations: { 'vmplacement/shutdown': 'now' } };
  }
}
