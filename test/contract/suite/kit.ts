/** What the parts of the contract suite share: the harness a driver brings, and builders for moves and runs. */
import { describe } from 'vitest';
import { iso } from '../../../provider/core/clock.js';
import type { Capabilities, Driver, Move, Run } from '../../../provider/core/driver.js';
import type { MoveEvent } from '../../../provider/core/events.js';
import { samePlace, type Copy, type Place, type Vm } from '../../../provider/core/inventory.js';
import type { Method, MigrationRecord, MoveOptions } from '../../../provider/core/record.js';

/** A fresh datacenter with known VMs, and what can be done to it from outside. Verbs that a platform cannot offer are left out. */
export interface Harness {
  readonly driver: Driver;
  /** The driver as another process opens it. */
  readonly another: () => Promise<Driver>;
  /** Where the VMs are at first, another host of that cluster, and a host of another cluster. */
  readonly from: Place;
  readonly near: Place;
  readonly far: Place;
  /** Runs on `from`, writes to its disk, obeys a shutdown, starts with its host. Names of VMs. */
  readonly runner: string;
  /** Is off on `from`. */
  readonly sleeper: string;
  /** Runs on `from` and ignores every shutdown request. */
  readonly deaf?: string;
  readonly outside: OutsideWorld;
  readonly close: () => Promise<void>;
}

export interface OutsideWorld {
  /** What must never have happened: lost writes, two running copies. Empty when all is well. */
  violations(): Promise<readonly string[]>;
  shutdown(vm: string, how: 'clean' | 'hard'): Promise<void>;
  start(vm: string, host?: string): Promise<void>;
  advance?(milliseconds: number): Promise<void>;
  setHost?(host: string, state: 'connected' | 'disconnected' | 'unreachable'): Promise<void>;
  snapshot?(vm: string): Promise<void>;
  growDisk?(vm: string): Promise<void>;
  shrinkDisk?(vm: string): Promise<void>;
  addDisk?(vm: string): Promise<void>;
  replaceDisk?(vm: string): Promise<void>;
  moveByHand?(vm: string, host: string): Promise<void>;
  removeIncoming?(vm: string): Promise<void>;
  /** A block that the guest keeps writing to, or one that it does not. */
  corruptIncoming?(vm: string, host: string, block: 'busy' | 'quiet'): Promise<void>;
  losePower?(host: string): Promise<void>;
  /** The clock of the host is so far ahead of the platform's time. */
  setClock?(host: string, aheadMs: number): Promise<void>;
}

export interface Subject {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly make: () => Promise<Harness>;
}

export async function vmNamed(driver: Driver, name: string): Promise<Vm> {
  const { vms } = await driver.survey({ vms: [name] });
  const vm = vms.find((one) => one.name === name);
  if (vm === undefined) throw new Error(`no VM ${name}`);
  return vm;
}

export async function copyAt(driver: Driver, name: string, place: Place): Promise<Copy> {
  const copy = await maybeCopyAt(driver, name, place);
  if (copy === undefined) throw new Error(`no copy of ${name} on ${place.host}`);
  return copy;
}

export const maybeCopyAt = async (driver: Driver, name: string, place: Place): Promise<Copy | undefined> =>
  (await vmNamed(driver, name)).copies.find((copy) => samePlace(copy.ref, place));

export const options: MoveOptions = {
  networks: {},
  storage: {},
  bandwidthBytesPerSecond: null,
  startAfter: 'asBefore',
  keepSource: 'confirm',
  verify: 'increment',
  detach: [],
  postCopy: false,
  suspend: false,
  downtimeBudgetMs: 30_000,
  shutdownGraceMs: 180_000,
  lateShutdownMs: 300_000,
  noProgressTimeoutMs: 120_000,
  maxDurationMs: 600_000,
  goFrom: 'both',
};

/** Of the runs that the tests make. */
export const holder = 'test@here';
/** Longer than any test, in the platform's time. */
export const leaseMs = 7 * 24 * 3_600_000;

