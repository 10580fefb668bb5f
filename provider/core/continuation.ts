/** A move is recorded: go on, undo it, change it, or end it (rules.md §2). Method, target and power before come from the record. */
import { findingsOf, ruleInput, type Subject } from './candidates.js';
import type { Capabilities } from './driver.js';
import { annotationAfterRetarget, effectiveGo } from './go.js';
import { aheadMs } from './host-clock.js';
import { isAllowed, wants } from './declaration.js';
import { blockers, type Finding, type FindingCode } from './finding.js';
import { isKnown, placeText, samePlace, type Copy, type Place, type Vm } from './inventory.js';
import { hasRunFor, hostOf } from './locate.js';
import type { Plan } from './plan.js';
import { isStartedByCancel } from './power-after-cancel.js';
import { blockedSummary, cancelSummary, continueSummary, retargetSummary, routeText, settleSummary } from './plan-text.js';
import type { Claim, MigrationRecord } from './record.js';
import { shownGo } from './shutdown-annotation.js';
import { sourceKept } from './rules/source-kept.js';
import { vmOwnedElsewhere } from './rules/vm-owned-elsewhere.js';
import { spentAfter } from './spent.js';
import { stepNames } from './steps.js';

export interface Continued extends Subject {
  readonly record: MigrationRecord;
}

/** `start` decides a new move of the VM, as if none were recorded. `empty` is the plan that does nothing. */
export function continuation(subject: Continued, start: (subject: Subject) => Plan, empty: Plan): Plan {
  const { desired, vm, live, record, ctx } = subject;
  const owned = vmOwnedElsewhere({ vm, desired, stack: ctx.stack, holder: ctx.holder ?? null, nowMs: ctx.nowMs });
  if (owned.length > 0) return refused(empty, owned);
  const stays = isAllowed(desired, live.ref);
  if (record.phase === 'AwaitingConfirmation') {
    if (!stays) return refused(empty, sourceKept({ vm }));
    return desired.keepSource === 'no' || record.request === 'confirm' ? settle(subject, empty) : empty;
  }
  if (record.done.includes('read-back')) return settle(subject, empty);
  if (isForwardOnly(record, live, ctx.capabilities)) return proceed(subject, empty);
  if (record.request === 'cancel') return cancel(subject, empty, ['cancel-requested']);
  // Somebody else moved it there meanwhile: what was prepared is of no use any more.
  if (stays && samePlace(live.ref, record.to)) return cancel(subject, empty, ['arrived-otherwise']);
  const sameMethod = desired.method === 'auto' || desired.method === record.method;
  if (wants(desired, record.to) && sameMethod) return proceed(subject, empty);
  const why = wants(desired, record.to) ? 'method-changed' : 'target-changed';
  return stays ? cancel(subject, empty, [why]) : retarget(subject, start, empty, why);
}

/** From the point of no return on; hot, and where the platform starts the target by itself, once the VM has arrived. */
function isForwardOnly(record: MigrationRecord, live: Copy, capabilities: Pick<Capabilities, 'separateStart'>): boolean {
  if (record.targetStarting) return true;
  const arrived = isOnTarget(live, record);
  if (record.method === 'staged') return arrived && !capabilities.separateStart;
  return record.method === 'hot' && (record.done.includes('migrate') || arrived);
}

function proceed(subject: Continued, empty: Plan): Plan {
  const { desired, record, vm, live, inventory } = subject;
  const target = hostOf(inventory, record.to);
  const input = target === null ? null : ruleInput(subject, target, record.method, record);
  const whyStops = record.targetStarting ? null : (input?.whyStops ?? null);
  const concerns = ({ code }: Finding): boolean =>
    concernsContinuing.includes(code) && (code !== 'downtime-estimate' || live.power === 'running');
  const findings = input === null ? [] : findingsOf({ ...input, whyStops }).filter(concerns);
  const waits =
    record.phase === 'AwaitingShutdown' || (record.method === 'staged' && isOnTarget(live, record))
      ? waitingText(subject)
      : `it goes on with ${record.step}`;
  const failed = record.failed === null ? '' : `; it had failed: ${record.failed.replace(/\.$/, '')}`;
  const stops = whyStops === null ? '' : `; this update may stop it: ${whyStops}`;
  const steps = stepNames(record.method, record.powerBefore === 'running').filter((step) => !record.done.includes(step));
  return {
    ...empty,
    ...route(record),
    action: 'continue',
    findings,
    reasons: ['continues'],
    willStopVm: whyStops !== null,
    estimate: live.power === 'running' ? (input?.estimate ?? null) : null,
    steps,
    summary: continueSummary(record, { willStopVm: whyStops !== null, goFrom: record.targetStarting ? null : desired.goFrom }),
    sentence: `The ${record.method} move of VM ${vm.name} from ${placeText(record.from)} to ${placeText(record.to)} continues: ${waits}${failed}${stops}.`,
  };
}

/** It runs there, or has run: HA or a balancer may have taken it on from there already; the label of the move goes with it. */
const isOnTarget = (live: Copy, record: MigrationRecord): boolean =>
  (live.power === 'running' && samePlace(live.ref, record.to)) || hasRunFor(live, record);

