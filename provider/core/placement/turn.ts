/**
 * The turn of one placement: held while bytes of it may move (a move begins or goes on), given back in a pause. A move that follows its
 * VM to another host keeps the one that it has.
 */
import type { Desired } from '../desired.js';
import { command } from '../command.js';
import { PlacementError } from '../errors.js';
import type { Capabilities } from '../driver.js';
import type { Inventory, Place, Vm } from '../inventory.js';
import { isStopped } from '../itinerary/index.js';
import { liveCopy, locate } from '../locate.js';
import type { Plan } from '../plan.js';
import { slotsOf } from '../pool/ticket.js';
import type { Turn } from '../pool/turns.js';
import type { MigrationRecord } from '../record.js';
import { formatDuration } from '../units.js';
import type { PlacementRun, Session } from './session.js';

export interface HeldTurn {
  /**
   * True when what is held is what this plan needs (which may be nothing). Else waits for that; what was read before is old then:
   * decide again.
   */
  fits(reading: { readonly plan: Plan; readonly inventory: Inventory }): Promise<boolean>;
  /** Waits for the turn of a paused move; false when the run was interrupted or `deadline` (platform time, ms) passed before. */
  next(record: MigrationRecord, deadline: number): Promise<boolean>;
  /** Gives it back, or leaves the queue; may be called again. */
  end(): Promise<void>;
}

/** A run that may begin or go on with a move. */
export interface TurnRun extends PlacementRun {
  readonly turn: HeldTurn;
}

interface Need {
  readonly vm: { readonly name: string; readonly uuid: string };
  readonly from: Place;
  readonly to: Place;
  readonly urgent: boolean;
  /** The move that is continued: its VM may go off while it waits. */
  readonly record: MigrationRecord | null;
}

export function holdTurn(session: Session, desired: Desired, run: PlacementRun): HeldTurn {
  const { driver, turns, settings } = session;
  const { clock, capabilities } = driver;
  const stop = run.halt === undefined ? run.signal : AbortSignal.any([run.signal, run.halt]);
  let held: { readonly key: string; readonly turn: Turn } | null = null;

  async function end(): Promise<void> {
    const last = held;
    held = null;
    await last?.turn.end();
  }

  /** The keys are asked for all at once, and nothing else is held meanwhile but the lease of this very VM: nobody waits in a circle. */
  async function take(need: Need, deadline: number | null): Promise<'granted' | 'interrupted' | 'late'> {
    const { vm } = need;
    const turn = turns.ask(
      { vm, slots: slotsOf(need.from, need.to, settings.concurrency), urgent: need.urgent },
      { told: (why) => run.emit({ kind: 'notice', vm: vm.name, message: `${vm.name}: waits for a turn: ${why}` }), log: run.log },
    );
    held = { key: keyOf(need), turn };
    const over = new AbortController();
    const interrupted = new Promise<'interrupted'>((resolve) => {
      if (stop.aborted) resolve('interrupted');
      stop.addEventListener('abort', () => resolve('interrupted'), { signal: over.signal });
    });
    const ways: Promise<'granted' | 'interrupted' | 'late'>[] = [turn.granted.then(() => 'granted'), interrupted];
    if (deadline !== null) ways.push(until(deadline, over.signal));
    if (need.record !== null && !need.urgent) void hurryWhenOff(turn, need.record, over.signal);
    try {
      const how = await Promise.race(ways);
      if (how !== 'granted') await end();
      return how;
    } finally {
      over.abort();
    }
  }

  /** Its operator may shut the VM down while its move waits: from then on every minute in the queue would be downtime. */
  async function hurryWhenOff(turn: Turn, record: MigrationRecord, over: AbortSignal): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(desired.incrementEveryMs, 'operator', over);
        if (!isUrgent(record, await read(record), capabilities)) continue;
        await turn.hurry();
        return;
      } catch (error) {
        if (over.aborted) return;
        run.log(`${record.vm.name}: looking whether it still runs failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  async function until(deadline: number, over: AbortSignal): Promise<'late'> {
    try {
      await clock.sleep(Math.max(0, deadline - (await clock.now())), 'operator', over);
    } catch (error) {
      // The waiting is over: nobody listens any more.
      if (!over.aborted) throw error;
    }
    return 'late';
  }

  const read = async ({ vm }: MigrationRecord): Promise<Vm | undefined> =>
    (await session.fresh({ vms: [vm.uuid] }, stop)).vms.find(({ uuid }) => uuid === vm.uuid);

  return {
    async fits({ plan, inventory }) {
      const need = needOf(plan, inventory, desired, capabilities);
      if (need === null) {
        await end();
        return true;
      }
      if (held?.key === keyOf(need)) return true;
      await end();
      const { timeoutMs } = run;
      switch (await take(need, timeoutMs === null ? null : (await clock.now()) + timeoutMs)) {
        case 'granted':
          return false;
        case 'interrupted':
          throw new PlacementError('interrupted', `${plan.vm}: interrupted before anything was done.`, { vm: plan.vm });
        case 'late':
          throw new PlacementError(
            'timeout',
            `${plan.vm}: its turn to move did not come within ${formatDuration(timeoutMs ?? 0)}, the timeout of its resource. Nothing was done.`,
            { vm: plan.vm, next: `${command('status', plan.vm)} says what it waits for; pulumi up asks again` },
          );
      }
    },
    async next(record, deadline) {
      const { vm, from, to } = record;
      await end();
      return (await take({ vm, from, to, urgent: isUrgent(record, await read(record), capabilities), record }, deadline)) === 'granted';
    },
    end,
  };
}

/** null: no byte moves. To adopt, cancel, confirm or write down an end takes no turn. */
function needOf(plan: Plan, inventory: Inventory, desired: Desired, capabilities: Capabilities): Need | null {
  const { action, from, to, record } = plan;
  switch (action) {
    case 'none':
    case 'cancel':
    case 'settle':
    case 'blocked':
    case 'error':
      return null;
    case 'move':
    case 'retarget':
    case 'continue': {
      const located = locate(inventory, record?.vm.uuid ?? desired.vm);
      const vm = located.kind === 'found' ? located.vm : null;
      const who = record?.vm ?? vm;
      if (who === null || from === null || to === null) return null;
      const continued = action === 'continue' ? record : null;
      const { name, uuid } = who;
      return {
        vm: { name, uuid },
        from,
        to,
        urgent: continued !== null && isUrgent(continued, vm ?? undefined, capabilities),
        record: continued,
      };
    }
  }
}

/**
 * The VM is off because of the move, or there is only forward: what would wait now is its user. Or the platform may be moving it by
 * itself (a hot job, a task of its own), and has to be watched.
 */
function isUrgent({ targetStarting, powerBefore, method }: MigrationRecord, vm: Vm | undefined, { increments }: Capabilities): boolean {
  if (targetStarting || method === 'hot' || (method === 'staged' && increments === 'platform')) return true;
  return powerBefore === 'running' && vm !== undefined && isStopped(liveCopy(vm));
}

const keyOf = ({ vm, from, to }: Need): string => JSON.stringify([vm.uuid, from.cluster, from.host, to.cluster, to.host]);
