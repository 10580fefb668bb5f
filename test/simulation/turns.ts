/**
 * Processes that take turns on one store, in an order that a seed decides: every access to the store is a turn, time passes only when
 * nobody can go on. A process can be killed, stopped for a while, interrupted, or lose its parent at any turn. The same seed plays the
 * same history.
 */
import { setImmediate as settled } from 'node:timers/promises';
import { PlacementError } from '../../provider/core/errors.js';
import type { Store } from '../../provider/drivers/embedded/store.js';
import type { Wall } from '../../provider/drivers/embedded/index.js';
import type { Random } from './random.js';

/** What happens to a process at its n-th turn. */
export interface Fate {
  readonly what: 'killed' | 'interrupted' | 'orphaned' | 'stopped';
  readonly turn: number;
  /** `stopped`: for so long, in wall milliseconds. */
  readonly milliseconds: number;
}

export class Process {
  readonly interrupt = new AbortController();
  /** Its parent died. */
  readonly halt = new AbortController();
  turns = 0;
  alive = true;
  stoppedUntil: number | null = null;
  /** Its last change was asked for after its parent had died: what was on its way before cannot be taken back. */
  late = false;
  /** Number of the turn, over all processes, at which it last read. */
  readAt = 0;

  constructor(
    readonly name: string,
    readonly fate: Fate | null,
  ) {}
}

interface Gate {
  readonly process: Process;
  readonly go: () => void;
}

interface Timer {
  readonly process: Process;
  readonly at: number;
  readonly go: () => void;
}

export class Turns {
  /** Wall time. */
  now = Date.parse('2026-05-01T10:00:00Z');
  /** Turns taken by all. */
  count = 0;
  private gates: Gate[] = [];
  private timers: Timer[] = [];
  private readonly working = new Set<Process>();

  constructor(private readonly random: Random) {}

  /** The store as this process reaches it. */
  storeOf(store: Store, process: Process): Store {
    return {
      key: `${store.key} ${process.name}`,
      busy: 0,
      read: async (asItIs) => {
        await this.turn(process);
        return store.read(asItIs);
      },
      peek: async () => {
        await this.turn(process);
        return store.peek();
      },
      update: async (change) => {
        const late = process.halt.signal.aborted;
        await this.turn(process);
        process.late = late;
        return store.update(change);
      },
      replace: (world) => store.replace(world),
      hold: (milliseconds) => store.hold(milliseconds),
    };
  }

  wallOf(process: Process): Wall {
    return { now: () => this.now, sleep: (milliseconds, signal) => this.sleep(process, milliseconds, signal) };
  }

  /** Begins work in a process; it goes on as turns are given. What came of it, or nothing when the process was killed. */
  start<T>(process: Process, work: () => Promise<T>, ended: (result: PromiseSettledResult<T>) => void): void {
    this.working.add(process);
    const end = (result: PromiseSettledResult<T>): void => {
      this.drop(process);
      ended(result);
    };
    this.turn(process)
      .then(work)
      .then(
        (value) => end({ status: 'fulfilled', value }),
        (reason: unknown) => end({ status: 'rejected', reason }),
      );
  }

  get idle(): boolean {
    return this.working.size === 0;
  }

  /** Gives one turn, or lets time pass up to the next thing that waits for it, at most until `until`. False: nothing is left to do. */
  async step(until: number): Promise<boolean> {
    await settled();
    this.wake();
    const ready = this.gates.filter(({ process }) => process.stoppedUntil === null);
    const gate = ready[ready.length === 1 ? 0 : this.random(ready.length)];
    if (gate !== undefined) {
      this.gates.splice(this.gates.indexOf(gate), 1);
      this.give(gate);
      return true;
    }
    const next = Math.min(...this.timers.map((timer) => Math.max(timer.at, timer.process.stoppedUntil ?? 0)), ...this.stops());
    if (next === Infinity && until === Infinity) return false;
    if (next > until) {
      const waits = this.now < until;
      this.now = Math.max(this.now, until);
      return waits;
    }
    this.now = Math.max(this.now, next);
    this.wake();
    return true;
  }

  private give({ process, go }: Gate): void {
    process.turns += 1;
    const { fate } = process;
    if (fate?.turn === process.turns) {
      switch (fate.what) {
        case 'killed':
          return this.kill(process);
        case 'interrupted':
          process.interrupt.abort(new PlacementError('interrupted', 'The update was cancelled.'));
          break;
        case 'orphaned':
          process.interrupt.abort(new PlacementError('interrupted', 'The engine is gone.'));
          process.halt.abort(new PlacementError('interrupted', 'The engine is gone.'));
          break;
        case 'stopped':
          process.stoppedUntil = this.now + fate.milliseconds;
          this.gates.push({ process, go });
          return;
      }
    }
    this.count += 1;
    go();
  }

  private kill(process: Process): void {
    process.alive = false;
    this.drop(process);
  }

  private drop(process: Process): void {
    this.working.delete(process);
    this.gates = this.gates.filter((gate) => gate.process !== process);
    this.timers = this.timers.filter((timer) => timer.process !== process);
  }

  private turn(process: Process): Promise<void> {
    return new Promise((go) => {
      if (process.alive) this.gates.push({ process, go });
    });
  }

  private sleep(process: Process, milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!process.alive) return;
      const remove = (): void => {
        signal?.removeEventListener('abort', abort);
        this.timers = this.timers.filter((other) => other !== timer);
      };
      const abort = (): void => {
        remove();
        reject(signal?.reason as Error);
      };
      const timer: Timer = { process, at: this.now + milliseconds, go: () => (remove(), resolve()) };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.timers.push(timer);
    });
  }

  /** Whoever was stopped long enough goes on; whoever slept long enough wakes. */
  private wake(): void {
    for (const process of this.working) if (process.stoppedUntil !== null && process.stoppedUntil <= this.now) process.stoppedUntil = null;
    for (const timer of this.timers.filter(({ at, process }) => at <= this.now && process.stoppedUntil === null)) timer.go();
  }

  private stops(): number[] {
    return [...this.working].flatMap(({ stoppedUntil }) => (stoppedUntil === null ? [] : [stoppedUntil]));
  }
}
