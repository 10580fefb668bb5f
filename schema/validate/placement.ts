/** Declarations of placements: structure, rules between fields, and the parsed form that the core decides with. */
import { PlacementError } from '../../provider/core/errors.js';
import type { Desired } from '../../provider/core/desired.js';
import { parseShutdown, shutdownAnnotation } from '../../provider/core/shutdown-annotation.js';
import { parseDuration, parseRate } from '../../provider/core/units.js';
import type { GetPlacementInputs, PlacementInputs } from '../generated/types.js';
import { fill } from './fill.js';
import { didYouMean, toFailure, type Failure, type Issue } from './issue.js';
import { checkStructure, findUnknowns, type IsUnknown } from './structure.js';

export interface CheckedPlacement {
  /**
   * What belongs into the state: what was declared, without properties that are null. Defaults are not in it: with them the engine
   * spends half as long again on every placement of a preview, and each release that changes one would show up on all of them.
   */
  readonly inputs: Record<string, unknown>;
  readonly failures: Failure[];
  /** null when there are failures or a value is not known yet. */
  readonly desired: Desired | null;
}

export function checkPlacement(raw: Record<string, unknown>, options: { readonly isUnknown: IsUnknown }): CheckedPlacement {
  const given = withoutNullEntries(withoutNulls(raw), options.isUnknown);
  const declared = withoutInternals(given);
  const isKnown = findUnknowns(declared, options.isUnknown).length === 0;
  const known = isKnown ? declared : knownOnly(declared, options.isUnknown);
  const structure = checkStructure('PlacementInputs', declared, options.isUnknown);
  const issues = [...structure, ...rulesBetweenFields(known, structure)];
  const decidable = isKnown && issues.length === 0;
  return {
    inputs: given,
    failures: issues.map(toFailure),
    desired: decidable ? toDesired(declared as unknown as PlacementInputs) : null,
  };
}

/** The function `getPlan` takes a declaration. */
export function checkGetPlan(raw: Record<string, unknown>, options: { readonly isUnknown: IsUnknown }): CheckedPlacement {
  return checkPlacement(raw, options);
}

export interface CheckedGetPlacement {
  readonly inputs: GetPlacementInputs | null;
  readonly failures: Failure[];
}

export function checkGetPlacement(raw: Record<string, unknown>, options: { readonly isUnknown: IsUnknown }): CheckedGetPlacement {
  const declared = withoutInternals(withoutNulls(raw));
  const structure = checkStructure('GetPlacementInputs', declared, options.isUnknown);
  const issues = [...structure, ...emptyName(knownOnly(declared, options.isUnknown))];
  const decidable = issues.length === 0 && findUnknowns(declared, options.isUnknown).length === 0;
  return { inputs: decidable ? (declared as unknown as GetPlacementInputs) : null, failures: issues.map(toFailure) };
}

/** Inputs of a placement with every default. */
export const withDefaults = (inputs: Record<string, unknown>): Record<string, unknown> => ({
  ...fill('PlacementInputs', inputs as unknown as PlacementInputs),
});

/** Engines write "not set" as null too. */
export function withoutNulls(raw: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null && value !== undefined));
}

/** An entry of a map that comes to nothing is no entry. */
function withoutNullEntries(inputs: Record<string, unknown>, isUnknown: IsUnknown): Record<string, unknown> {
  const entries = Object.entries(inputs).map(([key, value]) => [
    key,
    maps.has(key) && isObject(value) && !isUnknown(value) ? withoutNulls(value) : value,
  ]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const maps = new Set(['annotations', 'networks', 'storage']);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names that begin with two underscores are Pulumi's own (`__provider` of dynamic providers). */
export function withoutInternals(raw: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !key.startsWith('__')));
}

/** The same without what is not known yet; lists keep their length. */
function knownOnly(declared: Record<string, unknown>, isUnknown: IsUnknown): Record<string, unknown> {
  const known = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => (isUnknown(item) ? undefined : known(item)));
    return typeof value === 'object' && value !== null ? knownOnly(value as Record<string, unknown>, isUnknown) : value;
  };
  return Object.fromEntries(Object.entries(declared).flatMap(([key, value]) => (isUnknown(value) ? [] : [[key, known(value)]])));
}

const mustTakeTime = ['downtimeBudget', 'incrementEvery', 'shutdownGrace', 'noProgressTimeout', 'waitTimeout', 'maxDuration'] as const;

