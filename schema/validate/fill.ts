/** Defaults, as vmplacement.yaml states them. */
import { jsonSchema } from '../generated/json-schema.js';
import type { Objects } from '../generated/types.js';

/** The object with its own defaults filled in; objects inside it are left as they are. */
export function fill<Name extends keyof Objects>(name: Name, declared: Objects[Name]['declared']): Objects[Name]['filled'] {
  return { ...defaultsOf(name), ...declared };
}

/** Asked for thousands of times, once for each object of a large datacenter. */
const known = new Map<string, Readonly<Record<string, unknown>>>();

function defaultsOf(name: string): Readonly<Record<string, unknown>> {
  const defaults = known.get(name) ?? readDefaults(name);
  known.set(name, defaults);
  return defaults;
}

function readDefaults(name: string): Readonly<Record<string, unknown>> {
  const { properties = {} } = jsonSchema.$defs[name] as { properties?: Record<string, { default?: unknown }> };
  return Object.fromEntries(Object.entries(properties).flatMap(([key, schema]) => ('default' in schema ? [[key, schema.default]] : [])));
}
