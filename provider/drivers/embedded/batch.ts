/** Changes that are written together: those of one process that came while the one before was being written. */
import type { World } from './world.js';

export interface Change {
  /** Makes the change; what it returns tells its caller that it was written. */
  readonly make: (world: World) => () => void;
  readonly refuse: (error: unknown) => void;
}

export interface Applied {
  readonly world: World;
  /** Every change was refused: there is nothing to write. */
  readonly isEmpty: boolean;
  /** Tells each caller how it ended, once the world is written. */
  readonly tell: () => void;
}

/** One after another, in their order. Of one that throws nothing is kept: the others are made again, on a world that it did not touch. */
export function applyAll(changes: readonly Change[], fresh: () => World): Applied {
  const refusals = new Map<Change, unknown>();
  for (;;) {
    const world = fresh();
    const ends: (() => void)[] = [];
    const refused = changes
      .filter((change) => !refusals.has(change))
      .find((change) => {
        try {
          ends.push(change.make(world));
          return false;
        } catch (error) {
          refusals.set(change, error);
          return true;
        }
      });
    if (refused !== undefined) continue;
    return {
      world,
      isEmpty: ends.length === 0,
      tell: () => {
        for (const end of ends) end();
        for (const [change, error] of refusals) change.refuse(error);
      },
    };
  }
}
