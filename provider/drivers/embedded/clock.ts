/**
 * The platform's time. A manual clock is a queue of sleepers: when this process has nothing else to do, the earliest one wakes and
 * time jumps to it, so that simulated copies interleave the same way in every run.
 */
import type { Clock } from '../../core/clock.js';
import { PlacementError } from '../../core/errors.js';
import { modelNow, type Model } from './model.js';
import type { Store } from './store.js';

const operatorPollMs = 50;

export function modelClock(model: Model): Clock {
  const { store, wall } = model;
  const now = async (): Promise<number> => {
    const world = await store.read();
    return Math.max(modelNow(world, wall.now()), world.at);
  };

  async function sleep(milliseconds: number, why: 'work' | 'operator' | 'holder', signal?: AbortSignal): Promise<void> {
    refuseAborted(signal);
    const { clock } = await store.read();
    if (clock.kind === 'wall') return wallSleep(Math.max(1, milliseconds / clock.speed), signal);
    const until = clock.now + Math.max(0, Math.ceil(milliseconds));
    // The holder of a lease looks at the time as often as any operator.
    if (why === 'holder') await wallSleep(2 * operatorPollMs, signal);
    if (why !== 'operator') return sleepersOf(store).until(until, signal);
    while ((await now()) < until) await wallSleep(operatorPollMs, signal);
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
        const index = this.waiting.indexOf(sleeper);
        if (index >= 0) this.waiting.splice(index, 1);
        reject(refusal(signal?.reason));
      };
      const end = (): void => signal?.removeEventListener('abort', abort);
      const sleeper: Sleeper = {
        at,
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
      // Sleepers of the same time wake in the order in which they came.
      const after = this.waiting.findIndex((other) => other.at > at);
      this.waiting.splice(after < 0 ? this.waiting.length : after, 0, sleeper);
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.length === 0) return;
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
    const first = this.waiting.shift();
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
