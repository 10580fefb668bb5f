/** Reads reality for one move, and answers the questions that several steps ask of it. */
import type { Capabilities, Driver, SurveyScope } from '../driver.js';
import { PlacementError } from '../errors.js';
import {
  isKnown,
  placeText,
  samePlace,
  unreadHosts,
  type Copy,
  type Host,
  type Inventory,
  type Place,
  type Timestamp,
  type Vm,
} from '../inventory.js';
import { isSameChange, platformTime } from '../host-clock.js';
import { hasRunFor } from '../locate.js';
import type { MigrationRecord } from '../record.js';
import type { Reality } from './step.js';

export async function readReality(driver: Driver, record: MigrationRecord, signal?: AbortSignal): Promise<Reality> {
  const scope: SurveyScope = { vms: [record.vm.uuid] };
  const inventory = await driver.survey(scope, signal);
  return seen(inventory, record);
}

export function seen(inventory: Inventory, record: MigrationRecord): Reality {
  const vm = inventory.vms.find((one) => one.uuid === record.vm.uuid);
  if (vm === undefined) {
    const unread = unreadHosts(inventory).map((host) => placeText({ cluster: host.cluster, host: host.name }));
    throw new PlacementError(
      'platform',
      unread.length > 0
        ? `${record.vm.name}: not found on any host that was read; ${unread.join(', ')} could not be read. Its migration record is kept.`
        : `${record.vm.name}: no longer found on any host, although a move of it is under way.`,
      { vm: record.vm.name, next: 'look at the hosts, then pulumi up again' },
    );
  }
  return {
    inventory,
    vm,
    source: copyAt(vm, record.from),
    target: targetOf(vm, record),
    unread: unreadHosts(inventory),
    at: Date.parse(inventory.observedAt),
  };
}

export const copyAt = (vm: Vm, place: Place): Copy | null => vm.copies.find((copy) => samePlace(copy.ref, place)) ?? null;

/**
 * The copy that this move makes there, where copies carry such a label; somebody else may have moved the VM itself there meanwhile.
 * It may be started, by this move or by the platform's own task, and HA or a balancer take it on before this move has read it: its
 * label goes with it.
 */
function targetOf(vm: Vm, record: MigrationRecord): Copy | null {
  const ours = vm.copies.filter((copy) => copy.ref.moveId === record.moveId && copy.role !== 'kept' && !samePlace(copy.ref, record.from));
  const there = ours.find((copy) => samePlace(copy.ref, record.to)) ?? copyAt(vm, record.to);
  return there ?? ours.find((copy) => record.targetStarting || copy.power === 'running') ?? null;
}

export const isUnread = (reality: Reality, place: Place): boolean =>
  reality.unread.some((host: Host) => host.cluster === place.cluster && host.name === place.host);

/** What a copy reads as, for a message: a host that did not answer is not one without the copy. */
export const powerText = (reality: Reality, copy: Copy | null, place: Place): string =>
  copy?.power ?? (isUnread(reality, place) ? `not readable (${placeText(place)} does not answer)` : 'not found there');

/** Throws when this place could not be read: nothing is concluded from a copy that is not seen there. */
export function needRead(reality: Reality, place: Place, what: string): void {
  if (!isUnread(reality, place)) return;
  throw new PlacementError('platform', `${reality.vm.name}: ${placeText(place)} cannot be read, so ${what}.`, {
    vm: reality.vm.name,
    next: 'pulumi up when that host answers',
  });
}

/** The source is there and reads off (also: kept and blocked). */
export const isOff = (copy: Copy | null): copy is Copy & { readonly power: 'off' } => copy !== null && copy.power === 'off';
export const isRunning = (copy: Copy | null): copy is Copy & { readonly power: 'running' } => copy !== null && copy.power === 'running';

/** Its CPUs do not run; whether its disks can be trusted is another question. */
export const isStopped = (copy: Copy | null): boolean => copy !== null && (copy.power === 'off' || copy.power === 'crashed');

