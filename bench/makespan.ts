/**
 * How long 1 000 moves take that share the limits of `concurrency`, beside the least that these limits allow: for each key (a source
 * host, a target host, a pair of clusters, the datacenter) the sum of its moves' durations / its limit; of these the largest.
 *
 * Real are the declarations, the reading, the decisions (method, host, estimate) and the queue; simulated is the passing of time: a move
 * takes what its plan estimates. After every event the queue is held against the rule written down once more: nothing idle, no limit
 * broken. `at once`: how many updates the engine has under way (`pulumi up --parallel`).
 *
 * npx tsx bench/makespan.ts [--parallel 1000,64,16] [--check]
 */
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import { openSession, previewPlacement } from '../provider/core/placement.js';
import { settle } from '../provider/core/pool/policy.js';
import { slotsOf, type Slot, type Ticket } from '../provider/core/pool/ticket.js';
import { formatDuration } from '../provider/core/units.js';
import { embeddedDriver, openModel } from '../provider/drivers/embedded/index.js';
import { checkConfig, checkPlacement } from '../schema/validate.js';
import { print, verdict, type Limit } from './figures.js';
import { fleets, type MovingFleet } from './makespan-fleets.js';

const { values } = parseArgs({
  args: argv.slice(2),
  options: { parallel: { type: 'string', default: '1000,64,16' }, check: { type: 'boolean', default: false } },
});
const goal = 1.3;
const isUnknown = (): boolean => false;

interface PlannedMove {
  readonly vm: Ticket['vm'];
  readonly slots: readonly Slot[];
  readonly durationMs: number;
}

async function main(): Promise<void> {
  const windows = values.parallel.split(',').map(Number);
  const limits: Limit[] = [];
  const rows: string[][] = [];
  for (const fleet of fleets()) {
    const moves = await plan(fleet);
    const bound = lowerBound(moves);
    for (const window of windows) {
      const run = simulate(moves, window);
      const ratio = run.makespanMs / bound.ms;
      rows.push([
        fleet.name,
        `${moves.length}`,
        `${window}`,
        formatDuration(run.makespanMs),
        `${formatDuration(bound.ms)} (${bound.key})`,
        ratio.toFixed(3),
        `${run.events}`,
        `${run.idle}`,
      ]);
      if (window >= moves.length)
        limits.push({ what: `${fleet.name}: makespan ${ratio.toFixed(3)} x the bound, at most ${goal}`, holds: ratio <= goal });
      limits.push({
        what: `${fleet.name}, ${window} at once: ${run.events} events, ${run.idle} moves idle, ${run.over} over a limit`,
        holds: run.idle + run.over === 0,
      });
    }
  }
  print('Makespan of simulated moves', ['fleet', 'moves', 'at once', 'makespan', 'bound', 'ratio', 'events', 'idle'], rows);
  console.log();
  verdict(limits, values.check);
}

/** Decided as `pulumi preview` does, with the default limits. */
async function plan({ name, embedded, placements }: MovingFleet): Promise<readonly PlannedMove[]> {
  const { settings, embedded: datacenter, failures } = checkConfig({ embedded }, { isUnknown });
  if (settings === null || datacenter === null) throw new Error(`${name}: ${JSON.stringify(failures)}`);
  const driver = embeddedDriver(openModel(datacenter, 'memory'));
  const session = openSession(driver, settings, { stack: 'bench', holder: 'bench', newId: () => 'bench' });
  const { vms } = await session.inventory();
  const uuids = new Map(vms.map((vm) => [vm.name, vm.uuid]));
  const moves: PlannedMove[] = [];
  for (const placement of placements) {
    const { desired } = checkPlacement({ ...placement }, { isUnknown });
    if (desired === null) throw new Error(`${name}: ${placement.vm} is declared wrongly`);
    const { action, from, to, estimate, sentence } = await previewPlacement(session, `urn:${placement.vm}`, desired);
    if (action !== 'move' || from === null || to === null || estimate === null) throw new Error(sentence);
    moves.push({
      vm: { name: placement.vm, uuid: uuids.get(placement.vm) ?? '' },
      slots: slotsOf(from, to, settings.concurrency),
      durationMs: estimate.copyMs + estimate.downtimeMs,
    });
  }
  return moves;
}

const keyOf = ({ kind, name }: Slot): string => (name === '' ? kind : `${kind} ${name}`);

function lowerBound(moves: readonly PlannedMove[]): { readonly key: string; readonly ms: number } {
  const sums = new Map<string, number>();
  for (const { slots, durationMs } of moves)
    for (const slot of slots) sums.set(keyOf(slot), (sums.get(keyOf(slot)) ?? 0) + durationMs / slot.limit);
  const [largest] = [...sums].sort(([, a], [, b]) => b - a);
  if (largest === undefined) throw new Error('no moves');
  return { key: largest[0], ms: largest[1] };
}

interface Simulated {
  readonly makespanMs: number;
  readonly events: number;
  /** Waiting moves, over all events, that fitted and would have delayed no reservation. */
  readonly idle: number;
  /** Keys, over all events, with more moves than their limit. */
  readonly over: number;
}

/** Event by event: a move ends, the engine hands in the next one, the queue is settled. */
function simulate(moves: readonly PlannedMove[], window: number): Simulated {
  const durations = new Map(moves.map(({ vm, durationMs }) => [vm.uuid, durationMs]));
  const ends = new Map<string, number>();
  let [queue, next, now, events, idle, over]: [readonly Ticket[], number, number, number, number, number] = [[], 0, 0, 0, 0, 0];
  for (;;) {
    const handedIn = moves.slice(next, next + window - queue.length).map(ticketOf);
    next += handedIn.length;
    queue = settle([...queue, ...handedIn], now);
    for (const { vm, state } of queue) if (state === 'moving' && !ends.has(vm.uuid)) ends.set(vm.uuid, now + (durations.get(vm.uuid) ?? 0));
    events += 1;
    const seen = look(queue);
    idle += seen.idle;
    over += seen.over;
    if (queue.length === 0) return { makespanMs: now, events, idle, over };
    const [ended, at] = [...ends].reduce((first, one) => (one[1] < first[1] ? one : first));
    now = at;
    ends.delete(ended);
    queue = queue.filter(({ vm }) => vm.uuid !== ended);
  }
}

const ticketOf = ({ vm, slots }: PlannedMove): Ticket => ({
  vm,
  holder: 'bench',
  slots,
  state: 'waiting',
  urgent: false,
  expiresAt: Number.MAX_SAFE_INTEGER,
});

/** The rule once more: the first that waits keeps one slot of each of its keys; nobody else waits where more than that is free. */
function look(queue: readonly Ticket[]): { readonly idle: number; readonly over: number } {
  const taken = new Map<string, number>();
  const count = (key: string): number => taken.get(key) ?? 0;
  for (const { slots } of queue.filter(({ state }) => state === 'moving'))
    for (const slot of slots) taken.set(keyOf(slot), count(keyOf(slot)) + 1);
  const waiting = queue.filter(({ state }) => state === 'waiting');
  const [first] = waiting;
  const kept = new Set(first?.slots.map(keyOf));
  const fits = (ticket: Ticket): boolean =>
    ticket.slots.every((slot) => count(keyOf(slot)) + (ticket !== first && kept.has(keyOf(slot)) ? 1 : 0) < slot.limit);
  const limits = new Map(queue.flatMap(({ slots }) => slots.map((slot) => [keyOf(slot), slot.limit])));
  return { idle: waiting.filter(fits).length, over: [...limits].filter(([key, limit]) => count(key) > limit).length };
}

await main();
