/** The machine that runs this keeps the time; hosts tell theirs with what they are read. */
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../../core/clock.js';
import { PlacementError } from '../../core/errors.js';

export const clock: Clock = {
  now: async () => Date.now(),
  sleep: async (milliseconds, _why, signal) => {
    try {
      await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      const reason: unknown = signal?.reason;
      throw PlacementError.isInstance(reason) ? reason : new PlacementError('interrupted', 'Stopped as asked, at a safe point.', { cause });
    }
  },
};
