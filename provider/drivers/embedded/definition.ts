/** A new copy of a VM on another host, and why the platform would refuse it. */
import { command } from '../../core/command.js';
import { PlacementError } from '../../core/errors.js';
import { placeText, type Place } from '../../core/inventory.js';
import type { MoveOptions } from '../../core/record.js';
import type { ResolvedVm } from '../../../schema/embedded.js';
import { blocksOf, emptyImage } from './contents.js';
import { isOver } from './jobs.js';
import { hostState, reachable, type View } from './model.js';
import { skewOf } from './troubles.js';
import { copyId, isUp, vmState } from './vm-state.js';
import type { CopyDisk, CopyWorld, DiskWorld, VmWorld } from './world.js';

type Mapped = Pick<MoveOptions, 'networks' | 'storage' | 'detach'>;

/** Images only, nothing written, not defined. Adds it to the VM's copies. */
export function addIncoming(
  view: View,
  vm: ResolvedVm,
  state: VmWorld,
  source: CopyWorld,
  place: Place,
  moveId: string,
  how: Mapped,
): CopyWorld {
  refusePlace(view, vm, source, place, how);
  const skew = skewOf(view.world, place.host);
  const copy: CopyWorld = {
    id: copyId(vm.uuid, state.nextCopy),
    host: place.host,
    role: 'incoming',
    defined: false,
    power: 'off',
    since: view.now,
    cause: 'unknown',
    ...(skew === 0 ? {} : { skew }),
    began: null,
    shutdown: null,
    // A definition that arrives somewhere is not started with its new host until somebody says so.
    autostart: false,
    blocked: null,
    keptBy: null,
    moveId,
    leftBy: null,
    boots: 0,
    disks: state.disks.map((truth) => incomingDisk(view, truth, source, place.host, moveId, how)),
    nics: source.nics.map((network) => how.networks[network] ?? network),
    devices: source.devices.filter((device) => !how.detach.includes(device)),
    stateFiles: [],
    snapshots: [],
    checkpoints: [],
  };
  if (copy.disks.every((disk) => disk.shared)) copy.snapshots = [...source.snapshots];
  state.nextCopy += 1;
  state.copies.push(copy);
  return copy;
}

export function incomingDisk(view: View, truth: DiskWorld, source: CopyWorld, host: string, moveId: string, how: Mapped): CopyDisk {
  const from = source.disks.find((disk) => disk.name === truth.name);
  const same = from === undefined ? null : sameStorage(view, source.host, from.pool, host);
  const pool = same ?? how.storage[from?.pool ?? ''] ?? from?.pool ?? '';
  const shared = same !== null;
  const path = from?.path ?? '';
  return {
    name: truth.name,
    pool,
    path: shared || pool === from?.pool ? path : path.split(`/${from?.pool ?? ''}/`).join(`/${pool}/`),
    virtualBytes: truth.virtualBytes,
    image: `${moveId}/${truth.name}/1`,
    shared,
    segments: shared ? [] : emptyImage(blocksOf(truth.allocatedBytes)),
    corrupt: [],
  };
}

/** The pool of a host that is the very storage of this pool, under whatever name; null: none, the disk is copied. */
function sameStorage(view: View, sourceHost: string, pool: string, host: string): string | null {
  const storageId = view.dc.pool(sourceHost, pool)?.storageId ?? null;
  if (storageId === null) return null;
  return view.dc.host(host).pools.find((one) => one.storageId === storageId)?.name ?? null;
}

