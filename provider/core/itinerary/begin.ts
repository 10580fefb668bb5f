/** The record of a move that begins, and what a later declaration changes in it. */
import type { Desired } from '../desired.js';
import { iso } from '../clock.js';
import { copiedDisks } from '../estimate.js';
import { isKnown, type Copy, type Inventory, type Place, type Vm } from '../inventory.js';
import { hostOf } from '../locate.js';
import type { Method, MigrationRecord, MoveOptions } from '../record.js';
import { stillSpent } from '../spent.js';
import { stepsOf } from './tables.js';

export interface Beginning {
  readonly moveId: string;
  readonly stack: string;
  readonly urn: string;
  readonly vm: Vm;
  readonly live: Copy;
  readonly to: Place;
  readonly method: Method;
  readonly desired: Desired;
  readonly declaration: string;
  readonly inventory: Inventory;
  /** Platform time, ms. */
  readonly now: number;
}

export function newRecord(beginning: Beginning): MigrationRecord {
  const { vm, live, method, desired, to } = beginning;
  const [first] = stepsOf(method);
  return {
    v: 1,
    moveId: beginning.moveId,
    stack: beginning.stack,
    urn: beginning.urn,
    vm: { name: vm.name, uuid: vm.uuid },
    from: { cluster: live.ref.cluster, host: live.ref.host },
    to,
    method,
    powerBefore: live.power,
    autostartBefore: isKnown(live.autostart) && live.autostart,
    options: optionsOf(desired, method, beginning),
    done: [],
    step: first?.name ?? '',
    phase: first?.phase ?? 'Migrating',
    increment: null,
    go: null,
    stoppedByMove: false,
    awaitingSince: null,
    startedAt: iso(beginning.now),
    offAt: null,
    backAt: null,
    bytes: 0,
    targetStarting: false,
    failed: null,
    request: null,
    spentGo: stillSpent(vm.claim?.spentGo ?? null, desired),
    declaredGo: desired.shutdown,
    declaration: beginning.declaration,
    warnings: [],
    // Never the same twice for one VM: a controller that slept through another move must not take that one's record for its own.
    epoch: beginning.now,
  };
}

/**
 * What a continued move takes from the declaration as it is now. Where disks go to and what is copied was decided when it began;
 * `keepSource` counts until the source is retired.
 */
export function refreshed(record: MigrationRecord, desired: Desired, declaration: string): Partial<MigrationRecord> {
  const keepSource = desired.keepSource ?? record.options.keepSource;
  if (record.targetStarting) return { options: { ...record.options, keepSource } };
  return {
    spentGo: stillSpent(record.spentGo, desired),
    declaredGo: desired.shutdown,
    declaration,
    options: {
      ...record.options,
      ...tuning(desired),
      keepSource,
      maxDurationMs: desired.maxDurationMs ?? record.options.maxDurationMs,
    },
  };
}

function optionsOf(desired: Desired, method: Method, { vm, inventory, to }: Pick<Beginning, 'vm' | 'inventory' | 'to'>): MoveOptions {
  const facts = hostOf(inventory, to)?.facts ?? { unknown: 'no such host' };
  const copied = isKnown(vm.disks) ? copiedDisks(vm.disks, facts) : [];
  const copiesDisks = copied.length > 0 || !isKnown(vm.disks);
  const memory = isKnown(vm.memoryBytes) ? vm.memoryBytes : 0;
  const toMove = copied.reduce((sum, disk) => sum + disk.allocatedBytes, method === 'hot' ? memory : 0);
  return {
    ...tuning(desired),
    networks: desired.networks,
    storage: desired.storage,
    detach: desired.detach,
    // rules.md §6.11: kept where disks were copied; hot removes its source.
    keepSource: desired.keepSource ?? (method === 'staged' || (method === 'cold' && copiesDisks) ? 'confirm' : 'no'),
    maxDurationMs: desired.maxDurationMs ?? 10 * minute + Math.ceil(toMove / GiB) * minute,
  };
}

type Tuning = Omit<MoveOptions, 'networks' | 'storage' | 'detach' | 'keepSource' | 'maxDurationMs'>;

const tuning = (desired: Desired): Tuning => ({
  bandwidthBytesPerSecond: desired.bandwidthBytesPerSecond,
  startAfter: desired.startAfter,
  verify: desired.verify,
  postCopy: desired.postCopy,
  suspend: desired.suspend,
  downtimeBudgetMs: desired.downtimeBudgetMs,
  shutdownGraceMs: desired.shutdownGraceMs,
  lateShutdownMs: desired.lateShutdownMs,
  noProgressTimeoutMs: desired.noProgressTimeoutMs,
  goFrom: desired.goFrom,
});

const minute = 60_000;
const GiB = 1024 ** 3;
