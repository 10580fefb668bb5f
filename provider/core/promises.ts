import { samePlace, type Place } from './inventory.js';

export interface Demand {
  readonly place: Place;
  readonly memoryBytes: number;
  /** Bytes that will be written, by pool of the target. */
  readonly poolBytes: Readonly<Record<string, number>>;
}

/**
 * Room on target hosts that plans of this process already count on (rules.md §4), so that two previewed moves do not both
 * take the last free memory. Keyed by the VM's UUID; a VM has one promise at most. `decide` only reads it.
 */
export class Promises {
  readonly #demands = new Map<string, Demand>();

  promise(vm: string, place: Place, memoryBytes: number, poolBytes: Readonly<Record<string, number>>): void {
    this.#demands.set(vm, { place, memoryBytes, poolBytes });
  }

  release(vm: string): void {
    this.#demands.delete(vm);
  }

  of(vm: string): Demand | null {
    return this.#demands.get(vm) ?? null;
  }

  has(vm: string): boolean {
    return this.#demands.has(vm);
  }

  /** What others than this VM were promised on a place, by their UUID. */
  on(place: Place, except: { readonly uuid: string }): readonly (readonly [string, Demand])[] {
    return [...this.#demands].filter(([vm, demand]) => vm !== except.uuid && samePlace(demand.place, place));
  }
}
