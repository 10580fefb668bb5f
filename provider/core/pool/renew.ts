/** The queue with the tickets of one process as that process knows them. */
import type { Ticket } from './ticket.js';

export interface OwnTicket {
  readonly request: Pick<Ticket, 'vm' | 'slots'>;
  readonly urgent: boolean;
  readonly isGranted: boolean;
}

export interface OwnTickets {
  readonly holder: string;
  readonly ours: readonly OwnTicket[];
  /** VMs whose ticket this process has given back. */
  readonly left: ReadonlySet<string>;
  readonly times: { readonly leaseRenewMs: number; readonly leaseExpireMs: number };
}

/**
 * Said as a whole, so that it may be said twice. A ticket that moves and is no longer there (its process slept too long) is put back as
 * moving, since it does; one that waited goes to the end.
 */
export function renewed(found: readonly Ticket[], { holder, ours, left, times }: OwnTickets, nowMs: number): readonly Ticket[] {
  const own = new Map(ours.map((one) => [one.request.vm.uuid, one]));
  const isOurs = (ticket: Ticket): boolean => ticket.holder === holder;
  const kept = found
    .filter((ticket) => !isOurs(ticket) || !left.has(ticket.vm.uuid))
    .map((ticket): Ticket => {
      const one = isOurs(ticket) ? own.get(ticket.vm.uuid) : undefined;
      if (one === undefined) return ticket;
      // As seldom as a lease: whoever only looks writes nothing.
      const isDue = ticket.expiresAt - nowMs <= times.leaseExpireMs - times.leaseRenewMs;
      return {
        ...ticket,
        urgent: one.urgent,
        state: one.isGranted ? 'moving' : ticket.state,
        expiresAt: isDue ? nowMs + times.leaseExpireMs : ticket.expiresAt,
      };
    });
  const there = new Set(kept.filter(isOurs).map(({ vm }) => vm.uuid));
  const missing = ours.filter(({ request }) => !there.has(request.vm.uuid));
  return [...kept, ...missing.map((one) => ticketOf(one, holder, nowMs + times.leaseExpireMs))];
}

const ticketOf = ({ request: { vm, slots }, urgent, isGranted }: OwnTicket, holder: string, expiresAt: number): Ticket => ({
  vm,
  holder,
  slots,
  state: isGranted ? 'moving' : 'waiting',
  urgent,
  expiresAt,
});
