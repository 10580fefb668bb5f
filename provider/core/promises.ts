import type { Place } from './inventory.js';
import { placeKey } from './lookup.js';

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
  readonly #byPlace = new Map<string, Map<string, Demand>>();

  promise(vm: string, place: Place, memoryBytes: number, poolBytes: Readonly<Record<string, number>>): void {
    this.release(vm);
    const demand = { place, memoryBytes, poolBytes };
    this.#demands.set(vm, demand);
    const there = this.#byPlace.get(placeKey(place)) ?? new Map<string, Demand>();
    this.#byPlace.set(placeKey(place), there.set(vm, demand));
  }

  release(vm: string): void {
    const demand = this.#demands.get(vm);
    if (demand === undefined) return;
    this.#demands.delete(vm);
    this.#byPlace.get(placeKey(demand.place))?.delete(vm);
  }

  of(vm: string): Demand | null {
    return this.#demands.get(vm) ?? null;
  }

  has(vm: string): boolean {
    return this.#demands.has(vm);
  }

  /** What others than this VM were promised on a place, by their UUID. */
  on(place: Place, except: { readonly uuid: string }): readonly (readonly [string, Demand])[] {
    return [...(this.#byPlace.get(placeKey(place)) ?? [])].filter(([vm]) => vm !== except.uuid);
  }
}
