/** Whose turn it is: never too many, never one idle for nothing, nobody waits for ever. */
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { explain, settle } from '../../../provider/core/pool/policy.js';
import { slotsOf, type Ticket } from '../../../provider/core/pool/ticket.js';
import { waitText } from '../../../provider/core/pool/words.js';
import { idle, limitOf, moving, others, slot, ticket, waiting } from './tickets.js';

const names = (tickets: readonly Ticket[]): readonly string[] => tickets.map(({ vm }) => vm.name);
const [a1, b1, b2] = [slot('source', 'a/a1', 2), slot('target', 'b/b1', 1), slot('target', 'b/b2', 1)];

describe('the queue', () => {
  test('lets move what fits, in the order in which it came', () => {
    const settled = settle([ticket('one', [a1]), ticket('two', [a1]), ticket('three', [a1])], 0);
    expect(names(moving(settled))).toEqual(['one', 'two']);
    expect(names(settled)).toEqual(['one', 'two', 'three']);
  });

  test('lets a later one go first where that takes nothing away from the one before it', () => {
    const full = ticket('full', [b1], { state: 'moving' });
    const wide = slot('datacenter', '', 3);
    const settled = settle([full, ticket('first', [b1, wide]), ticket('later', [b2, wide]), ticket('last', [b2, wide])], 0);
    expect(names(moving(settled))).toEqual(['full', 'later']);
  });

  test('keeps a free slot for the first that waits, also where it cannot use it yet', () => {
    const full = ticket('full', [b1], { state: 'moving' });
    const settled = settle([full, ticket('first', [a1, b1]), ticket('second', [a1]), ticket('third', [a1])], 0);
    // Two are free on a/a1; one of them is kept for the first.
    expect(names(moving(settled))).toEqual(['full', 'second']);
    expect(waitText(explain(settled)(settled[3]!))).toBe('first is before it on a/a1');
  });

  test('keeps it for the first, whoever else waits between', () => {
    const full = ticket('full', [b1], { state: 'moving' });
    const only = slot('source', 'a/a1', 1);
    const settled = settle([full, ticket('first', [only, b1]), ticket('between', [b1]), ticket('last', [only])], 0);
    expect(names(moving(settled))).toEqual(['full']);
  });

  test('counts an urgent one, and does not let it wait', () => {
    const urgent = ticket('urgent', [b1], { urgent: true });
    const settled = settle([ticket('one', [b1], { state: 'moving' }), ticket('two', [b1]), urgent], 0);
    expect(names(moving(settled))).toEqual(['one', 'urgent']);
    expect(names(moving(settle([ticket('two', [b1]), urgent], 0)))).toEqual(['urgent']);
  });

  test('takes out what has expired, and lets the next one move', () => {
    const dead = ticket('dead', [b1], { state: 'moving', expiresAt: 1000 });
    expect(names(moving(settle([dead, ticket('next', [b1])], 999)))).toEqual(['dead']);
    expect(names(settle([dead, ticket('next', [b1])], 1000))).toEqual(['next']);
  });

  test('needs no second slot for a VM whose dead run still holds one', () => {
    const dead = ticket('web', [b1], { state: 'moving', holder: 'dead@machine' });
    const settled = settle([dead, ticket('other', [b1]), ticket('web', [b1], { holder: 'new@machine' })], 0);
    expect(moving(settled).map(({ holder, vm }) => `${vm.name} ${holder}`)).toEqual(['web dead@machine', 'web new@machine']);
    expect(names(moving(settle(settled.slice(1), 0)))).toEqual(['web']);
  });

  test('given processes with other limits, then the smallest counts, also that of one that waits', () => {
    const [wide, narrow] = [slot('datacenter', '', 3), slot('datacenter', '', 1)];
    const two = [ticket('one', [wide], { state: 'moving' }), ticket('two', [wide], { state: 'moving' })];
    const settled = settle([...two, ticket('careful', [narrow]), ticket('three', [wide])], 0);
    expect(names(waiting(settled))).toEqual(['careful', 'three']);
    expect(waitText(explain(settled)(settled[2]!))).toBe('2 of 1 VM (one, two) already move in this datacenter');
    expect(names(moving(settle(settled.slice(2), 0)))).toEqual(['careful']);
  });
});

describe('what a move needs', () => {
  const limits = { perSourceHost: 1, perTargetHost: 2, perLink: 3, perDatacenter: 4 };
  const needs = (from: string, to: string) =>
    slotsOf({ cluster: from, host: `${from}1` }, { cluster: to, host: `${to}2` }, limits).map(
      ({ kind, name, limit }) => `${kind} ${name}: ${limit}`,
    );

  test('between two clusters is a slot of both hosts, of their link in either direction, and of the datacenter', () => {
    expect(needs('a', 'b')).toEqual(['source a/a1: 1', 'target b/b2: 2', 'link a and b: 3', 'datacenter : 4']);
    expect(needs('b', 'a')[2]).toBe('link a and b: 3');
  });

  test('inside a cluster is no slot of a link', () =>
    expect(needs('a', 'a')).toEqual(['source a/a1: 1', 'target a/a2: 2', 'datacenter : 4']));
});

