/** The world outside this provider: operators, guests, other tools, failing hosts. Used by `vmplacement embedded` and by tests. */
import { PlacementError } from '../../core/errors.js';
import type { HostState } from '../../core/inventory.js';
import { iso } from '../../core/clock.js';
import {
  bootHost,
  copyOn,
  loseHostPower,
  mainCopy,
  moveByHand,
  refuseUnderJob,
  removeCopy,
  restartElsewhere,
  shutDown,
  startSource,
} from './by-hand.js';
import { blocksOf, wholeImage } from './contents.js';
import { newWorld, type Found, type Model, type View } from './model.js';
import { openTroubles, type OutsideTroubles } from './outside-troubles.js';
import { stopCopy } from './power.js';
import { showWorld, type Shown } from './show.js';
import { startCopy } from './verbs.js';
import { touch, writesOf } from './vm-state.js';
import type { DiskWorld } from './world.js';

export interface Outside extends OutsideTroubles {
  show(): Promise<Shown>;
  /** Moves the VM by hand, at once, behind everybody's back. */
  move(vm: string, host: string): Promise<void>;
  /** `clean`: from inside the guest. A manual clock moves on by the time that the guest takes. */
  shutdown(vm: string, how: 'clean' | 'hard'): Promise<void>;
  /** Without `host`: the copy that is the VM. A blocked copy refuses. */
  start(vm: string, host?: string): Promise<void>;
  /** Somebody takes the block of the move's source away and starts it. */
  startSource(vm: string): Promise<void>;
  crash(vm: string): Promise<void>;
  /** HA takes the host of a VM that runs for dead and starts it on another one: its bitmaps are gone, what was durable is there. */
  restartElsewhere(vm: string, host: string): Promise<void>;
  /** null: as declared. */
  setHost(host: string, state: HostState | null): Promise<void>;
  /** What runs there crashes; what was not flushed is gone. */
  losePower(host: string): Promise<void>;
  /** The same, and the host does not answer until `hostUp`. */
  hostDown(host: string): Promise<void>;
  /** It boots and answers, and starts what it starts by itself: what has autostart and is not blocked. */
  hostUp(host: string): Promise<void>;
  lock(vm: string, by: string, forMs: number | null): Promise<void>;
  unlock(vm: string): Promise<void>;
  /** Sets one more value of the shutdown annotation beside those that are there. */
  annotate(vm: string, value: string, giver: string): Promise<void>;
  snapshot(vm: string, name: string): Promise<void>;
  /** Also smaller. */
  resizeDisk(vm: string, disk: string, bytes: number): Promise<void>;
  addDisk(vm: string, disk: { readonly name: string; readonly bytes: number; readonly allocatedBytes: number }): Promise<void>;
  /** Another image takes the place of the disk. */
  replaceDisk(vm: string, disk: string): Promise<void>;
  /** A block on storage of the copy on this host turns bad. */
  corrupt(vm: string, host: string, disk: string, block: number): Promise<void>;
  /** Somebody removes this copy, which must be off, with its images. */
  removeCopy(vm: string, host: string): Promise<void>;
  /** Removes what a move has built on its target. */
  removeIncoming(vm: string): Promise<void>;
  /** Keeps every other user of the store off for this long (wall time), as a process that hangs would. */
  holdStore(milliseconds: number): Promise<void>;
  /** Model time passes. */
  advance(milliseconds: number): Promise<void>;
  /** Back to the declaration. */
  reset(): Promise<void>;
}

