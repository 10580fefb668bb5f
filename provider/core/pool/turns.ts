/**
 * The tickets of one process: asks for turns, renews what it holds, gives turns back. However many of its moves wait, one exchange
 * with the pool serves them all, and one at a time is under way.
 */
import type { Driver } from '../driver.js';
import { PlacementError } from '../errors.js';
import { explain, settle, type Obstacle } from './policy.js';
import { renewed, type OwnTicket } from './renew.js';
import type { Ticket } from './ticket.js';
import { waitText } from './words.js';

export interface TurnsParts {
  readonly driver: Pick<Driver, 'pool' | 'clock'>;
  readonly holder: string;
  readonly times: { readonly leaseRenewMs: number; readonly leaseExpireMs: number };
}

export type TurnRequest = Pick<Ticket, 'vm' | 'slots' | 'urgent'>;

export interface Listener {
  /** What it waits for: at first, and when nothing of that holds any more. */
  readonly told: (why: string) => void;
  readonly log: (message: string) => void;
}

export interface Turn {
  /** Rejects when the pool cannot be reached. */
  readonly granted: Promise<void>;
  /** It must not wait any longer, whatever the limits. */
  hurry(): Promise<void>;
  /** Gives it back, or leaves the queue. One that cannot be given back expires by itself. */
  end(): Promise<void>;
}

/**
 * How soon a turn is noticed that another process gave back (one's own are noticed at once): soon at first, then within a small share of
 * the time that was waited anyhow.
 */
const pollAfter = (waitedMs: number): number => Math.min(5000, Math.max(1000, waitedMs / 20));

export class Turns {
  readonly #mine = new Map<string, Mine>();
  /** VMs whose ticket is to be taken out of the pool. */
  #left = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;
  #keeping = false;
  #pace = 1;
  /** How long nobody of ours got a turn, ms. */
  #waitedMs = 0;
  /** Other processes have tickets: only they can free a turn without our knowing. */
  #hasOthers = false;
  /** Ends the rest between two exchanges. */
  #rest: { readonly polls: boolean; readonly end: () => void } | null = null;

  constructor(private readonly parts: TurnsParts) {}

  ask(request: TurnRequest, listener: Listener): Turn {
    const { vm } = request;
    if (this.#mine.has(vm.uuid)) throw new PlacementError('internal', `${vm.name}: asked twice for a turn`, { vm: vm.name });
    const mine = new Mine(request, listener);
    this.#mine.set(vm.uuid, mine);
    this.#left.delete(vm.uuid);
    void this.#enter(mine);
    return {
      granted: mine.granted,
      hurry: async () => {
        mine.urgent = true;
        await this.#sync();
      },
      end: () => this.#end(mine),
    };
  }

  async #enter(mine: Mine): Promise<void> {
    try {
      await this.#sync();
    } catch (error) {
      mine.refuse(error);
      return;
    }
    if (this.#keeping) return;
    this.#keeping = true;
    void this.#keep();
  }

  async #end(mine: Mine): Promise<void> {
    const { vm } = mine.request;
    if (this.#mine.get(vm.uuid) !== mine) return;
    this.#mine.delete(vm.uuid);
    this.#left.add(vm.uuid);
    this.#wake();
    try {
      await this.#sync();
    } catch (error) {
      mine.listener.log(`${vm.name}: giving its turn back failed, it expires by itself: ${textOf(error)}`);
    }
  }

  /** Exchanges as long as there is a ticket: often while one waits for other processes, else as often as a lease is renewed. */
  async #keep(): Promise<void> {
    const { driver, times } = this.parts;
    let failingMs = 0;
    while (this.#mine.size > 0) {
      const polls = this.#polls();
      if (!polls) this.#waitedMs = 0;
      const restMs = polls ? pollAfter(this.#waitedMs) : times.leaseRenewMs;
      const over = new AbortController();
      this.#rest = { polls, end: () => over.abort() };
      try {
        // Only this makes time pass by itself: the turn of a dead process is free when its ticket has expired.
        await driver.clock.sleep(restMs * this.#pace, polls ? 'holder' : 'operator', over.signal);
      } catch (error) {
        if (over.signal.aborted) continue;
        this.#refuse(error);
        break;
      }
      this.#waitedMs += restMs;
      try {
        await this.#sync();
        failingMs = 0;
      } catch (error) {
        failingMs += restMs;
        for (const { listener, request } of this.#mine.values())
          listener.log(`${request.vm.name}: renewing its turn failed: ${textOf(error)}`);
        // By now our tickets have expired.
        if (failingMs >= times.leaseExpireMs) this.#refuse(error);
      }
    }
    this.#keeping = false;
  }

  /** One exchange at a time; whoever comes while one is under way shares the one after it. */
  #sync(): Promise<void> {
    if (this.#next === null) {
      const next = this.#last.then(() => {
        this.#next = null;
        return this.#exchange();
      });
      this.#next = next;
      this.#last = next.catch(() => undefined);
    }
    return this.#next;
  }

  async #exchange(): Promise<void> {
    const ours = [...this.#mine.values()];
    const left = this.#left;
    this.#left = new Set();
    let tickets: readonly Ticket[];
    try {
      tickets = await this.parts.driver.pool((found, time) => {
        const settled = settle(renewed(found, { ours, left, ...this.parts }, time.nowMs), time.nowMs);
        this.#pace = time.pace;
        return { tickets: settled, result: settled };
      });
    } catch (error) {
      for (const uuid of left) this.#left.add(uuid);
      throw error;
    }
    this.#hasOthers = tickets.length > ours.length;
    const obstacles = explain(tickets);
    for (const mine of ours) {
      const ticket = tickets.find(({ vm, holder }) => holder === this.parts.holder && vm.uuid === mine.request.vm.uuid);
      if (ticket === undefined) continue;
      if (ticket.state === 'moving') {
        if (!mine.isGranted) this.#waitedMs = 0;
        mine.grant();
      } else {
        mine.tell(obstacles(ticket));
      }
    }
    this.#wake();
  }

  #polls(): boolean {
    return this.#hasOthers && [...this.#mine.values()].some(({ isGranted }) => !isGranted);
  }

  /** Ends the rest where it is of the wrong length by now. */
  #wake(): void {
    if (this.#rest !== null && (this.#mine.size === 0 || this.#rest.polls !== this.#polls())) this.#rest.end();
  }

  #refuse(error: unknown): void {
    for (const mine of this.#mine.values()) if (!mine.isGranted) mine.refuse(error);
  }
}

/** A ticket of this process, as the process sees it. */
class Mine implements OwnTicket {
  urgent: boolean;
  isGranted = false;
  readonly granted: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #said: readonly string[] = [];

  constructor(
    readonly request: TurnRequest,
    readonly listener: Listener,
  ) {
    this.urgent = request.urgent;
    this.granted = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who left the queue does not ask any more.
    this.granted.catch(() => undefined);
  }

  grant(): void {
    this.isGranted = true;
    this.#resolve();
  }

  refuse(error: unknown): void {
    this.#reject(error);
  }

  /** Names and numbers come and go, and so does one of several things: said again is only what is all different. */
  tell(obstacles: readonly Obstacle[]): void {
    const now = obstacles.map(({ slot }) => `${slot.kind} ${slot.name}`);
    if (now.some((one) => this.#said.includes(one))) return;
    this.#said = now;
    this.listener.told(waitText(obstacles));
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
