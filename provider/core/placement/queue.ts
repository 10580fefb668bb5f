/** Who moves, and who waits for what: the queue of the datacenter, for people. */
import { explain, settle } from '../pool/policy.js';
import { waitText } from '../pool/words.js';
import type { Session } from './session.js';

export interface QueueEntry {
  readonly vm: string;
  readonly state: 'waiting' | 'moving';
  /** The run that asks. */
  readonly holder: string;
  /** null for one that moves. */
  readonly waitsFor: string | null;
}

/** In the order of the queue; only this process's where the platform keeps none for all. */
export async function readQueue({ driver }: Pick<Session, 'driver'>): Promise<readonly QueueEntry[]> {
  const tickets = await driver.pool((found, { nowMs }) => ({ tickets: found, result: settle(found, nowMs) }));
  const obstacles = explain(tickets);
  return tickets.map((ticket) => ({
    vm: ticket.vm.name,
    state: ticket.state,
    holder: ticket.holder,
    waitsFor: ticket.state === 'waiting' ? waitText(obstacles(ticket)) : null,
  }));
}