/** The host must answer and have what the definition names. */
export function refusePlace(view: View, vm: ResolvedVm, source: CopyWorld, place: Place, how: Mapped): void {
  reachable(view, place);
  const host = view.dc.hostAt(place);
  const refuse = (why: string): never => {
    throw new PlacementError('platform', `Host ${placeText(place)} refuses VM ${vm.name}: ${why}.`, { vm: vm.name });
  };
  if (hostState(view, place.host) !== 'connected') refuse(`it is in ${hostState(view, place.host)}`);
  if (host.cpu.arch !== vm.cpu.arch) refuse(`it runs ${host.cpu.arch}, the VM needs ${vm.cpu.arch}`);
  if (!host.machineTypes.includes(vm.machineType)) refuse(`it has no machine type ${vm.machineType}`);
  if (!host.firmware.includes(vm.firmware)) refuse(`it has no firmware ${vm.firmware}`);
  for (const network of source.nics.map((nic) => how.networks[nic] ?? nic)) {
    if (!host.networks.includes(network)) refuse(`it has no network ${network}`);
  }
  for (const pool of source.disks.map(
    (disk) => sameStorage(view, source.host, disk.pool, place.host) ?? how.storage[disk.pool] ?? disk.pool,
  )) {
    if (view.dc.pool(place.host, pool) === undefined) refuse(`it has no storage pool ${pool}`);
  }
  const stuck = vm.devices.find((device) => device.hostLocal && source.devices.includes(device.name) && !how.detach.includes(device.name));
  if (stuck !== undefined) refuse(`device ${stuck.name} (${stuck.kind}) is bound to ${source.host}`);
}

/** A live migration needs more of the target than a start does. */
export function refuseHot(view: View, vm: ResolvedVm, source: CopyWorld, place: Place): void {
  const host = view.dc.hostAt(place);
  const refuse = (why: string): never => {
    throw new PlacementError('platform', `VM ${vm.name} cannot be migrated live to ${placeText(place)}: ${why}.`, { vm: vm.name });
  };
  const missing = vm.cpu.features.filter((feature) => !host.cpu.features.includes(feature));
  if (missing.length > 0) refuse(`its CPU lacks ${missing.join(', ')}`);
  if (vm.cpu.model !== null && !host.cpu.models.includes(vm.cpu.model)) refuse(`its CPU cannot present model ${vm.cpu.model}`);
  if (view.dc.path(source.host, place.host).direct === 'no') refuse(`there is no direct network from ${source.host}`);
  const free = freeMemory(view, place.host);
  if (free < vm.memoryBytes) refuse(`it has ${free} bytes of memory free, ${vm.memoryBytes} are needed`);
}

/** Somebody else's operation holds it, or it is no VM to be moved. */
export function refuseBusy(view: View, vm: ResolvedVm, state: VmWorld): void {
  // As libvirt's job lock and AOC's entityAsyncStatus: a controller that wakes up late begins no second migration beside the first.
  const job = Object.values(view.world.jobs).find((one) => one.vm === vm.id && !isOver(one));
  if (job !== undefined) {
    const to = state.copies.find(({ id }) => id === job.target)?.host;
    const where = to === undefined ? '' : ` to ${placeText(view.dc.place(to))}`;
    throw new PlacementError('platform', `VM ${vm.name} is already being migrated${where}, by ${job.moveId}.`, {
      vm: vm.name,
      next: command('status', vm.name),
    });
  }
  const lock = state.locks.find((one) => one.until === null || one.until > view.now);
  if (lock !== undefined) throw new PlacementError('platform', `VM ${vm.name} is locked by ${lock.by}.`, { vm: vm.name });
  const condition = vm.conditions[0];
  if (condition !== undefined) throw new PlacementError('platform', `VM ${vm.name} cannot be moved: ${condition}.`, { vm: vm.name });
}

export function freeMemory(view: View, host: string): number {
  return view.dc.host(host).memoryBytes - (usedMemory(view).get(host) ?? 0);
}

/** Memory in use by host: of copies that run or stand still, and of hot migrations arriving. */
export function usedMemory(view: View): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const cluster of view.dc.config.clusters) for (const host of cluster.hosts) used.set(host.name, 0);
  const arriving = new Set(
    Object.values(view.world.jobs).flatMap((job) => (job.kind === 'hot' && job.endedAt === null ? [job.target] : [])),
  );
  for (const vm of view.dc.config.vms) {
    for (const copy of vmState(view.dc, view.world, vm.id).copies) {
      if (isUp(copy) || copy.power === 'paused' || copy.power === 'suspended' || arriving.has(copy.id)) {
        used.set(copy.host, (used.get(copy.host) ?? 0) + vm.memoryBytes);
      }
    }
  }
  return used;
}
