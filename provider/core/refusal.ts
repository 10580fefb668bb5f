/** Why a plan is refused, with every reason on a line of its own. */
import { blockers, type Finding } from './finding.js';
import { placeText } from './inventory.js';
import type { Plan } from './plan.js';

/** A paragraph that names the VM and the place, then a list; of several candidates each one's reasons. */
export function refusalText(plan: Plan): string {
  const { vm, to, candidates } = plan;
  const reasons =
    to === null && candidates.length > 1
      ? candidates.flatMap(({ place, findings }) => blockers(findings).map((finding) => `${placeText(place)}: ${reason(finding)}`))
      : blockers(plan.findings).map(reason);
  if (reasons.length === 0) return plan.sentence;
  const where = to !== null ? ` on ${placeText(to)}` : candidates.length > 1 ? ' on any host that is declared' : ' as declared';
  return [`VM ${vm} cannot be placed${where}:`, ...reasons.map((text) => `- ${text}`)].join('\n');
}

const reason = ({ message, suggestion }: Finding): string =>
  suggestion === '' ? message : `${message}${/[.!?]$/.test(message) ? '' : '.'} ${suggestion}`;
