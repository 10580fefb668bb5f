/** Which VM a declaration means, and which of its copies is the VM itself. */
import {
  incomingCopies,
  isUnknown,
  keptCopies,
  liveCopies,
  placeText,
  reasonOf,
  samePlace,
  unreadHosts,
  type Cluster,
  type Copy,
  type Host,
  type Inventory,
  type Place,
  type Vm,
} from './inventory.js';
import { lookup } from './lookup.js';
import type { MigrationRecord } from './record.js';

export type Located =
  | { readonly kind: 'found'; readonly vm: Vm; readonly live: Copy }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly among: readonly Vm[] }
  /** Not on any host that was read, but these were not read. */
  | { readonly kind: 'unread'; readonly hosts: readonly Host[]; readonly vm: Vm | null };

/** By UUID or by name. Kept sources and half-built targets are not the VM. */
export function locate(inventory: Inventory, nameOrUuid: string): Located {
  const { vmsByUuid, vmsByName } = lookup(inventory);
  const byUuid = vmsByUuid(nameOrUuid);
  const named = byUuid.length > 0 ? byUuid : vmsByName(nameOrUuid);
  const there = named.flatMap((vm) => {
    const live = liveCopy(vm);
    return live === null ? [] : [{ vm, live }];
  });
  const [first, second] = there;
  if (second !== undefined) return { kind: 'ambiguous', among: there.map(({ vm }) => vm) };
  if (first !== undefined) return { kind: 'found', ...first };
  const hosts = unreadHosts(inventory);
  return hosts.length > 0 ? { kind: 'unread', hosts, vm: named[0] ?? null } : { kind: 'missing' };
}

/**
 * The VM itself. Of two live copies the running one; else the one where the record says that the move has got to. Past the point of
 * no return the copy on the target is the VM, even where it still carries the label of a half-built one.
 */
export function liveCopy(vm: Vm): Copy | null {
  const live = liveCopies(vm);
  const goal = vm.record?.targetStarting === true ? vm.record.to : vm.record?.from;
  const running = live.find((copy) => copy.power === 'running');
  if (running !== undefined) return running;
  const expected =
    live.find((copy) => vm.record !== null && hasRunFor(copy, vm.record)) ??
    (goal === undefined ? undefined : live.find((copy) => samePlace(copy.ref, goal)));
  if (vm.record?.targetStarting === true) {
    const arrived = expected ?? incomingCopies(vm).find((copy) => samePlace(copy.ref, vm.record?.to ?? copy.ref));
    if (arrived !== undefined) return arrived;
  }
  return expected ?? live[0] ?? null;
}

/**
 * It has run away from where the move started, whoever started it (the platform's own task, too), and whatever it reads now: what is
 * built there is marked as `incoming` until its first start, and the label of the move stays with it.
 */
export const hasRunFor = (copy: Copy, { moveId, from }: Pick<MigrationRecord, 'moveId' | 'from'>): boolean =>
  copy.role === 'live' && copy.ref.moveId === moveId && !samePlace(copy.ref, from);

/** Copies that run at the same time: more than one must never be. Any role counts: also a kept source that somebody started. */
export const runningCopies = (vm: Vm): readonly Copy[] => vm.copies.filter((copy) => copy.power === 'running');

/** Definitions that claim to be the VM and cannot be told apart, or whose power could not be read beside a running one. */
export function doubtfulCopies(vm: Vm): readonly Copy[] {
  const running = runningCopies(vm);
  const others = [...liveCopies(vm), ...keptCopies(vm)].filter((copy) => copy.power === 'unknown' && !running.includes(copy));
  if (running.length > 0) return others.length > 0 ? [...running, ...others] : [];
  const live = liveCopies(vm);
  return vm.record === null && live.length > 1 ? live : [];
}

export const hostOf = (inventory: Inventory, place: Place): Host | null => lookup(inventory).host(place);

export const clusterOf = (inventory: Inventory, name: string): Cluster | null =>
  inventory.clusters.find((cluster) => cluster.name === name) ?? null;

export const hostPlace = (host: Host): Place => ({ cluster: host.cluster, host: host.name });

/** Hosts that were not read, by name; with the reason where they are few. */
export const unreadText = (hosts: readonly Host[]): string =>
  hosts
    .map((host) => {
      const name = placeText(hostPlace(host));
      return isUnknown(host.facts) && hosts.length <= 3 ? `${name} (${reasonOf(host.facts).why})` : name;
    })
    .join(', ');
