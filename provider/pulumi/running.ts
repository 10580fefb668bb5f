/** The handlers that are at work, so that they can be told to stop. */
import { PlacementError } from '../core/errors.js';

/** `interrupt`: stop at the next safe point. `halt`: nobody waits any more, stop before the next effect. */
export interface Stop {
  readonly interrupt: AbortSignal;
  readonly halt: AbortSignal;
}

/** Tells one handler. */
export class Stopper {
  readonly #interrupt = new AbortController();
  readonly #halt = new AbortController();
  readonly stop: Stop = { interrupt: this.#interrupt.signal, halt: this.#halt.signal };

  interrupt(why: string): void {
    this.#interrupt.abort(new PlacementError('interrupted', why));
  }

  /** First the harder one: what listens to both is to see that it may not even park. */
  halt(why: string): void {
    this.#halt.abort(new PlacementError('interrupted', why));
    this.interrupt(why);
  }
}

/** Whoever begins later is not touched: the engine says "cancel" also at the end of every command, to nobody. */
export class Running {
  readonly #stoppers = new Set<Stopper>();
  #idle: (() => void)[] = [];

  get busy(): boolean {
    return this.#stoppers.size > 0;
  }

  /** Runs a handler with signals of its own. */
  async run<T>(handler: (stop: Stop) => Promise<T>, started: (stopper: Stopper) => void): Promise<T> {
    const stopper = new Stopper();
    this.#stoppers.add(stopper);
    started(stopper);
    try {
      return await handler(stopper.stop);
    } finally {
      this.#stoppers.delete(stopper);
      if (this.#stoppers.size === 0) {
        for (const resolve of this.#idle) resolve();
        this.#idle = [];
      }
    }
  }

  interrupt(why: string): void {
    for (const stopper of this.#stoppers) stopper.interrupt(why);
  }

  halt(why: string): void {
    for (const stopper of this.#stoppers) stopper.halt(why);
  }

  /** Resolves when nothing is at work any more. */
  whenIdle(): Promise<void> {
    return this.busy ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }
}