/** "runs on b/b1", "is off on b/b1": one that was off before, or shall be left off, does not run. */
export function standing(copy: Copy | null, place: Place): string {
  if (copy === null) return `is not found on ${placeText(place)}`;
  return `${copy.power === 'running' ? 'runs' : `is ${copy.power}`} on ${placeText(copy.ref)}`;
}

/** How the source stays behind. */
export const keptText = ({ blocksStart }: Pick<Capabilities, 'blocksStart'>): string =>
  blocksStart ? 'kept, blocked' : 'kept (this platform cannot block its start: do not start it)';

/**
 * The source ran after it had read off: what was copied since is void (rules.md §6.7). Its last change is another one then, whatever
 * time its host tells: a clock that was set back hides nothing.
 */
export function ranSince(source: Copy, { offAt, offChange }: Pick<MigrationRecord, 'offAt' | 'offChange'>): boolean {
  // Never read off, or started again by a run that died before it wrote down what follows from that.
  if (!isStopped(source) || offAt === null) return true;
  const { lastChange } = source;
  // A record of before has only the time, as the host told it.
  if (offChange === undefined) return isKnown(lastChange) && Date.parse(lastChange.at) > Date.parse(offAt);
  // Told once and no more: only its block still proves that it did not run.
  if (!isKnown(lastChange)) return offChange !== null && !source.blocked;
  return offChange === null || !isSameChange(lastChange, offChange);
}

/** A run that died between reading it off and blocking it left a gap: whoever goes on looks before it blocks. */
export const ranBeforeBlock = ({ source }: Reality, record: MigrationRecord): boolean =>
  record.offAt !== null && source !== null && !source.blocked && ranSince(source, record);

/** It runs again, or where it went off does not count any more. */
export const notOff = { offAt: null, offChange: null } as const;

/** When a copy that is off went off, in the platform's time; the moment of the reading where the platform does not tell. */
export function wentOffAt(source: Copy, { inventory }: Reality): Timestamp {
  return isKnown(source.lastChange) ? platformTime(inventory, source.ref, source.lastChange.at) : inventory.observedAt;
}

/** A hot job has ended, or a platform's own task has cut over: it runs on the target, or has run there, and no longer on the source. */
export const hasArrived = (reality: Reality, record: MigrationRecord, capabilities: Pick<Capabilities, 'separateStart'>): boolean =>
  (record.method === 'hot' || (record.method === 'staged' && !capabilities.separateStart)) &&
  (isRunning(reality.target) || (reality.target !== null && hasRunFor(reality.target, record))) &&
  !isRunning(reality.source);

/** More than one runs: never act (rules.md §5 `vm-two-copies`). */
const runsTwice = ({ vm }: Reality): boolean => vm.copies.filter((copy) => copy.power === 'running').length > 1;

/** It has run on the target before this move knew of it, and somebody has started the source after that: a person decides as well. */
export const ranOnBoth = ({ source, target }: Reality, record: MigrationRecord): boolean =>
  !record.targetStarting && isRunning(source) && target !== null && hasRunFor(target, record);

/** Two copies, and which is the right one only a person can say. */
export const needsPerson = (reality: Reality, record: MigrationRecord): boolean => runsTwice(reality) || ranOnBoth(reality, record);

/**
 * Past the point of no return, and what was to be started has been deleted: every host was read, and nothing but the source is left.
 * Only a person may go back there; hot has no complete disks there, and after the reading back the source is out of date.
 */
export const isTargetGone = ({ targetStarting, method, done }: MigrationRecord, { vm, source, unread }: Reality): boolean =>
  targetStarting && method !== 'hot' && !done.includes('read-back') && unread.length === 0 && vm.copies.every((copy) => copy === source);

/**
 * Others have taken it on to a third host, and nothing else of it is left, though every host was read: the move has nothing to hold on
 * to any more, also past the point of no return.
 */
export const isAloneElsewhere = ({ vm, source, target, unread }: Reality): boolean =>
  source === null && target === null && unread.length === 0 && vm.copies.length === 1 && vm.copies.every(({ role }) => role === 'live');

/** Nothing of it is left where the move started from, though that host was read. */
export const wasMovedAway = (record: MigrationRecord, reality: Reality): boolean =>
  reality.source === null && !isUnread(reality, record.from);
