/**
 * Who may move now: first come, first served, with one reservation (EASY backfilling). The first ticket that does not fit reserves a
 * slot of everything it needs; a later one goes before it only where a slot is free beyond that. So nothing stays idle that would
 * delay nobody, and the first one is never overtaken for ever. No batches, no barriers.
 *
 * Counted are VMs, not tickets: a run that continues the move of a dead one needs no second slot for the same VM.
 */
import type { Slot, Ticket } from './ticket.js';

/** The queue as it is to be now: expired tickets are gone, and everything that may move does. In the order of the queue. */
export function settle(tickets: readonly Ticket[], nowMs: number): readonly Ticket[] {
  const alive = tickets.filter(({ expiresAt }) => expiresAt > nowMs);
  const ledger = ledgerOf(alive.filter(moves), alive);
  return alive.map((ticket) => {
    if (ticket.state === 'moving') return ticket;
    if (obstaclesOf(ledger, ticket).length === 0) {
      take(ledger, ticket);
      return { ...ticket, state: 'moving' };
    }
    if (ledger.next === null) ledger.next = ticket;
    return ticket;
  });
}

/** An urgent ticket has its slots from the moment it is there, taken or not. */
const moves = ({ state, urgent }: Ticket): boolean => state === 'moving' || urgent;

/** A slot that a waiting ticket does not get: all are taken, or what is free is reserved. */
export interface Obstacle {
  readonly slot: Slot;
  readonly limit: number;
  /** Names of the VMs that move there. */
  readonly by: readonly string[];
  /** VM that the free ones are reserved for; null where none is free. */
  readonly reservedFor: string | null;
}

/** Why each waiting ticket of a settled queue waits. */
export function explain(settled: readonly Ticket[]): (ticket: Ticket) => readonly Obstacle[] {
  const ledger = ledgerOf(settled.filter(moves), settled);
  ledger.next = settled.find(({ state }) => state === 'waiting') ?? null;
  return (ticket) => obstaclesOf(ledger, ticket);
}

interface Ledger {
  readonly limits: ReadonlyMap<string, number>;
  /** By slot the VMs that move there: UUID and name. */
  readonly taken: Map<string, Map<string, string>>;
  /** The first that waits; what it needs is reserved for it. */
  next: Ticket | null;
}

/** A limit counts from the moment a ticket with it waits: else those with a larger one would keep it waiting for ever. */
function ledgerOf(moving: readonly Ticket[], all: readonly Ticket[]): Ledger {
  const limits = new Map<string, number>();
  for (const slot of all.flatMap(({ slots }) => slots))
    limits.set(keyOf(slot), Math.min(slot.limit, limits.get(keyOf(slot)) ?? slot.limit));
  const ledger: Ledger = { limits, taken: new Map(), next: null };
  for (const ticket of moving) take(ledger, ticket);
  return ledger;
}

function take({ taken }: Ledger, { slots, vm }: Ticket): void {
  for (const slot of slots) {
    const there = taken.get(keyOf(slot)) ?? new Map<string, string>();
    taken.set(keyOf(slot), there.set(vm.uuid, vm.name));
  }
}

function obstaclesOf({ limits, taken, next }: Ledger, { slots, vm }: Ticket): readonly Obstacle[] {
  return slots.flatMap((slot): Obstacle[] => {
    const key = keyOf(slot);
    const there = taken.get(key);
    if (there?.has(vm.uuid) === true) return [];
    const limit = limits.get(key) ?? slot.limit;
    const free = limit - (there?.size ?? 0);
    const reserved =
      next !== null && next.vm.uuid !== vm.uuid && next.slots.some((one) => keyOf(one) === key) && there?.has(next.vm.uuid) !== true;
    if (free > (reserved ? 1 : 0)) return [];
    return [{ slot, limit, by: [...(there?.values() ?? [])], reservedFor: free > 0 ? (next?.vm.name ?? null) : null }];
  });
}

const keyOf = ({ kind, name }: Slot): string => `${kind} ${name}`;