/** A VM that is off while its move waits: whether this update cuts it over, or leaves it off. */
function waitingText({ desired, vm, live, record, ctx, inventory }: Continued): string {
  const estimateMs = record.increment?.projectedDowntimeMs ?? null;
  const { nowMs, capabilities } = ctx;
  const sourceAheadMs = aheadMs(inventory, record.from);
  const { go, warnings, heldBy } = effectiveGo({ desired, vm, record, nowMs, sourceAheadMs, estimateMs, capabilities });
  const reasons = [...(heldBy === null ? [] : [heldBy]), ...warnings];
  if (isOnTarget(live, record)) {
    const [is, then] =
      live.power === 'running'
        ? ['runs', 'writes down']
        : [`has run and reads ${live.power}`, 'starts it there if it shall run, and writes down'];
    return `it ${is} on ${placeText(live.ref)} already; this update ${then} the end of the move`;
  }
  if (live.power === 'running') return ['it waits for its go', ...reasons].join('; ');
  const change = isKnown(live.lastChange) ? live.lastChange.cause : 'unknown';
  if (go !== null && go.value !== 'force' && ctx.capabilities.holdsCutover && change !== 'guest-shutdown')
    return `the VM is ${live.power}, and it did not shut down cleanly: what was copied is not trusted; start it again, or allow a full copy while it is off (force)`;
  const next =
    go === null ? (reasons[0] ?? 'nothing permits the cutover: it stays off') : `this update cuts it over (${go.place}: ${shownGo(go)})`;
  return `the VM is ${live.power}; ${next}`;
}

/** What the running move wrote, reserved or locked does not count against it; the rest of the findings was settled at its start. */
const concernsContinuing: readonly FindingCode[] = [
  'vm-state',
  'host-unavailable',
  'cluster-refuses',
  'cold-running',
  'will-stop-vm',
  'cutover-at-power-off',
  'memory-short',
  'storage-short',
  'downtime-estimate',
  'slow-increments',
  'go-spent',
];

function settle(subject: Continued, empty: Plan): Plan {
  const { record, vm } = subject;
  const retires = record.phase === 'AwaitingConfirmation' ? `its source on ${placeText(record.from)} is removed` : 'its end is written';
  return {
    ...empty,
    ...route(record),
    action: 'settle',
    reasons: ['settles'],
    steps: stepNames(record.method, record.powerBefore === 'running').filter((step) => !record.done.includes(step)),
    summary: settleSummary(record),
    sentence: `The move of VM ${vm.name} is over (${routeText(record)}): ${retires}.`,
  };
}

function cancel(subject: Continued, empty: Plan, reasons: readonly string[]): Plan {
  const { record, vm, live, ctx } = subject;
  const again = isStartedByCancel({ vm, record, live, capabilities: ctx.capabilities }) ? ', and is started again' : '';
  return {
    ...empty,
    method: record.method,
    from: place(live),
    to: place(live),
    action: 'cancel',
    reasons,
    steps: ['cancel'],
    summary: cancelSummary(record.method, live.ref),
    sentence: `The ${record.method} move of VM ${vm.name} to ${placeText(record.to)} is cancelled: it stays on ${placeText(live.ref)}${again}; what was copied is removed.`,
  };
}

function retarget(subject: Continued, start: (subject: Subject) => Plan, empty: Plan, why: string): Plan {
  const { record, vm, live, ctx } = subject;
  // The cancel puts the power back as it was; the new move is decided for that.
  const restored: Copy = isStartedByCancel({ vm, record, live, capabilities: ctx.capabilities })
    ? { ...live, power: record.powerBefore }
    : live;
  const copies = vm.copies
    .filter((copy) => !(copy.role === 'incoming' && samePlace(copy.ref, record.to)))
    .map((copy) => (copy === live ? restored : copy));
  // The cancel also uses up the go: the declared value is spent, and the one on the VM leaves it.
  const claim: Claim = {
    v: 1,
    stack: record.stack,
    urn: record.urn,
    lastMove: null,
    cancelled: null,
    ...vm.claim,
    spentGo: spentAfter(record),
  };
  const without: Vm = { ...vm, record: null, annotation: annotationAfterRetarget(vm), copies, claim };
  const inventory = { ...subject.inventory, vms: subject.inventory.vms.map((one) => (one === vm ? without : one)) };
  const next = start({ ...subject, vm: without, live: restored, inventory });
  if (next.action !== 'move') return { ...next, record, sentence: `${next.sentence}. The move to ${placeText(record.to)} stays as it is` };
  return {
    ...next,
    record,
    action: 'retarget',
    reasons: [why, ...next.reasons],
    steps: ['cancel', ...next.steps],
    summary: retargetSummary(record.method, record.to, next.summary),
    sentence: `The ${record.method} move of VM ${vm.name} to ${placeText(record.to)} is cancelled and what was copied is removed. ${next.sentence}`,
  };
}

function refused(empty: Plan, findings: readonly Finding[]): Plan {
  const codes = [...new Set(blockers(findings).map(({ code }) => code))];
  const sentence = findings.map(({ message, suggestion }) => `${message} (${suggestion})`).join('; ');
  return { ...empty, action: 'blocked', findings, reasons: codes, summary: blockedSummary(codes), sentence };
}

const route = ({ method, from, to }: MigrationRecord): Pick<Plan, 'method' | 'from' | 'to'> => ({ method, from, to });
const place = (copy: Copy): Place => ({ cluster: copy.ref.cluster, host: copy.ref.host });
