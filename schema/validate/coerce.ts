/**
 * Provider configuration as engines deliver it: numbers and booleans may be strings ("true", "2"), objects and lists may be
 * JSON strings (pulumi-facts.md Q10). What cannot be read so is left for the structure check to name.
 */
import { jsonSchema } from '../generated/json-schema.js';
import type { Objects } from '../generated/types.js';
import type { Issue, Segments } from './issue.js';
import type { IsUnknown } from './structure.js';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | false;
}

export function coerce(name: keyof Objects, value: unknown, isUnknown: IsUnknown): { readonly value: unknown; readonly issues: Issue[] } {
  const issues: Issue[] = [];
  return { value: convert({ $ref: `#/$defs/${name}` }, value, [], { isUnknown, issues }), issues };
}

interface Context {
  readonly isUnknown: IsUnknown;
  readonly issues: Issue[];
}

function convert(schema: Schema, value: unknown, at: Segments, context: Context): unknown {
  if (context.isUnknown(value)) return value;
  if (schema.$ref !== undefined) return convert(jsonSchema.$defs[schema.$ref.slice('#/$defs/'.length)] as Schema, value, at, context);
  switch (schema.type) {
    case 'boolean':
      return value === 'true' ? true : value === 'false' ? false : value;
    case 'number':
    case 'integer':
      return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    case 'array': {
      const list = fromJson(value, at, context);
      const { items } = schema;
      return Array.isArray(list) && items !== undefined ? list.map((item, index) => convert(items, item, [...at, index], context)) : list;
    }
    case 'object': {
      const object = fromJson(value, at, context);
      if (typeof object !== 'object' || object === null || Array.isArray(object)) return object;
      const inside = (key: string): Schema | undefined =>
        schema.properties !== undefined ? ownValue(schema.properties, key) : schema.additionalProperties || undefined;
      return Object.fromEntries(
        Object.entries(object).map(([key, item]) => {
          const known = inside(key);
          return [key, known === undefined ? item : convert(known, item, [...at, key], context)];
        }),
      );
    }
    default:
      return value;
  }
}

function fromJson(value: unknown, at: Segments, context: Context): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // The parser's own words quote the text, which may be a secret.
    context.issues.push({ at, reason: 'is neither an object nor a valid JSON text' });
    return value;
  }
}

const ownValue = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;
