/** Builders of tickets, and the rules of the queue written down once more, as plainly as they can be: what the policy is held against. */
import type { Slot, Ticket } from '../../../provider/core/pool/ticket.js';

export const slot = (kind: Slot['kind'], name: string, limit: number): Slot => ({ kind, name, limit });

export const ticket = (name: string, slots: readonly Slot[], over: Partial<Ticket> = {}): Ticket => ({
  vm: { name, uuid: `uuid-${name}` },
  holder: 'run-1@machine',
  slots,
  state: 'waiting',
  urgent: false,
  expiresAt: 60_000,
  ...over,
});

const same = (a: Slot, b: Slot): boolean => a.kind === b.kind && a.name === b.name;

export const moving = (tickets: readonly Ticket[]): readonly Ticket[] => tickets.filter(({ state }) => state === 'moving');
export const waiting = (tickets: readonly Ticket[]): readonly Ticket[] => tickets.filter(({ state }) => state === 'waiting');

/** Different VMs that move on a slot, without this one. */
export const others = (tickets: readonly Ticket[], where: Slot, uuid = ''): number =>
  new Set(
    moving(tickets)
      .filter(({ vm, slots }) => vm.uuid !== uuid && slots.some((one) => same(one, where)))
      .map(({ vm }) => vm.uuid),
  ).size;

export const limitOf = (tickets: readonly Ticket[], where: Slot): number =>
  Math.min(...tickets.flatMap(({ slots }) => slots.filter((one) => same(one, where)).map(({ limit }) => limit)));

/** Waiting tickets that could move and would take nothing from the first one in the queue: there must be none. */
export function idle(tickets: readonly Ticket[]): readonly Ticket[] {
  const [first] = waiting(tickets);
  return waiting(tickets).filter((one) =>
    one.slots.every((where) => {
      const isMoving = (uuid: string): boolean =>
        moving(tickets).some(({ vm, slots }) => vm.uuid === uuid && slots.some((other) => same(other, where)));
      if (isMoving(one.vm.uuid)) return true;
      const kept = first !== undefined && first.vm.uuid !== one.vm.uuid && first.slots.some((other) => same(other, where));
      const reserved = kept && !isMoving(first.vm.uuid) ? 1 : 0;
      return others(tickets, where) + reserved < limitOf(tickets, where);
    }),
  );
}
