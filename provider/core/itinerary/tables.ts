/** The itineraries: one table of steps per method. */
import type { Method } from '../record.js';
import { coldSteps } from './cold.js';
import { hotSteps } from './hot.js';
import { stagedSteps } from './staged.js';
import type { Step } from './step.js';

export function stepsOf(method: Method): readonly Step[] {
  switch (method) {
    case 'hot':
      return hotSteps;
    case 'cold':
      return coldSteps;
    case 'staged':
      return stagedSteps;
  }
}
