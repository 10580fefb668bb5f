/** What a preview says about one placement. Once a command: not from Check or Diff, which an `up` asks twice. */
import type { Finding } from '../core/finding.js';
import type { Plan } from '../core/plan.js';
import { acts } from './check.js';
import type { EngineLog } from './log.js';
import { naming, sentences } from './text.js';

export function announce(log: EngineLog, urn: string, plan: Plan): void {
  const moves = acts(plan);
  if (moves) log.say('info', urn, naming(plan.vm, plan.sentence));
  for (const finding of plan.findings) {
    // A blocker of a plan that is not refused (a VM that runs twice, on hosts that are both allowed) must be seen as well.
    if (finding.severity !== 'notice') log.say('warning', urn, naming(plan.vm, findingText(finding)));
    if (finding.severity === 'notice' && moves) log.say('info', urn, naming(plan.vm, findingText(finding)));
  }
}

const findingText = ({ message, suggestion }: Finding): string => sentences(message, suggestion);
