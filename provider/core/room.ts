/** Free memory and storage of a target after what others already count on: promises of this process and moves in flight (rules.md §4). */
import { bytesByPool } from './estimate.js';
import { isUnknown, samePlace, unknown, type Host, type Inventory, type Maybe, type Place, type Vm } from './inventory.js';
import { lookup } from './lookup.js';
import type { Promises } from './promises.js';

export interface RoomInput {
  readonly vm: Vm;
  readonly to: Place;
  readonly target: Host;
  readonly inventory: Inventory;
  readonly promises: Promises;
}

/** Free memory before this move and before the reserve. */
export function freeMemory(input: RoomInput): Maybe<number> {
  const { target } = input;
  if (isUnknown(target.facts)) return target.facts;
  if (isUnknown(target.facts.memory)) return target.facts.memory;
  let free = target.facts.memory.freeBytes;
  for (const [uuid, demand] of input.promises.on(input.to, input.vm))
    if (!isArriving(byId(input, uuid), input.to)) free -= demand.memoryBytes;
  for (const vm of inFlight(input)) {
    if (isUnknown(vm.memoryBytes))
      return unknown(`VM ${vm.name} is moving there, and its memory size could not be read (${vm.memoryBytes.unknown})`);
    free -= vm.memoryBytes;
  }
  return free;
}

/** Free bytes of each pool of the target, before this move; what this move has already written there is no longer free, nor needed again. */
export function freeStorage(input: RoomInput): Maybe<ReadonlyMap<string, Maybe<number>>> {
  const { target } = input;
  if (isUnknown(target.facts)) return target.facts;
  if (isUnknown(target.facts.pools)) return target.facts.pools;
  const free = new Map<string, Maybe<number>>(target.facts.pools.map((pool) => [pool.name, pool.freeBytes]));
  const take = (pool: string, bytes: number): void => {
    const left = free.get(pool);
    if (left !== undefined && !isUnknown(left)) free.set(pool, left - bytes);
  };
  for (const [uuid, demand] of input.promises.on(input.to, input.vm)) {
    const vm = byId(input, uuid);
    let written = vm === undefined ? 0 : storedOn(vm, input.to);
    for (const [pool, bytes] of Object.entries(demand.poolBytes)) {
      const already = Math.min(written, bytes);
      written -= already;
      take(pool, bytes - already);
    }
  }
  for (const vm of inFlight(input)) {
    if (isUnknown(vm.disks)) return unknown(`VM ${vm.name} is moving there, and its disks could not be read (${vm.disks.unknown})`);
    let written = storedOn(vm, input.to);
    for (const [pool, bytes] of bytesByPool(vm.disks, target.facts, vm.record?.options.storage ?? {})) {
      const already = Math.min(written, bytes);
      written -= already;
      take(pool, bytes - already);
    }
  }
  return free;
}

/** What the copy that is being built, or has just been completed, holds there already. */
function storedOn(vm: Vm, place: Place): number {
  const copy = vm.copies.find((each) => each.role !== 'kept' && samePlace(each.ref, place));
  return copy === undefined || isUnknown(copy.storedBytes) ? 0 : copy.storedBytes;
}

/** It runs there, or a hot migration brings it: its memory is in the host's own figures. */
const isArriving = (vm: Vm | undefined, place: Place): boolean =>
  vm?.copies.some((copy) => (copy.power === 'running' || vm.record?.method === 'hot') && samePlace(copy.ref, place)) ?? false;

const byId = ({ inventory }: RoomInput, uuid: string): Vm | undefined => lookup(inventory).vmsByUuid(uuid)[0];

/** Other VMs whose recorded move leads here and that have not arrived yet; what was promised to them is counted once. */
function inFlight({ vm: own, to, inventory, promises }: RoomInput): readonly Vm[] {
  return lookup(inventory)
    .vmsMovingTo(to)
    .filter((vm) => vm.uuid !== own.uuid && !promises.has(vm.uuid) && !isArriving(vm, to));
}
