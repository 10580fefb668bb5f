/** The handlers that are at work, so that they can be told to stop. */
import { PlacementError } from '../core/errors.js';

/** `interrupt`: stop at the next safe point. `halt`: nobody waits any more, stop before the next effect. */
export interface Stop {
  readonly interrupt: AbortSignal;
  readonly halt: AbortSignal;
}

class LateSignal {
  #controller: AbortController | null = null;
  #reason: PlacementError | null = null;

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: PlacementError): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}

/** Tells one handler. Its signals are made when somebody looks at them: one costs as much as a whole Check, which needs none. */
export class Stopper {
  readonly #interrupt = new LateSignal();
  readonly #halt = new LateSignal();
  #nobodyWaits: (reason: PlacementError) => void = () => undefined;

  get stop(): Stop {
    return { interrupt: this.#interrupt.signal, halt: this.#halt.signal };
  }

  /** The work's end, or the interrupt where that comes first. For one work of a handler that only reads. */
  orInterrupted<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#nobodyWaits = reject;
      work.then(resolve, reject);
    });
  }

  interrupt(why: string): void {
    const reason = new PlacementError('interrupted', why);
    this.#interrupt.abort(reason);
    this.#nobodyWaits(reason);
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

  /** Runs a handler with a stopper of its own. */
  async run<T>(handler: (stopper: Stopper) => Promise<T>, started: (stopper: Stopper) => void): Promise<T> {
    const stopper = new Stopper();
    this.#stoppers.add(stopper);
    started(stopper);
    try {
      return await handler(stopper);
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
