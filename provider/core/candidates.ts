/** The hosts that a VM could move to: method and findings for each (rules.md §3, §5), in the order of preference (rules.md §4). */
import { isAllowed } from './declaration.js';
import type { Desired, Settings } from './desired.js';
import type { Capabilities } from './driver.js';
import { estimate, whyNoEstimate } from './estimate.js';
import { blockers, type Finding, type FindingCode } from './finding.js';
import { whyStops } from './go.js';
import { isKnown, isUnknown, placeText, samePlace, type Copy, type Host, type Inventory, type Place, type Vm } from './inventory.js';
import { reach, throughput } from './link.js';
import { clusterOf, hostOf, hostPlace } from './locate.js';
import type { Candidate } from './plan.js';
import { Promises } from './promises.js';
import { cpuVerdict, openQuestions, type Question } from './questions.js';
import type { Method, MigrationRecord } from './record.js';
import { freeMemory } from './room.js';
import { hostNotInCluster } from './rules/host-not-in-cluster.js';
import { all, type RuleInput } from './rules/index.js';
import { hostSubject } from './rules/rule.js';

export interface DecideContext {
  readonly settings: Pick<Settings, 'memoryReserveBytes'>;
  readonly capabilities: Capabilities;
  readonly promises: Promises;
  readonly nowMs: number;
  readonly stack: string;
  readonly urn: string;
  /** Holder of our own lease where we have one already: it does not count against `takeOver`. */
  readonly holder?: string;
}

export interface Subject {
  readonly desired: Desired;
  readonly inventory: Inventory;
  readonly ctx: DecideContext;
  readonly vm: Vm;
  readonly live: Copy;
}

export interface Option extends Candidate {
  readonly reasons: readonly string[];
  readonly whyStops: string | null;
  /** What could still make hot possible here, or impossible. */
  readonly questions: readonly Question[];
}

/** Every host that the declaration names, best first; names that lead nowhere are candidates with a blocker. */
export function options(subject: Subject): readonly Option[] {
  return places(subject)
    .map((place) => {
      const target = hostOf(subject.inventory, place);
      const wrong = hostNotInCluster({ desired: subject.desired, inventory: subject.inventory, to: place });
      return target === null || wrong.length > 0 ? impossible(place, wrong) : judge(subject, target);
    })
    .sort((a, b) => compare(subject, a, b));
}

/** Findings of one target with one method; also for the target of a recorded move, whose own doing does not count against it. */
export function ruleInput(subject: Subject, target: Host, method: Method, record: MigrationRecord | null): RuleInput {
  const { desired, inventory, ctx, vm, live } = subject;
  const from: Place = record?.from ?? { cluster: live.ref.cluster, host: live.ref.host };
  const to = hostPlace(target);
  const measure = {
    vm,
    method,
    from,
    to,
    target: target.facts,
    desired,
    inventory,
    record,
    nowMs: ctx.nowMs,
    capabilities: ctx.capabilities,
  };
  const speed = throughput(inventory, from, to, desired.bandwidthBytesPerSecond);
  return {
    desired,
    vm,
    live,
    from,
    to,
    source: hostOf(inventory, from),
    target,
    sourceCluster: clusterOf(inventory, from.cluster),
    targetCluster: clusterOf(inventory, to.cluster),
    link: reach(inventory, from, to),
    cpuVerdict: cpuVerdict(inventory, vm, to),
    method,
    settings: ctx.settings,
    capabilities: ctx.capabilities,
    inventory,
    promises: ctx.promises,
    nowMs: ctx.nowMs,
    stack: ctx.stack,
    holder: ctx.holder ?? null,
    record,
    estimate: estimate(measure),
    noEstimate: whyNoEstimate(measure),
    bytesPerSecond: isKnown(speed.bytesPerSecond) ? speed.bytesPerSecond : null,
    whyStops: whyStops({ desired, vm, record, method, running: live.power === 'running', nowMs: ctx.nowMs }),
  };
}

export function findingsOf(input: RuleInput): readonly Finding[] {
  const found = all.flatMap((rule) => rule(input));
  const silent =
    isUnknown(input.target.facts) && found.some(({ code, subject }) => code === 'host-unavailable' && subject === hostSubject(input.to));
  // A host that does not answer is one finding, not one for each thing that could not be read from it.
  return silent ? found.filter(({ code, subject }) => code === 'host-unavailable' || subject !== hostSubject(input.to)) : found;
}

function places({ desired, inventory, live }: Subject): readonly Place[] {
  switch (desired.scope) {
    case 'nowhere':
      return [];
    case 'cluster':
      return inventory.hosts.map(hostPlace).filter((place) => isAllowed(desired, place) && !samePlace(place, live.ref));
    case 'exact':
    case 'any':
      return [...new Set(desired.hosts)].flatMap((host) => {
        const there = inventory.hosts.map(hostPlace).filter((place) => place.host === host && isAllowed(desired, place));
        return there.length > 0 ? there : [{ cluster: desired.cluster ?? '', host }];
      });
  }
}

const impossible = (place: Place, findings: readonly Finding[]): Option => ({
  place,
  method: null,
  findings,
  freeMemoryAfterBytes: null,
  estimate: null,
  reasons: [],
  whyStops: null,
  questions: [],
});