describe('why one waits', () => {
  const busy = (where: typeof a1, count: number): readonly Ticket[] =>
    Array.from({ length: count }, (_, index) => ticket(`db-0${index + 1}`, [where], { state: 'moving' }));

  test.each([
    [slot('source', 'a/a1', 2), 'a/a1 already sends 2 of 2 VMs (db-01, db-02)'],
    [slot('target', 'b/b1', 1), 'b/b1 already receives 1 of 1 VM (db-01)'],
    [slot('link', 'a and b', 5), '5 of 5 VMs (db-01, db-02, db-03 and 2 more) already move between a and b'],
    [slot('datacenter', '', 4), '4 of 4 VMs (db-01, db-02, db-03, db-04) already move in this datacenter'],
  ])('at %j', (where, text) => {
    const settled = settle([...busy(where, where.limit), ticket('web', [where])], 0);
    expect(waitText(explain(settled)(settled.at(-1)!))).toBe(text);
  });
});

// ---- any queue

type Act =
  | { readonly kind: 'enter'; readonly to: readonly number[]; readonly urgent: boolean; readonly lives: number }
  | { readonly kind: 'end'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number };

const limits = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 6, maxLength: 6 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('enter' as const),
      to: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 4 }),
      urgent: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
      lives: fc.integer({ min: 1, max: 500 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 100 }) }) },
);
const place = (index: number, limit: readonly number[]) => slot('target', `h/${index}`, limit[index] ?? 1);

describe('after every event of any queue', () => {
  property.prop([limits, fc.array(act, { maxLength: 80 })])('no limit is broken, nothing is idle, nothing has expired', (limit, acts) => {
    let [tickets, now, made]: [readonly Ticket[], number, number] = [[], 0, 0];
    for (const one of acts) {
      const before = tickets;
      switch (one.kind) {
        case 'enter': {
          const slots = one.to.map((index) => place(index, limit));
          tickets = [...tickets, ticket(`vm-${(made += 1)}`, slots, { urgent: one.urgent, expiresAt: now + one.lives })];
          break;
        }
        case 'end':
          tickets = tickets.filter((_, index) => index !== one.which % Math.max(1, tickets.length));
          break;
        case 'pass':
          now += one.ms;
      }
      tickets = settle(tickets, now);
      expect(idle(tickets)).toEqual([]);
      expect(tickets.filter(({ expiresAt }) => expiresAt <= now)).toEqual([]);
      expect(settle(tickets, now), 'settled once is settled').toEqual(tickets);
      const numbers = tickets.map(({ vm }) => Number(vm.name.slice(3)));
      expect(numbers, 'in their order').toEqual([...numbers].sort((x, y) => x - y));
      for (const had of moving(before)) expect(tickets.find(({ vm }) => vm.uuid === had.vm.uuid)?.state ?? 'moving').toBe('moving');
      const first = tickets.findIndex(({ state }) => state === 'waiting');
      const started = tickets
        .slice(first + 1)
        .filter((one) => one.state === 'moving' && !moving(before).some(({ vm }) => vm.uuid === one.vm.uuid));
      const overtaken = started.filter(
        ({ urgent, slots }) =>
          !urgent &&
          slots.some((where) => {
            const needed = tickets[first]?.slots.some(({ name }) => name === where.name) ?? false;
            return first >= 0 && needed && others(tickets, where) >= limitOf(tickets, where);
          }),
      );
      expect(overtaken, 'nothing is taken from the first that waits').toEqual([]);
      for (const { slots } of tickets)
        for (const where of slots) {
          const urgent = moving(tickets).filter((other) => other.urgent && other.slots.some(({ name }) => name === where.name)).length;
          expect(others(tickets, where)).toBeLessThanOrEqual(limitOf(tickets, where) + urgent);
        }
    }
  });

  property.prop([
    fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }),
    fc.array(fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }), { minLength: 8, maxLength: 60 }),
    fc.infiniteStream(fc.nat(20)),
  ])(
    'the first that waits moves at the latest when all have ended that moved when it became the first, however many come after it',
    (limit, wishes, dice) => {
      let tickets: readonly Ticket[] = [];
      let [first, before]: [string | null, ReadonlySet<string>] = [null, new Set()];
      for (const [index, wish] of wishes.entries()) {
        tickets = settle(
          [
            ...tickets,
            ticket(
              `vm-${index}`,
              wish.map((to) => place(to, limit)),
            ),
          ],
          0,
        );
        const running = moving(tickets);
        const ending = running[(dice.next().value ?? 0) % Math.max(1, running.length)];
        tickets = settle(
          tickets.filter((one) => one !== ending),
          0,
        );
        const head = waiting(tickets)[0]?.vm.name ?? null;
        if (head !== first) [first, before] = [head, new Set(names(moving(tickets)))];
        if (first !== null) expect(names(moving(tickets)).filter((name) => before.has(name))).not.toEqual([]);
      }
    },
  );
});
