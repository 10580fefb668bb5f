/** What the JSON Schema can tell, in words for people. Everything that is known is checked, what is unknown never fails. */
import { validators } from '../generated/validators.js';
import { formatProblem } from './formats.js';
import { didYouMean, type Issue, type Segments } from './issue.js';

/** Tells values that are only known later (Pulumi's unknowns). */
export type IsUnknown = (value: unknown) => boolean;

/** Problems of `value` as the named object, without those at or under an unknown value. */
export function checkStructure(name: keyof typeof validators, value: unknown, isUnknown: IsUnknown): Issue[] {
  const validate = validators[name];
  if (validate(value)) return [];
  const unknowns = findUnknowns(value, isUnknown);
  const issues = (validate.errors ?? []).map((error) => toIssue(error, value));
  // One problem a place: the first is the type, what follows from it only repeats it.
  const seen = new Set<string>();
  return issues.filter(({ at }) => {
    const key = JSON.stringify(at);
    if (seen.has(key) || unknowns.some((unknown) => isAtOrUnder(at, unknown))) return false;
    seen.add(key);
    return true;
  });
}

/** Places of all unknown values in `value`. */
export function findUnknowns(value: unknown, isUnknown: IsUnknown, at: Segments = []): Segments[] {
  if (isUnknown(value)) return [at];
  if (Array.isArray(value)) return value.flatMap((item, index) => findUnknowns(item, isUnknown, [...at, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => findUnknowns(item, isUnknown, [...at, key]));
}

/** A compiled validator, in the shape of ajv's. */
export interface Validate {
  (value: unknown): boolean;
  errors?: readonly Problem[] | null;
}

interface Problem {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: object;
  readonly message?: string;
  readonly parentSchema?: object;
  readonly data?: unknown;
}

const isAtOrUnder = (at: Segments, ancestor: Segments): boolean => ancestor.every((segment, index) => at[index] === segment);

function toIssue(error: Problem, root: unknown): Issue {
  const at = segmentsOf(error.instancePath, root);
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const given = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      const near =
        didYouMean(given, known) || (known.length <= 12 ? `; known are ${known.join(', ')}` : '; `vmplacement schema` lists them');
      return { at: [...at, given], reason: `is not a known property${near}` };
    }
    case 'required':
      return { at: [...at, String(params['missingProperty'])], reason: 'is required' };
    case 'type':
      return { at, reason: `must be ${article(String(params['type']))}, not ${given(error.data)}${inQuotes(params['type'], error.data)}` };
    case 'enum':
      return { at, reason: `must be one of ${(params['allowedValues'] as string[]).join(', ')}, not ${JSON.stringify(error.data)}` };
    case 'format':
      return { at, reason: formatProblem(String(params['format']), String(error.data)) ?? 'is not in the right form' };
    case 'minLength':
      return { at, reason: 'must not be empty' };
    case 'minItems':
      return { at, reason: `must have at least ${count(params['limit'])}` };
    case 'maxItems':
      return { at, reason: `must have at most ${count(params['limit'])}` };
    case 'minimum':
      return { at, reason: `must be at least ${String(params['limit'])}` };
    case 'exclusiveMinimum':
      return { at, reason: `must be greater than ${String(params['limit'])}` };
    default:
      return { at, reason: error.message ?? 'is not valid' };
  }
}

/** A JSON pointer does not tell the index of a list from a key "0" of a map: the value does. */
function segmentsOf(pointer: string, root: unknown): Segments {
  const at: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    at.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Record<string, unknown>)[key];
  }
  return at;
}

const article = (type: string): string =>
  ({ array: 'a list', object: 'an object', integer: 'a whole number', boolean: 'true or false' })[type] ?? `a ${type}`;

function given(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${String(value)}`;
  return typeof value === 'object' ? 'an object' : 'a text';
}

/** YAML reads 1.0 and true as what they look like. */
const inQuotes = (type: unknown, value: unknown): string =>
  type === 'string' && (typeof value === 'number' || typeof value === 'boolean') ? ' (put it in quotes)' : '';

const count = (limit: unknown): string => (limit === 1 ? 'one entry' : `${String(limit)} entries`);
