import { embeddedDriver, openModel, openOutside, type Model, type Outside, type Wall } from '../../../provider/drivers/embedded/index.js';
import type { Driver } from '../../../provider/core/driver.js';
import type { EmbeddedDatacenter } from '../../../schema/generated/types.js';
import { resolveEmbedded } from '../../../schema/embedded.js';

export interface Sim {
  readonly model: Model;
  readonly driver: Driver;
  readonly outside: Outside;
}

/** A datacenter in memory, with a manual clock unless declared otherwise. */
export function sim(declared: Partial<EmbeddedDatacenter> & Pick<EmbeddedDatacenter, 'clusters'>, wall: Wall = stoppedWall()): Sim {
  const model = openModel(resolveEmbedded({ clock: 'manual', ...declared }), 'memory', wall);
  return { model, driver: embeddedDriver(model), outside: openOutside(model) };
}

/** Wall time that moves only when the test says so. */
export function stoppedWall(start = Date.UTC(2026, 0, 1)): Wall & { advance(milliseconds: number): void } {
  let now = start;
  return {
    now: () => now,
    sleep: async (milliseconds, signal) => {
      // Others get their turn: whoever polls must not keep the process for himself.
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      now += milliseconds;
    },
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
}
