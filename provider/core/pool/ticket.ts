/** A place in the one queue of a datacenter: a move holds a turn while bytes may move. Plain data: it is kept where leases are kept. */
import type { Concurrency } from '../desired.js';
import type { Place } from '../inventory.js';

export interface Ticket {
  readonly vm: { readonly name: string; readonly uuid: string };
  /** The process that asks; it renews the ticket, which expires after its death as a lease does. */
  readonly holder: string;
  /** What it needs a slot of: of all of them at once, or it waits. */
  readonly slots: readonly Slot[];
  readonly state: 'waiting' | 'moving';
  /** Its VM is off because of the move, or the move is past the point of no return: it does not wait, whatever the limits. */
  readonly urgent: boolean;
  /** In the time of leases, ms. */
  readonly expiresAt: number;
}

export interface Slot {
  readonly kind: 'source' | 'target' | 'link' | 'datacenter';
  readonly name: string;
  /** As the process is configured that asks; of several the smallest counts. */
  readonly limit: number;
}

/**
 * A link is what two clusters share on the way to each other. Inside one cluster each pair of hosts has a way of its own, so there
 * the hosts are the limit.
 */
export function slotsOf(from: Place, to: Place, limits: Concurrency): readonly Slot[] {
  const [one, other] = [from.cluster, to.cluster].sort();
  return [
    { kind: 'source', name: `${from.cluster}/${from.host}`, limit: limits.perSourceHost },
    { kind: 'target', name: `${to.cluster}/${to.host}`, limit: limits.perTargetHost },
    ...(from.cluster === to.cluster ? [] : [{ kind: 'link', name: `${one} and ${other}`, limit: limits.perLink } as const]),
    { kind: 'datacenter', name: '', limit: limits.perDatacenter },
  ];
}
