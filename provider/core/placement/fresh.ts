/**
 * Readings that begin after they were asked for. Whoever asks before one begins shares it: hundreds of updates that run side by side
 * would else each read everything. One is under way at a time; those who ask meanwhile get the next one.
 */
import type { Driver, SurveyScope } from '../driver.js';
import type { Inventory } from '../inventory.js';

/** As `survey` of the driver. A caller who aborts gets its signal's reason; the others still get their reading. */
export type FreshReading = (scope: SurveyScope, signal?: AbortSignal) => Promise<Inventory>;

export function freshReadings(driver: Pick<Driver, 'survey'>): FreshReading {
  let last: Promise<unknown> = Promise.resolve();
  let next: Reading | null = null;

  function begin(): Reading {
    const scopes: SurveyScope[] = [];
    const waiting = new Set<object>();
    const nobodyWaits = new AbortController();
    const inventory = last.then(() => {
      next = null; // Who asks from now on comes after its begin.
      nobodyWaits.signal.throwIfAborted();
      return driver.survey(union(scopes), nobodyWaits.signal);
    });
    // One that nobody waits for any more holds nobody up.
    last = orAborted(inventory, nobodyWaits.signal).catch(() => undefined);
    return { scopes, waiting, inventory, nobodyWaits };
  }

  return async (scope, signal) => {
    signal?.throwIfAborted();
    const reading = (next ??= begin());
    const caller = {};
    reading.scopes.push(scope);
    reading.waiting.add(caller);
    try {
      return await orAborted(reading.inventory, signal);
    } finally {
      reading.waiting.delete(caller);
      if (reading.waiting.size === 0) {
        reading.nobodyWaits.abort();
        if (next === reading) next = null;
      }
    }
  };
}

interface Reading {
  readonly scopes: SurveyScope[];
  readonly waiting: Set<object>;
  readonly inventory: Promise<Inventory>;
  readonly nobodyWaits: AbortController;
}

/** Everything, as soon as one needs everything. */
function union(scopes: readonly SurveyScope[]): SurveyScope {
  const vms = new Set<string>();
  for (const scope of scopes) {
    if (scope.vms === undefined) return {};
    for (const vm of scope.vms) vms.add(vm);
  }
  return { vms: [...vms] };
}

/** Its result, or the reason of the signal if that comes first; the work itself goes on. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