/** Only these make hot impossible; other blockers exclude the host, not the method (rules.md §3). */
const impossibility: readonly FindingCode[] = ['cpu-incompatible', 'no-direct-network', 'device-unmovable'];

function judge(subject: Subject, target: Host): Option {
  const { desired, live } = subject;
  const withMethod = (method: Method, reasons: readonly string[]): Option => {
    const input = ruleInput(subject, target, method, null);
    const findings = findingsOf(input);
    return { ...option(subject, input, method, reasons, findings), questions: method === 'hot' ? openQuestions(input, findings) : [] };
  };
  if (desired.method !== 'auto') return withMethod(desired.method, [`declared-${desired.method}`]);
  if (live.power === 'off') return withMethod('cold', ['vm-off']);
  if (live.power !== 'running') {
    // `vm-state` blocks whatever the method; what only concerns one method would be noise.
    const input = ruleInput(subject, target, 'cold', null);
    const findings = findingsOf(input).filter(({ code }) => !coldOnly.includes(code));
    return { ...option(subject, input, 'cold', [], findings), method: null, estimate: null };
  }

  const hot = ruleInput(subject, target, 'hot', null);
  const hotFindings = findingsOf(hot);
  const questions = openQuestions(hot, hotFindings);
  const against = blockers(hotFindings).filter(({ code }) => impossibility.includes(code) && isProved(code, hot));
  if (against.length === 0) return { ...option(subject, hot, 'hot', ['vm-running', 'hot-possible'], hotFindings), questions };

  const staged = ruleInput(subject, target, 'staged', null);
  const stagedFindings = findingsOf(staged);
  const refusals = stagedFindings.filter(
    ({ code, severity }) => severity === 'blocker' && (code === 'staged-same-cluster' || code === 'staged-no-os'),
  );
  const codes = [...new Set(against.map(({ code }) => code))];
  if (refusals.length === 0) return { ...option(subject, staged, 'staged', [...codes, 'other-cluster'], stagedFindings), questions };
  const ways = refusals.map((refusal) => ({
    ...refusal,
    message: `hot is impossible (${codes.join(', ')}), and ${refusal.message}`,
    suggestion: `Declare method: cold with allowShutdown: true, or another host${refusal.code === 'staged-no-os' ? ', or assumeOs: true' : ''}.`,
  }));
  return { ...option(subject, hot, 'hot', [], [...hotFindings, ...ways]), method: null, estimate: null, questions };
}

const coldOnly: readonly FindingCode[] = ['cold-running', 'downtime-estimate', 'will-stop-vm', 'state-files'];

function isProved(code: FindingCode, { vm, target, cpuVerdict: verdict }: RuleInput): boolean {
  switch (code) {
    case 'cpu-incompatible':
      return verdict?.fits === 'no' || (isKnown(vm.cpu) && isKnown(target.facts) && isKnown(target.facts.cpu));
    case 'device-unmovable':
      return isKnown(vm.devices);
    default:
      return true;
  }
}

function option(subject: Subject, input: RuleInput, method: Method, reasons: readonly string[], findings: readonly Finding[]): Option {
  // As read: a rank that counted promises would depend on the order in which an engine asks, and a preview would not be kept by its `up`.
  const free = freeMemory({ ...input, promises: noPromises });
  const { memoryBytes } = subject.vm;
  return {
    place: input.to,
    method,
    findings,
    freeMemoryAfterBytes: isUnknown(free) || isUnknown(memoryBytes) ? null : free - memoryBytes,
    estimate: input.estimate,
    reasons,
    whyStops: input.whyStops,
    questions: [],
  };
}

const noPromises = new Promises();

/** Without blockers first; among these the place already promised to this VM by this process, then the order of rules.md §4. */
function compare(subject: Subject, a: Option, b: Option): number {
  return (
    Number(isBlocked(a)) - Number(isBlocked(b)) ||
    Number(isPromised(subject, b)) - Number(isPromised(subject, a)) ||
    Number(a.method === 'staged') - Number(b.method === 'staged') ||
    warnings(a) - warnings(b) ||
    (b.freeMemoryAfterBytes ?? -Infinity) - (a.freeMemoryAfterBytes ?? -Infinity) || // NaN (both unknown) falls through
    (placeText(a.place) < placeText(b.place) ? -1 : 1)
  );
}

export const isBlocked = (one: Candidate): boolean => one.method === null || blockers(one.findings).length > 0;
const warnings = (one: Candidate): number => one.findings.filter(({ severity }) => severity === 'warning').length;

function isPromised({ ctx, vm }: Subject, one: Candidate): boolean {
  const promised = ctx.promises.of(vm.uuid);
  return promised !== null && samePlace(promised.place, one.place);
}

/** Why the first of several hosts was taken. */
export function whyThisHost(subject: Subject, ranked: readonly Option[]): string | null {
  if (subject.desired.scope === 'exact') return null;
  const [first, second] = ranked.filter((one) => !isBlocked(one));
  if (first === undefined || second === undefined) return 'only-candidate';
  if (isPromised(subject, first)) return 'promised';
  if (first.method === 'staged' ? false : second.method === 'staged') return 'hot-before-staged';
  if (warnings(first) !== warnings(second)) return 'fewest-warnings';
  return first.freeMemoryAfterBytes === second.freeMemoryAfterBytes ? 'first-by-name' : 'most-free-memory';
}
