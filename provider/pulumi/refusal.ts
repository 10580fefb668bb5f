/** A plan that cannot be carried out. */
import { PlacementError } from '../core/errors.js';
import type { Plan } from '../core/plan.js';
import { refusalText } from '../core/refusal.js';

export function refusal(plan: Plan): PlacementError {
  return new PlacementError(plan.action === 'error' ? 'platform' : 'blocked', refusalText(plan), { vm: plan.vm });
}
