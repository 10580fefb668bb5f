/** A plan that cannot be carried out, as one error that names every reason. */
import { PlacementError } from '../core/errors.js';
import { blockers, type Finding } from '../core/finding.js';
import { placeText } from '../core/inventory.js';
import type { Plan } from '../core/plan.js';
import { findingText } from './announce.js';

export function refusal(plan: Plan): PlacementError {
  const text = [naming(plan), ...reasons(plan)].join('\n');
  return new PlacementError(plan.action === 'error' ? 'platform' : 'blocked', text, { vm: plan.vm });
}

function naming(plan: Plan): string {
  return plan.sentence.includes(plan.vm) ? plan.sentence : `${plan.vm}: ${plan.sentence}`;
}

/** Of the one place that was asked for; where several could have done, of each of them. */
function reasons(plan: Plan): string[] {
  const own = blockers(plan.findings);
  if (plan.to !== null || plan.candidates.length <= 1) return own.map((finding) => `  ${line(finding)}`);
  return plan.candidates.flatMap(({ place, findings }) => blockers(findings).map((finding) => `  ${placeText(place)}: ${line(finding)}`));
}

const line = (finding: Finding): string => `${finding.code}: ${findingText(finding)}`;
