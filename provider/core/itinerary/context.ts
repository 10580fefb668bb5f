/** Makes the context of one run of one move: its record with compare-and-set, fresh readings, and what verbs may use. */
import type { Driver, Move } from '../driver.js';
import { PlacementError } from '../errors.js';
import type { EventSink } from '../events.js';
import type { CopyRef } from '../inventory.js';
import type { MigrationRecord } from '../record.js';
import type { HeldLease } from './lease.js';
import { readReality } from './reality.js';
import type { Given, MoveContext, Reality } from './step.js';

export interface ContextParts {
  readonly driver: Driver;
  readonly record: MigrationRecord;
  /** Whether `record` is already stored at the platform. */
  readonly stored: boolean;
  readonly given: Given;
  readonly stack: string;
  readonly holder: string;
  readonly lease: HeldLease;
  readonly interrupt: AbortSignal;
  readonly emit: EventSink;
  readonly log: (message: string) => void;
}

export function moveContext(parts: ContextParts): MoveContext {
  const { driver, holder, lease, interrupt } = parts;
  let record = parts.record;
  let epoch: number | null = parts.stored ? record.epoch : null;
  let touched = parts.stored;
  let passes = 0;
  const vm = record.vm.name;

  /** Another front door may have put a request into the record; anything else is a second controller. */
  async function takeOverRequest(): Promise<void> {
    const seenNow = (await readReality(driver, record)).vm;
    if (seenNow.recordProblem !== undefined)
      throw new PlacementError('platform', `${vm}: its migration record cannot be read now: ${seenNow.recordProblem}.`, {
        vm,
        next: 'pulumi up when it can',
      });
    const found = seenNow.record;
    const { epoch: _e, request: _r, ...ours } = record;
    if (found !== null && found.request !== record.request) {
      const { epoch: _fe, request: _fr, ...theirs } = found;
      if (canonical(ours) === canonical(theirs)) {
        record = found;
        epoch = found.epoch;
        return;
      }
    }
    throw new PlacementError('conflict', `${vm}: its migration record was changed by another controller; this run stops.`, {
      vm,
      next: 'pulumi up again',
    });
  }

  async function write(patch: Partial<MigrationRecord>, attempt: 'first' | 'again'): Promise<void> {
    await lease.check();
    const next: MigrationRecord = { ...record, ...patch, epoch: record.epoch + 1 };
    if ((await driver.record(record.vm.uuid, next, { ifEpoch: epoch, holder })) === 'ok') {
      record = next;
      epoch = next.epoch;
      touched = true;
      return;
    }
    if (attempt === 'again') throw new PlacementError('conflict', `${vm}: its migration record keeps changing; this run stops.`, { vm });
    await takeOverRequest();
    await write(patch, 'again');
  }

  return {
    driver,
    clock: driver.clock,
    given: parts.given,
    stack: parts.stack,
    holder,
    interrupt,
    vm,
    get record() {
      return record;
    },
    get stored() {
      return epoch !== null;
    },
    get touched() {
      return touched;
    },
    async verify() {
      const reality = await readReality(driver, record);
      const found = reality.vm.record;
      if ((found?.epoch ?? null) !== epoch || (found !== null && found.moveId !== record.moveId)) await takeOverRequest();
      return reality;
    },
    save: (patch) => write(patch, 'first'),
    async drop() {
      await lease.check();
      if (epoch === null) return;
      if ((await driver.record(record.vm.uuid, null, { ifEpoch: epoch, holder })) !== 'ok') {
        await takeOverRequest();
        if ((await driver.record(record.vm.uuid, null, { ifEpoch: epoch, holder })) !== 'ok')
          throw new PlacementError('conflict', `${vm}: its migration record keeps changing; this run stops.`, { vm });
      }
      epoch = null;
    },
    read: () => readReality(driver, record, lease.lost),
    move: (reality) => moveOf(record, reality),
    run: (urgency) => ({
      signal: urgency === 'parkable' ? AbortSignal.any([interrupt, lease.lost]) : lease.lost,
      emit: parts.emit,
      log: parts.log,
      holder,
      checkLease: () => lease.check(),
    }),
    checkLease: () => lease.check(),
    get passes() {
      return passes;
    },
    countPass: () => {
      passes += 1;
    },
    emit: parts.emit,
    notice: (message) => parts.emit({ kind: 'notice', vm, message }),
    warn: (message) => parts.emit({ kind: 'warning', vm, message }),
  };
}

function moveOf(record: MigrationRecord, reality: Reality): Move {
  // A source that is gone (removed by the platform, or its host not read) is still named by where it was.
  const source: CopyRef = reality.source?.ref ?? { ...record.from, platformId: record.vm.uuid };
  return { vm: record.vm, source, target: record.to, method: record.method, record };
}

/** JSON with sorted keys: a store may give them back in another order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
