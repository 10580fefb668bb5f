/** The decision for one placement: what an `up` would do, and why (rules.md §2 to §4). Pure: the same reading gives the same plan. */
import { isBlocked, options, whyThisHost, type DecideContext, type Option, type Subject } from './candidates.js';
import { continuation } from './continuation.js';
import { isAllowed } from './declaration.js';
import type { Desired } from './desired.js';
import { blockers, type Finding } from './finding.js';
import { keptCopies, placeText, type Inventory, type Place } from './inventory.js';
import { locate, runningCopies, unreadText } from './locate.js';
import type { Plan } from './plan.js';
import { blockedSummary, moveSentence, moveSummary } from './plan-text.js';
import { hostNotInCluster } from './rules/host-not-in-cluster.js';
import { moveCancelled } from './rules/move-cancelled.js';
import { sourceKept } from './rules/source-kept.js';
import { vmMissing } from './rules/vm-missing.js';
import { vmTwoCopies } from './rules/vm-two-copies.js';
import { stepNames } from './steps.js';

export { declarationKey } from './declaration.js';
export { Promises } from './promises.js';
export type { DecideContext } from './candidates.js';

export function decide(desired: Desired, inventory: Inventory, ctx: DecideContext): Plan {
  const located = locate(inventory, desired.vm);
  switch (located.kind) {
    case 'missing':
    case 'ambiguous':
      return blocked(nothing(desired.vm), vmMissing({ desired, inventory }));
    case 'unread': {
      const text = `VM ${desired.vm} was not found, and it may be on a host that could not be read: ${unreadText(located.hosts)}. Nothing is done.`;
      return { ...nothing(desired.vm), action: 'error', reasons: ['unreadable-host'], summary: 'error: unreadable-host', sentence: text };
    }
    case 'found':
      return decideFor({ desired, inventory, ctx, vm: located.vm, live: located.live });
  }
}

function decideFor(subject: Subject): Plan {
  const { desired, vm, live } = subject;
  const empty: Plan = { ...nothing(vm.name), from: here(subject), record: vm.record };
  if (vm.recordProblem !== undefined) {
    const text = `The migration record of VM ${vm.name} cannot be read: ${vm.recordProblem}. Nothing is done.`;
    return { ...empty, action: 'error', reasons: ['unreadable-record'], summary: 'error: unreadable-record', sentence: text };
  }
  const doubled = vmTwoCopies({ vm, inventory: subject.inventory });
  if (doubled.length > 0) {
    // Nothing needs to move where every running copy is allowed, but the finding is shown.
    const settled = vm.record === null && [live, ...runningCopies(vm)].every((copy) => isAllowed(desired, copy.ref));
    return settled ? { ...empty, findings: doubled, sentence: doubled[0]?.message ?? '' } : blocked(empty, doubled);
  }
  if (vm.record !== null) return continuation({ ...subject, record: vm.record }, start, empty);
  if (isAllowed(desired, live.ref)) return empty;
  // A kept source whose record is gone (its resource was deleted) still awaits confirmation.
  if (keptCopies(vm).length > 0) return blocked(empty, sourceKept({ vm }));
  const cancelled = moveCancelled({ vm, desired });
  if (cancelled.length > 0) {
    const [first] = cancelled;
    return { ...empty, findings: cancelled, reasons: ['cancelled'], sentence: `${first?.message ?? ''}. ${first?.suggestion ?? ''}` };
  }
  return start(subject);
}

/** Starting a move: no record (any more), and the VM is not where it may be. */
function start(subject: Subject): Plan {
  const { desired, inventory, vm, live } = subject;
  const empty: Plan = { ...nothing(vm.name), from: here(subject) };
  const ranked = options(subject);
  const candidates = ranked.map(({ reasons: _reasons, whyStops: _why, questions: _questions, ...candidate }) => candidate);
  const [chosen] = ranked;
  if (chosen === undefined) {
    const unknownCluster = hostNotInCluster({ desired, inventory, to: { cluster: desired.cluster ?? '', host: '' } });
    return blocked(empty, unknownCluster);
  }
  // As long as no host takes it hot, each one that may is worth asking about.
  const questions = (isHot(chosen) ? [chosen] : ranked).flatMap((one) => one.questions);
  if (isBlocked(chosen) || chosen.method === null) return blocked({ ...empty, candidates, questions }, all(ranked), ranked);
  const why = whyThisHost(subject, ranked);
  const willStopVm = chosen.whyStops !== null;
  const move = { method: chosen.method, from: here(subject), to: chosen.place };
  return {
    ...empty,
    ...move,
    action: 'move',
    candidates,
    questions,
    findings: chosen.findings,
    reasons: [...chosen.reasons, ...(why === null ? [] : [why])],
    willStopVm,
    estimate: chosen.estimate,
    steps: stepNames(chosen.method, live.power === 'running'),
    // Why this host of several was taken may change with other hosts; what is promised may not.
    summary: moveSummary(move, chosen.reasons, { willStopVm, goFrom: desired.goFrom }),
    sentence: moveSentence({
      vm,
      live,
      ...move,
      reasons: chosen.reasons,
      whyHost: why,
      estimate: chosen.estimate,
      desired,
      whyStops: chosen.whyStops,
    }),
  };
}

const isHot = (option: Option): boolean => option.method === 'hot' && !isBlocked(option);

/** Where the VM is, without what names the copy. */
const here = ({ live }: Subject): Place => ({ cluster: live.ref.cluster, host: live.ref.host });

const nothing = (vm: string): Plan => ({
  vm,
  action: 'none',
  method: null,
  from: null,
  to: null,
  candidates: [],
  findings: [],
  reasons: [],
  willStopVm: false,
  estimate: null,
  steps: [],
  summary: '',
  sentence: '',
  record: null,
  questions: [],
});

function blocked(plan: Plan, findings: readonly Finding[], ranked: readonly Option[] = []): Plan {
  const [only] = ranked;
  const what =
    ranked.length > 1
      ? `VM ${plan.vm} cannot move to any of ${ranked.map((one) => placeText(one.place)).join(', ')}`
      : `VM ${plan.vm} cannot move${only === undefined ? '' : ` to ${placeText(only.place)}`}`;
  const reasons =
    ranked.length > 1 ? ranked.map((one) => `${placeText(one.place)}: ${messages(one.findings)}`).join(' | ') : messages(findings);
  // By name: which host came first is no part of what is promised.
  const codes = [...new Set(blockers(findings).map(({ code }) => code))].sort();
  return {
    ...plan,
    action: 'blocked',
    to: ranked.length === 1 ? (only?.place ?? null) : null,
    findings,
    reasons: codes,
    summary: blockedSummary(codes),
    sentence: `${what}: ${reasons}`,
  };
}

const messages = (findings: readonly Finding[]): string =>
  blockers(findings)
    .map(({ message, suggestion }) => (suggestion === '' ? message : `${message} (${suggestion})`))
    .join('; ');

/** What was found on all candidates, each finding once. */
function all(ranked: readonly Option[]): readonly Finding[] {
  const seen = new Map(ranked.flatMap((one) => one.findings).map((finding) => [JSON.stringify(finding), finding]));
  return [...seen.values()];
}
