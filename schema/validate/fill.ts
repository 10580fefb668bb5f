/** Defaults, as vmplacement.yaml states them. */
import { jsonSchema } from '../generated/json-schema.js';
import type { Objects } from '../generated/types.js';

/** The object with its own defaults filled in; objects inside it are left as they are. */
export function fill<Name extends keyof Objects>(name: Name, declared: Objects[Name]['declared']): Objects[Name]['filled'] {
  return { ...defaultsOf(name), ...declared } as Objects[Name]['filled'];
}

function defaultsOf(name: string): Record<string, unknown> {
  const { properties = {} } = jsonSchema.$defs[name] as { properties?: Record<string, { default?: unknown }> };
  return Object.fromEntries(Object.entries(properties).flatMap(([key, schema]) => ('default' in schema ? [[key, schema.default]] : [])));
}
