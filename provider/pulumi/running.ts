/** The handlers that are at work, so that they can be told to stop. */
import { PlacementError } from '../core/errors.js';

export class Running {
  readonly #controllers = new Set<AbortController>();
  #idle: (() => void)[] = [];

  get busy(): boolean {
    return this.#controllers.size > 0;
  }

  /** Runs a handler with a signal of its own. */
  async run<T>(handler: (signal: AbortSignal) => Promise<T>, started: (controller: AbortController) => void): Promise<T> {
    const controller = new AbortController();
    this.#controllers.add(controller);
    started(controller);
    try {
      return await handler(controller.signal);
    } finally {
      this.#controllers.delete(controller);
      if (this.#controllers.size === 0) {
        for (const resolve of this.#idle) resolve();
        this.#idle = [];
      }
    }
  }

  /** Whoever begins later is not touched: the engine says "cancel" also at the end of every command, to nobody. */
  abort(why: string): void {
    for (const controller of this.#controllers) controller.abort(new PlacementError('interrupted', why));
  }

  /** Resolves when nothing is at work any more. */
  whenIdle(): Promise<void> {
    return this.busy ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }
}
