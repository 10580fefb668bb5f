/** The state of one VM: derived from the file until something happens to it, stored from then on. */
import type { ChangeCause, Power } from '../../core/inventory.js';
import type { Claim } from '../../core/record.js';
import type { ResolvedVm } from '../../../schema/embedded.js';
import { BLOCK, blocksOf, wholeImage } from './contents.js';
import type { Datacenter } from './datacenter.js';
import type { CopyWorld, VmWorld, World } from './world.js';

/** For reading only: what it returns for an untouched VM is shared. */
export function vmState(dc: Datacenter, world: World, id: string): VmWorld {
  const stored = world.vms[id];
  if (stored !== undefined) return stored;
  let first = firsts.get(dc);
  if (first?.begun !== world.begun) firsts.set(dc, (first = { begun: world.begun, states: new Map() }));
  let state = first.states.get(id);
  if (state === undefined) first.states.set(id, (state = firstState(dc.vm(id), world.begun)));
  return state;
}

/** Thousands of untouched VMs are read again and again. */
const firsts = new WeakMap<Datacenter, { readonly begun: number; readonly states: Map<string, VmWorld> }>();

/** For changing. */
export function touch(dc: Datacenter, world: World, id: string): VmWorld {
  return (world.vms[id] ??= firstState(dc.vm(id), world.begun));
}

export function claimOf(dc: Datacenter, world: World, id: string): Claim | null {
  const stored = world.claims[id];
  if (stored !== undefined) return stored;
  const { claim } = dc.vm(id);
  return claim === null ? null : { v: 1, stack: claim, urn: '', spentGo: null, lastMove: null, cancelled: null };
}

/** How many blocks the guest has written, and was told that they are durable. */
export function writesOf(vm: ResolvedVm, state: VmWorld, now: number): number {
  return Math.floor((ranMs(state, now) * vm.dirtyBytesPerSecond) / 1000 / BLOCK);
}

export const ranMs = (state: VmWorld, now: number): number =>
  state.ranMs + (state.runSince === null ? 0 : Math.max(0, now - state.runSince));

/** Copy ids hold the VM's UUID, so that a verb that is given only a copy finds its VM. */
export const copyId = (uuid: string, n: number): string => `${uuid}/${n}`;
export const uuidOfCopy = (id: string): string => id.split('/')[0] ?? id;

export const copyOf = (state: VmWorld, id: string): CopyWorld | undefined => state.copies.find((copy) => copy.id === id);
export const isUp = (copy: CopyWorld): boolean => copy.power === 'running';

function firstState(vm: ResolvedVm, begun: number): VmWorld {
  const copies = [firstCopy(vm, vm.host, vm.power, 0, begun)];
  if (vm.alsoOn !== null) copies.push(firstCopy(vm, vm.alsoOn, 'running', 1, begun));
  return {
    ranMs: 0,
    runSince: copies.some(isUp) ? begun : null,
    disks: vm.disks.map(({ name, format, virtualBytes, allocatedBytes, tracked, sharedWith }) => {
      return { name, format, virtualBytes, allocatedBytes, tracked, sharedWith: [...sharedWith], chain: 0 };
    }),
    copies,
    nextCopy: copies.length,
    locks: vm.locks.map((lock) => ({ by: lock.by, until: lock.forMs === null ? null : begun + lock.forMs })),
    annotation: [],
    record: null,
  };
}

function firstCopy(vm: ResolvedVm, host: string, power: Power, n: number, begun: number): CopyWorld {
  return {
    id: copyId(vm.uuid, n),
    host,
    role: 'live',
    defined: true,
    power,
    since: begun,
    cause: firstCause[power],
    began: power === 'off' ? begun : null,
    shutdown: null,
    autostart: vm.autostart,
    blocked: null,
    keptBy: null,
    moveId: null,
    leftBy: null,
    boots: power === 'running' ? 1 : 0,
    disks: vm.disks.map((disk) => ({
      name: disk.name,
      pool: disk.pool,
      path: disk.path,
      virtualBytes: disk.virtualBytes,
      image: `${vm.uuid}/${disk.name}/0`,
      shared: false,
      segments: wholeImage(blocksOf(disk.allocatedBytes), 0),
      corrupt: [],
    })),
    nics: [...vm.nics],
    devices: vm.devices.map((device) => device.name),
    stateFiles: [...vm.stateFiles],
    snapshots: [...vm.snapshots],
    checkpoints: [],
  };
}

const firstCause: Record<Power, ChangeCause> = {
  running: 'started',
  off: 'guest-shutdown',
  saved: 'saved',
  crashed: 'crashed',
  paused: 'unknown',
  suspended: 'unknown',
  unknown: 'unknown',
};