export function openOutside(model: Model): Outside {
  const onVm = (vm: string, change: (view: View, found: Found) => void): Promise<void> =>
    model.update((view) => change(view, mainCopy(view, vm)));
  /** A platform's own task or a live migration locks the definition of its VM. */
  const onDefinition = (vm: string, change: (view: View, found: Found) => void): Promise<void> =>
    onVm(vm, (view, found) => {
      refuseUnderJob(view, found);
      change(view, found);
    });
  const onDisk = (vm: string, disk: string, change: (view: View, found: Found, truth: DiskWorld) => void): Promise<void> =>
    onDefinition(vm, (view, found) => {
      const truth = found.state.disks.find((one) => one.name === disk);
      if (truth === undefined) throw new PlacementError('input', `VM ${found.vm.name} has no disk ${disk}.`);
      change(view, found, truth);
    });

  const succeeding = async (start: Promise<PlacementError | null>): Promise<void> => {
    const failure = await start;
    if (failure !== null) throw failure;
  };

  return {
    ...openTroubles(model),
    show: () => model.read(showWorld),
    move: (vm, host) => onVm(vm, (view, found) => void moveByHand(view, found, host)),
    shutdown: (vm, how) => onVm(vm, (view, found) => shutDown(view, found, how)),
    start: (vm, host) =>
      succeeding(model.update((view) => startCopy(view, host === undefined ? mainCopy(view, vm) : copyOn(view, vm, host)))),
    startSource: (vm) => succeeding(model.update((view) => startSource(view, vm))),
    crash: (vm) =>
      onVm(vm, (view, { vm: { id }, copy }) => stopCopy(view.dc, view.world, id, copy, view.now, { cause: 'crashed', bitmaps: 'broken' })),
    restartElsewhere: (vm, host) => onVm(vm, (view, found) => restartElsewhere(view, found, host)),
    setHost: (host, state) =>
      model.update((view) => {
        view.dc.host(host);
        if (state === null) delete view.world.hosts[host];
        else view.world.hosts[host] = state;
      }),
    losePower: (host) => model.update((view) => loseHostPower(view, host)),
    hostDown: (host) =>
      model.update((view) => {
        loseHostPower(view, host);
        view.world.hosts[host] = 'unreachable';
      }),
    hostUp: (host) => model.update((view) => bootHost(view, host)),
    lock: (vm, by, forMs) =>
      onVm(vm, (view, { state }) => {
        state.locks.push({ by, until: forMs === null ? null : view.now + forMs });
      }),
    unlock: (vm) =>
      onVm(vm, (_view, { state }) => {
        state.locks = [];
      }),
    annotate: (vm, value, giver) =>
      onVm(vm, (view, { state }) => {
        state.annotation = [...state.annotation, { value, giver, at: iso(view.now) }];
      }),
    snapshot: (vm, name) =>
      onDefinition(vm, (_view, { state, copy }) => {
        copy.snapshots = [...copy.snapshots, name];
        for (const disk of state.disks) disk.chain += 1;
      }),
    resizeDisk: (vm, disk, bytes) =>
      onDisk(vm, disk, (_view, { copy }, truth) => {
        truth.virtualBytes = bytes;
        for (const one of copy.disks) if (one.name === disk) one.virtualBytes = bytes;
      }),
    addDisk: (vm, disk) =>
      onDefinition(vm, (view, { vm: declared, state, copy }) => {
        const { id, uuid } = declared;
        if (state.disks.some((one) => one.name === disk.name)) throw new PlacementError('input', `There is a disk ${disk.name} already.`);
        const { name, bytes: virtualBytes, allocatedBytes } = disk;
        state.disks.push({ name, format: 'qcow2', virtualBytes, allocatedBytes, tracked: true, sharedWith: [], chain: 0 });
        const pool = copy.disks[0]?.pool ?? 'default';
        const segments = wholeImage(blocksOf(allocatedBytes), writesOf(declared, state, view.now));
        copy.disks.push({
          name,
          pool,
          path: `/${pool}/${id}/${name}.qcow2`,
          virtualBytes,
          image: `${uuid}/${name}/0`,
          shared: false,
          segments,
          corrupt: [],
        });
      }),
    replaceDisk: (vm, disk) =>
      onDisk(vm, disk, (_view, { copy }, truth) => {
        truth.chain += 1;
        for (const one of copy.disks) if (one.name === disk) one.path = `${one.path}.new`;
      }),
    corrupt: (vm, host, disk, block) =>
      model.update((view) => {
        copyOn(view, vm, host)
          .copy.disks.find((one) => one.name === disk)
          ?.corrupt.push({ from: block, to: block + 1 });
      }),
    removeCopy: (vm, host) => model.update((view) => removeCopy(view, copyOn(view, vm, host))),
    removeIncoming: (vm) =>
      model.update((view) => {
        const state = touch(view.dc, view.world, view.dc.find(vm).id);
        state.copies = state.copies.filter((copy) => copy.role !== 'incoming');
      }),
    holdStore: (milliseconds) => model.store.hold(milliseconds),
    advance: (milliseconds) =>
      model.store.update((world) => {
        if (world.clock.kind === 'wall') {
          throw new PlacementError('not-possible', 'The clock of this datacenter is the wall clock: it cannot be advanced.', {
            next: 'declare `clock: manual`',
          });
        }
        world.clock.now += milliseconds;
      }),
    reset: () => model.store.replace(newWorld(model.dc.config, model.wall)),
  };
}
