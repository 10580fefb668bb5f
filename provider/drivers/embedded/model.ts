/** The datacenter, its store and its time, together: every read and update first lets the world evolve up to now. */
import { setTimeout as pause } from 'node:timers/promises';
import { PlacementError } from '../../core/errors.js';
import { placeText, type CopyRef, type HostState, type Place } from '../../core/inventory.js';
import type { ResolvedEmbedded, ResolvedVm } from '../../../schema/embedded.js';
import { Datacenter } from './datacenter.js';
import { evolve, isQuiet } from './evolve.js';
import { fileStore, memoryStore, type Store } from './store.js';
import { copyOf, touch, uuidOfCopy } from './vm-state.js';
import type { CopyWorld, VmWorld, World } from './world.js';

/** Real time, injectable. */
export interface Wall {
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const realWall: Wall = {
  now: () => Date.now(),
  sleep: (milliseconds, signal) => pause(milliseconds, undefined, signal === undefined ? {} : { signal }),
};

/** What a change of the world works with. */
export interface View {
  readonly dc: Datacenter;
  readonly world: World;
  /** Model time, whole milliseconds. */
  readonly now: number;
}

export interface Model {
  readonly dc: Datacenter;
  readonly store: Store;
  readonly wall: Wall;
  readonly read: <T>(look: (view: View) => T) => Promise<T>;
  /** The same for a look whose result keeps nothing of the world that is changed in place: it costs no copy while time changes nothing. */
  readonly survey: <T>(look: (view: View) => T) => Promise<T>;
  readonly update: <T>(change: (view: View) => T) => Promise<T>;
}

export function openModel(config: ResolvedEmbedded, where: { folder: string } | 'memory', wall: Wall = realWall): Model {
  const begin = (): World => newWorld(config, wall);
  return modelOn(config, where === 'memory' ? memoryStore(begin) : fileStore(where.folder, begin), wall);
}

/** A model on a store that is there already: several drivers in one process, on one memory store. */
export function modelOn(config: ResolvedEmbedded, store: Store, wall: Wall = realWall): Model {
  const dc = new Datacenter(config);
  const nowIn = (world: World): number => Math.max(modelNow(world, wall.now()), world.at);
  const view = (world: World): View => {
    const now = nowIn(world);
    evolve(dc, world, now);
    return { dc, world, now };
  };
  /** At any time from now on it says the same as it says now. */
  const stands = (world: Readonly<World>): boolean => isQuiet(world) || world.at >= modelNow(world, wall.now());
  return {
    dc,
    store,
    wall,
    read: async (look) => look(view(await store.read())),
    survey: async (look) => {
      const world = await store.read(stands);
      // Perhaps the shared one, whose time goes on only with a change.
      return look(isQuiet(world) ? { dc, world, now: nowIn(world) } : view(world));
    },
    update: (change) => store.update((world) => change(view(world))),
  };
}

export function newWorld(config: ResolvedEmbedded, wall: Wall): World {
  const now = wall.now();
  return {
    v: 2,
    clock: config.clock === 'manual' ? { kind: 'manual', now } : { kind: 'wall', base: now, wallBase: now, speed: config.speed },
    begun: now,
    at: now,
    vms: {},
    hosts: {},
    claims: {},
    leases: {},
    jobs: {},
    transfers: {},
    journal: [],
  };
}

export function modelNow(world: Readonly<World>, wallNow: number): number {
  const clock = world.clock;
  return clock.kind === 'manual' ? clock.now : Math.floor(clock.base + Math.max(0, wallNow - clock.wallBase) * clock.speed);
}

export const hostState = (view: View, host: string): HostState => view.world.hosts[host] ?? view.dc.host(host).state;

/** The platform can talk to this host; otherwise its refusal. */
export function reachable(view: View, place: Place): void {
  view.dc.hostAt(place);
  const state = hostState(view, place.host);
  if (state !== 'unreachable' && state !== 'disconnected') return;
  throw new PlacementError('platform', `Host ${placeText(place)} does not answer (${state}).`);
}

export interface Found {
  readonly vm: ResolvedVm;
  readonly state: VmWorld;
  readonly copy: CopyWorld;
}

/** The copy that a verb names, for changing; null when it is gone. Its host must answer. */
export function findCopy(view: View, ref: CopyRef): Found | null {
  const vm = view.dc.find(uuidOfCopy(ref.platformId));
  reachable(view, ref);
  const state = touch(view.dc, view.world, vm.id);
  const copy = copyOf(state, ref.platformId);
  return copy?.host === ref.host ? { vm, state, copy } : null;
}

export function needCopy(view: View, ref: CopyRef): Found {
  const found = findCopy(view, ref);
  if (found !== null) return found;
  const name = view.dc.find(uuidOfCopy(ref.platformId)).name;
  throw new PlacementError('platform', `There is no copy ${ref.platformId} of VM ${name} on ${placeText(ref)} any more.`, {
    vm: name,
    next: 'run again: it is read anew',
  });
}

export const refOf = (dc: Datacenter, copy: CopyWorld): CopyRef => {
  const moveId = copy.keptBy ?? copy.moveId;
  return { ...dc.place(copy.host), platformId: copy.id, ...(moveId === null ? {} : { moveId }) };
};