function rulesBetweenFields(known: Record<string, unknown>, structure: readonly Issue[]): Issue[] {
  const sound = (key: string): boolean => key in known && !structure.some(({ at }) => at[0] === key);
  const issues = sound('vm') ? emptyName(known) : [];
  if ('host' in known && 'hosts' in known)
    issues.push({ at: ['hosts'], reason: 'cannot stand together with `host`: give one host, or the set it may run on' });
  for (const key of ['hosts', 'detach']) if (Array.isArray(known[key])) issues.push(...duplicates(known[key], key));
  for (const key of ['networks', 'storage'])
    if (isObject(known[key]) && '' in known[key]) issues.push({ at: [key], reason: 'must not have an empty name' });
  if (known['postCopy'] === true && known['suspend'] === true) {
    issues.push({ at: ['suspend'], reason: 'cannot stand together with `postCopy`: one way out for a move that does not converge' });
  }
  for (const key of mustTakeTime) {
    if (sound(key) && parseDuration(known[key] as string) === 0) issues.push({ at: [key], reason: 'must be longer than 0s' });
  }
  if (sound('bandwidth') && parseRate(known['bandwidth'] as string) === 0)
    issues.push({ at: ['bandwidth'], reason: 'must be more than 0B/s' });
  if (typeof known['annotations'] === 'object') issues.push(...annotationProblems(known['annotations'] as Record<string, unknown>));
  return issues;
}

function emptyName(known: Record<string, unknown>): Issue[] {
  const vm = known['vm'];
  if (typeof vm !== 'string') return [];
  if (vm !== '' && vm.trim() === '') return [{ at: ['vm'], reason: 'must not be empty' }];
  return /\p{Cc}/u.test(vm) ? [{ at: ['vm'], reason: 'must not contain control characters (a line break, a tab)' }] : [];
}

function duplicates(list: readonly unknown[], key: string): Issue[] {
  return list.flatMap((item, index) =>
    typeof item === 'string' && list.indexOf(item) < index
      ? [{ at: [key, index], reason: `names ${JSON.stringify(item)} a second time` }]
      : [],
  );
}

function annotationProblems(annotations: Record<string, unknown>): Issue[] {
  return Object.entries(annotations).flatMap(([key, value]) => {
    const at = ['annotations', key];
    if (key !== shutdownAnnotation) {
      return [{ at, reason: `is not a known annotation${didYouMean(key, [shutdownAnnotation]) || `; known is ${shutdownAnnotation}`}` }];
    }
    const problem = typeof value === 'string' ? shutdownProblem(value) : null;
    return problem === null ? [] : [{ at, reason: problem }];
  });
}

function shutdownProblem(value: string): string | null {
  try {
    parseShutdown(value);
    return null;
  } catch (error) {
    if (PlacementError.isInstance(error)) return error.message;
    throw error;
  }
}

function toDesired(declared: PlacementInputs): Desired {
  const inputs = fill('PlacementInputs', declared);
  const { host, hosts } = inputs;
  const optional = (text: string | undefined): number | null => (text === undefined ? null : parseDuration(text));
  return {
    vm: inputs.vm,
    cluster: inputs.cluster ?? null,
    scope: host !== undefined ? 'exact' : hosts !== undefined ? 'any' : inputs.cluster !== undefined ? 'cluster' : 'nowhere',
    hosts: host !== undefined ? [host] : (hosts ?? []),
    method: inputs.method,
    shutdown: inputs.annotations?.[shutdownAnnotation] ?? null,
    allowShutdown: inputs.allowShutdown,
    startAfter: inputs.startAfter,
    keepSource: inputs.keepSource ?? null,
    networks: inputs.networks ?? {},
    storage: inputs.storage ?? {},
    bandwidthBytesPerSecond: inputs.bandwidth === undefined ? null : parseRate(inputs.bandwidth),
    downtimeBudgetMs: parseDuration(inputs.downtimeBudget),
    incrementEveryMs: parseDuration(inputs.incrementEvery),
    shutdownGraceMs: parseDuration(inputs.shutdownGrace),
    lateShutdownMs: parseDuration(inputs.lateShutdown),
    noProgressTimeoutMs: parseDuration(inputs.noProgressTimeout),
    waitTimeoutMs: optional(inputs.waitTimeout),
    maxDurationMs: optional(inputs.maxDuration),
    onPending: inputs.onPending,
    goFrom: inputs.goFrom,
    detach: inputs.detach ?? [],
    dropSnapshots: inputs.dropSnapshots,
    assumeOs: inputs.assumeOs,
    takeOver: inputs.takeOver ?? null,
    verify: inputs.verify,
    postCopy: inputs.postCopy,
    suspend: inputs.suspend,
    declared: Object.keys(declared).sort(),
  };
}
