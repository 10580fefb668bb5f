/**
 * Each host tells its times by its own clock, which may be wrong, and may be set right in between. Times of one host are compared with
 * times of the same host only; for people, and for durations between two hosts, they are told in the platform's time.
 */
import { iso } from './clock.js';
import {
  isKnown,
  isUnknown,
  placeText,
  type Copy,
  type Inventory,
  type LastChange,
  type Maybe,
  type Place,
  type Timestamp,
} from './inventory.js';
import { hostOf } from './locate.js';

/** How far the clock of this host was ahead of the platform's time at this reading, ms; 0 where the host did not answer. */
export function aheadMs(inventory: Inventory, place: Place): number {
  const host = hostOf(inventory, place);
  if (host === null || isUnknown(host.facts)) return 0;
  return Date.parse(host.observedAt) - Date.parse(inventory.observedAt);
}

/** A time that this host told, in the platform's time: nothing that was read lies in the future. */
export const platformTime = (inventory: Inventory, place: Place, told: Timestamp): Timestamp =>
  iso(Math.min(Date.parse(told) - aheadMs(inventory, place), Date.parse(inventory.observedAt)));

/** "running on a/a1 since 2026-05-01T10:00:00.000Z", in the platform's time: copies on two hosts are told apart by it. */
export function copyText(copy: Copy, inventory: Inventory): string {
  const change = copy.lastChange;
  const since = isUnknown(change)
    ? `since when could not be read: ${change.unknown}`
    : `since ${platformTime(inventory, copy.ref, change.at)}`;
  return `${copy.power} on ${placeText(copy.ref)} ${since}`;
}

/** The moment of the reading as this host's clock tells it; null where it did not answer. */
export function hostTime(inventory: Inventory, place: Place): Timestamp | null {
  const host = hostOf(inventory, place);
  return host === null || isUnknown(host.facts) ? null : host.observedAt;
}

/** What a host told about a change is kept as it is: later it is the same change or another one, whatever its clock says then. */
export const isSameChange = (one: LastChange, other: LastChange): boolean =>
  one.cause === other.cause && sameTime(one.at, other.at) && sameTime(one.began, other.began);

export const toldChange = (change: Maybe<LastChange> | undefined): LastChange | null =>
  change !== undefined && isKnown(change) ? change : null;

const sameTime = (one: Timestamp | undefined, other: Timestamp | undefined): boolean =>
  one === undefined || other === undefined ? one === other : Date.parse(one) === Date.parse(other);
