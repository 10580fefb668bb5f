/** A plan as the report has it. */
import { placeText } from '../core/inventory.js';
import type { Plan } from '../core/plan.js';
import type { Outlook, PlanCounts, PlanEntry } from './types.js';

export interface Named {
  readonly name: string;
  readonly unknownInputs: readonly string[];
  readonly hints: readonly string[];
}

export function planEntry(plan: Plan, { name, unknownInputs, hints }: Named): PlanEntry {
  return {
    name,
    vm: plan.vm,
    action: plan.action,
    outlook: outlookOf(plan),
    method: plan.method,
    from: plan.from === null ? null : placeText(plan.from),
    to: plan.to === null ? null : placeText(plan.to),
    summary: plan.summary,
    sentence: plan.sentence,
    reasons: plan.reasons,
    willStopVm: plan.willStopVm,
    phase: plan.record?.phase ?? null,
    estimate: plan.estimate,
    steps: plan.steps,
    findings: plan.findings,
    candidates: plan.candidates.map((candidate) => ({
      place: placeText(candidate.place),
      method: candidate.method,
      findings: candidate.findings,
      freeMemoryAfterBytes: candidate.freeMemoryAfterBytes,
    })),
    problems: [],
    unknownInputs,
    hints,
  };
}

/** A placement whose plan cannot be made: the declaration is wrong, or depends on what only the engine computes. */
export function undecidedEntry(
  action: 'invalid' | 'unknown',
  named: Named & { readonly vm: string; readonly sentence: string; readonly problems: PlanEntry['problems'] },
): PlanEntry {
  return {
    name: named.name,
    vm: named.vm,
    action,
    outlook: 'refused',
    method: null,
    from: null,
    to: null,
    summary: '',
    sentence: named.sentence,
    reasons: [],
    willStopVm: false,
    phase: null,
    estimate: null,
    steps: [],
    findings: [],
    candidates: [],
    problems: named.problems,
    unknownInputs: named.unknownInputs,
    hints: named.hints,
  };
}

/** A move under way is pending while an `up` only carries it further; one that an `up` ends (the VM may be stopped) is a change. */
export function outlookOf(plan: Plan): Outlook {
  switch (plan.action) {
    case 'none':
      return plan.record === null ? 'unchanged' : 'pending';
    case 'continue':
      return plan.willStopVm ? 'change' : 'pending';
    case 'settle':
      return 'pending';
    case 'move':
    case 'cancel':
    case 'retarget':
      return 'change';
    case 'blocked':
    case 'error':
      return 'refused';
  }
}

export function countOutlooks(entries: readonly PlanEntry[]): PlanCounts {
  const of = (outlook: Outlook): number => entries.filter((entry) => entry.outlook === outlook).length;
  return { unchanged: of('unchanged'), change: of('change'), pending: of('pending'), refused: of('refused'), total: entries.length };
}