/** A move with its record stored at the platform under a lease, as the core does before the first effect. */
export async function begin(h: Harness, name: string, to: Place, method: Method, how: Partial<MoveOptions> = {}): Promise<Move> {
  const vm = await vmNamed(h.driver, name);
  const source = await copyAt(h.driver, name, h.from);
  const identity = { name: vm.name, uuid: vm.uuid };
  const record: MigrationRecord = {
    v: 1,
    moveId: `move-${name}-${method}`,
    stack: 'org/project/stack',
    urn: 'urn:test',
    vm: identity,
    from: h.from,
    to,
    method,
    powerBefore: source.power,
    autostartBefore: true,
    options: { ...options, ...how },
    done: [],
    step: method === 'hot' ? 'migrate' : method === 'cold' ? 'copy' : 'replicate',
    phase: method === 'staged' ? 'Replicating' : 'Migrating',
    increment: null,
    go: null,
    stoppedByMove: false,
    awaitingSince: null,
    startedAt: iso(await h.driver.clock.now()),
    offAt: null,
    backAt: null,
    bytes: 0,
    targetStarting: false,
    failed: null,
    request: null,
    spentGo: null,
    warnings: [],
    epoch: 1,
  };
  await h.driver.lease(vm.uuid, holder, { expireMs: leaseMs });
  const wrote = await h.driver.record(vm.uuid, record, { ifEpoch: null, holder });
  if (wrote !== 'ok') throw new Error('the record could not be written');
  return { vm: identity, source: source.ref, target: to, method, record };
}

/** The copy of a VM that no move is about, under a lease. */
export async function heldCopy({ driver, from }: Pick<Harness, 'driver' | 'from'>, name: string): Promise<Copy> {
  await driver.lease((await vmNamed(driver, name)).uuid, holder, { expireMs: leaseMs });
  return copyAt(driver, name, from);
}

/** Writes the record on, as the core does between verbs. */
export async function save(driver: Driver, move: Move, patch: Partial<MigrationRecord>): Promise<Move> {
  const record: MigrationRecord = { ...move.record, ...patch, epoch: move.record.epoch + 1 };
  const wrote = await driver.record(move.vm.uuid, record, { ifEpoch: move.record.epoch, holder });
  if (wrote !== 'ok') throw new Error('the record changed under the test');
  return { ...move, record };
}

/** One pass of a staged move, with its increment written into the record. */
export async function pass(
  driver: Driver,
  move: Move,
  run: Run = testRun(),
): Promise<Move & { readonly sent: number; readonly kind: string; readonly distrust: string }> {
  const { n, images, bytes, kind, distrust } = await driver.replicate(move, run);
  const at = iso(await driver.clock.now());
  const next = await save(driver, move, {
    increment: { n, images, at, bytes, projectedDowntimeMs: 0 },
    bytes: move.record.bytes + bytes,
  });
  return { ...next, sent: bytes, kind, distrust };
}

/** Sends the shutdown and waits in the platform's time until the source reads off. */
export async function shutDown(driver: Driver, move: Move): Promise<void> {
  await driver.shutdown(move.source, 'graceful', testRun());
  for (let waited = 0; waited < 120; waited += 1) {
    if ((await copyAt(driver, move.vm.name, move.source)).power === 'off') return;
    await driver.clock.sleep(1000, 'work');
  }
  throw new Error(`${move.vm.name} did not shut down`);
}

export interface TestRun extends Run {
  readonly events: MoveEvent[];
  readonly stop: AbortController;
}

/** A run with a lease that is always valid, unless `leases` says otherwise. */
export function testRun(
  over: Partial<Pick<Run, 'checkLease'>> & { onEvent?: (event: MoveEvent, stop: AbortController) => void } = {},
): TestRun {
  const events: MoveEvent[] = [];
  const stop = new AbortController();
  return {
    events,
    stop,
    signal: stop.signal,
    emit: (event) => {
      events.push(event);
      over.onEvent?.(event, stop);
    },
    log: () => undefined,
    holder,
    checkLease: over.checkLease ?? (() => Promise.resolve()),
  };
}

/** Stops after so many progress events: a process that is asked to end in the middle of a copy. */
export const stopAfter = (count: number): TestRun => {
  let seen = 0;
  return testRun({
    onEvent: (event, stop) => {
      if (event.kind === 'progress' && ++seen >= count) stop.abort();
    },
  });
};

/** Tests of a capability that is claimed. One that is not claimed has nothing to test: that is no skipped test. */
export function describeWhere(claimed: boolean, name: string, tests: () => void): void {
  if (claimed) describe(name, tests);
}
