/**
 * The platform's time. A manual clock is a queue of sleepers: when this process has nothing else to do, the earliest one wakes and
 * time jumps to it, so that simulated copies interleave the same way in every run. Who waits for an operator only follows: time does
 * not move for him, but does not pass him by either.
 */
import type { Clock } from '../../core/clock.js';
import { PlacementError } from '../../core/errors.js';
import { modelNow, type Model } from './model.js';
import type { Store } from './store.js';

const operatorPollMs = 50;

export function modelClock(model: Model): Clock {
  const { store, wall } = model;
  const now = async (): Promise<number> => {
    const world = await store.peek();
    return Math.max(modelNow(world, wall.now()), world.at);
  };

  async function sleep(milliseconds: number, why: 'work' | 'operator' | 'holder', signal?: AbortSignal): Promise<void> {
    refuseAborted(signal);
    const { clock } = await store.peek();
    if (clock.kind === 'wall') return wallSleep(Math.max(1, milliseconds / clock.speed), signal);
    const until = clock.now + Math.max(0, Math.ceil(milliseconds));
    // The holder of a lease looks at the time as often as any operator.
    if (why === 'holder') await wallSleep(2 * operatorPollMs, signal);
    if (why !== 'operator') return sleepersOf(store).until(until, signal);
    return follow(until, signal);
  }

  /** Woken in its order where this process makes the time pass; what others make of it is looked for. */
  async function follow(until: number, signal?: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const leave = sleepersOf(store).follow(until, () => woken.abort());
    const either = signal === undefined ? woken.signal : AbortSignal.any([signal, woken.signal]);
    try {
      while (!woken.signal.aborted && (await now()) < until) {
        try {
          await wall.sleep(operatorPollMs, either);
        } catch (error) {
          refuseAborted(signal);
          if (!woken.signal.aborted) throw error;
        }
      }
    } finally {
      leave();
    }
  }

  async function wallSleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    try {
      await wall.sleep(milliseconds, signal);
    } catch (error) {
      refuseAborted(signal);
      throw error;
    }
  }

  return { now, sleep };
}

export function refuseAborted(signal?: AbortSignal): void {
  if (signal?.aborted === true) throw refusal(signal.reason);
}

/** A lease that was lost says so itself. */
const refusal = (reason: unknown): PlacementError =>
  PlacementError.isInstance(reason) ? reason : new PlacementError('interrupted', 'Stopped as asked, at a safe point.', { cause: reason });

interface Sleeper {
  readonly at: number;
  readonly moves: boolean;
  readonly wake: () => void;
  readonly fail: (error: Error) => void;
}

/** All sleepers of this process on one store. */
class Sleepers {
  private readonly waiting: Sleeper[] = [];
  private scheduled = false;

  constructor(private readonly store: Store) {}

  until(at: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.remove(sleeper);
        reject(refusal(signal?.reason));
      };
      const end = (): void => signal?.removeEventListener('abort', abort);
      const sleeper: Sleeper = {
        at,
        moves: true,
        wake: () => {
          end();
          resolve();
        },
        fail: (error) => {
          end();
          reject(error);
        },
      };
      // Aborted while the time was being read: no event will come any more.
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.add(sleeper);
      this.schedule();
    });
  }

  /** Time does not move for it. Returns how it leaves the queue. */
  follow(at: number, wake: () => void): () => void {
    const sleeper: Sleeper = { at, moves: false, wake, fail: wake };
    this.add(sleeper);
    return () => this.remove(sleeper);
  }

  /** Sleepers of the same time wake in the order in which they came. */
  private add(sleeper: Sleeper): void {
    const after = this.waiting.findIndex((other) => other.at > sleeper.at);
    this.waiting.splice(after < 0 ? this.waiting.length : after, 0, sleeper);
  }

  private remove(sleeper: Sleeper): void {
    const index = this.waiting.indexOf(sleeper);
    if (index >= 0) this.waiting.splice(index, 1);
  }

  private schedule(): void {
    if (this.scheduled || !this.waiting.some(({ moves }) => moves)) return;
    this.scheduled = true;
    // Twice round the event loop: what was just woken may have more to do now.
    setImmediate(() => setImmediate(() => void this.turn()));
  }

  private async turn(): Promise<void> {
    if (this.store.busy > 0) {
      // Somebody of this process reads or writes: what it then does may come before the next sleeper.
      setTimeout(() => void this.turn(), 1);
      return;
    }
    // Whoever makes time move may have left meanwhile.
    const first = this.waiting.some(({ moves }) => moves) ? this.waiting.shift() : undefined;
    if (first !== undefined) {
      try {
        await this.store.update((world) => {
          if (world.clock.kind === 'manual') world.clock.now = Math.max(world.clock.now, first.at);
        });
        first.wake();
      } catch (error) {
        first.fail(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.scheduled = false;
    this.schedule();
  }
}

const queues = new Map<string, Sleepers>();

function sleepersOf(store: Store): Sleepers {
  const found = queues.get(store.key) ?? new Sleepers(store);
  queues.set(store.key, found);
  return found;
}
