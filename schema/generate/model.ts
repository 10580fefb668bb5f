/**
 * Reads vmplacement.yaml into a model, and refuses whatever could not become every target (Pulumi schema, TypeScript, JSON
 * Schema, later others): only $ref, scalar, array, map and closed object are known. Named closed objects and named closed sets
 * live in $defs; an object inside a property would have no name in the targets.
 */
import { parse } from 'yaml';

interface Notes {
  readonly description: string;
  readonly default?: string | number | boolean | readonly string[];
  readonly secret: boolean;
  readonly replace: boolean;
}
export type Format = 'duration' | 'size' | 'rate' | 'timestamp';

export interface Ref extends Notes {
  readonly kind: 'ref';
  readonly to: string;
}
export interface Scalar extends Notes {
  readonly kind: 'scalar';
  readonly type: 'string' | 'number' | 'integer' | 'boolean';
  readonly values: readonly { readonly value: string; readonly description: string }[] | null;
  readonly format: Format | null;
}
export interface List extends Notes {
  readonly kind: 'list';
  readonly items: Node;
}
export interface StringMap extends Notes {
  readonly kind: 'map';
  readonly values: Node;
}
export interface ClosedObject extends Notes {
  readonly kind: 'object';
  readonly properties: readonly Property[];
}
export interface Property {
  readonly name: string;
  readonly required: boolean;
  readonly node: Exclude<Node, ClosedObject>;
}
export type Node = Ref | Scalar | List | StringMap | ClosedObject;

export interface Model {
  readonly defs: ReadonlyMap<string, Scalar | ClosedObject>;
  /** The document itself, for the JSON Schema. */
  readonly raw: Record<string, unknown>;
}

type Raw = Record<string, unknown>;

export function readModel(text: string): Model {
  const raw = parse(text) as Raw;
  const problems: string[] = [];
  allow(raw, ['$schema', 'title', '$defs'], '', problems);
  const definitions = asObject(raw['$defs'], '/$defs', problems);
  const defs = new Map<string, Scalar | ClosedObject>();
  for (const [name, value] of Object.entries(definitions)) {
    const node = readNode(value, `/$defs/${name}`, problems, 'definition');
    if (node === null) continue;
    if (node.kind === 'object' || (node.kind === 'scalar' && node.values !== null)) defs.set(name, node);
    else problems.push(`/$defs/${name}: a definition is a closed object or a closed set of strings`);
  }
  for (const [name, def] of defs) checkRefs(def, `/$defs/${name}`, defs, problems);
  if (problems.length > 0) throw new Error(`vmplacement.yaml cannot be converted:\n  ${problems.join('\n  ')}`);
  return { defs, raw };
}

const notes = ['description', 'default', 'x-vmp'];
const shapes = {
  ref: [...notes, '$ref'],
  string: [...notes, 'type', 'enum', 'format', 'pattern', 'minLength', 'maxLength'],
  number: [...notes, 'type', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  boolean: [...notes, 'type'],
  array: [...notes, 'type', 'items', 'minItems', 'maxItems'],
  object: [...notes, 'type', 'additionalProperties', 'properties', 'required'],
};
const formats: readonly string[] = ['duration', 'size', 'rate', 'timestamp'] satisfies Format[];

function readNode(value: unknown, path: string, problems: string[], where: 'definition' | 'inside'): Node | null {
  const raw = asObject(value, path, problems);
  const own = readNotes(raw, path, problems, where);
  if ('$ref' in raw) {
    allow(raw, shapes.ref, path, problems);
    const match = /^#\/\$defs\/(\w+)$/.exec(String(raw['$ref']));
    if (match?.[1] === undefined) return refuse(problems, path, `$ref must look like "#/$defs/Name", not ${String(raw['$ref'])}`);
    return { ...own, kind: 'ref', to: match[1] };
  }
  switch (raw['type']) {
    case 'string':
      allow(raw, shapes.string, path, problems);
      return { ...own, kind: 'scalar', type: 'string', values: readSet(raw, path, problems), format: readFormat(raw, path, problems) };
    case 'number':
    case 'integer':
      allow(raw, shapes.number, path, problems);
      return { ...own, kind: 'scalar', type: raw['type'], values: null, format: null };
    case 'boolean':
      allow(raw, shapes.boolean, path, problems);
      return { ...own, kind: 'scalar', type: 'boolean', values: null, format: null };
    case 'array': {
      allow(raw, shapes.array, path, problems);
      if (!('items' in raw)) return refuse(problems, path, 'an array needs "items"');
      const items = readNode(raw['items'], `${path}/items`, problems, 'inside');
      return items && { ...own, kind: 'list', items };
    }
    case 'object':
      allow(raw, shapes.object, path, problems);
      return 'properties' in raw ? readClosed(raw, own, path, problems, where) : readMap(raw, own, path, problems);
    default:
      allow(raw, [...shapes.ref, 'type'], path, problems);
      return refuse(problems, path, `type ${JSON.stringify(raw['type'])} is not one of string, number, integer, boolean, array, object`);
  }
}

function readClosed(raw: Raw, own: Notes, path: string, problems: string[], where: 'definition' | 'inside'): Node | null {
  if (where === 'inside') return refuse(problems, path, 'an object with properties must have a name: move it to $defs');
  if (raw['additionalProperties'] !== false) refuse(problems, path, 'an object with properties needs "additionalProperties: false"');
  const required = (raw['required'] ?? []) as string[];
  const properties: Property[] = [];
  const declared = asObject(raw['properties'], `${path}/properties`, problems);
  for (const [name, value] of Object.entries(declared)) {
    const at = `${path}/properties/${name}`;
    // Two capitals in a row do not survive the way to snake_case and back.
    if (!/^[a-z][a-z0-9]*([A-Z][a-z0-9]+)*$/.test(name)) refuse(problems, at, 'a property name is camelCase without two capitals in a row');
    const node = readNode(value, at, problems, 'inside');
    if (node !== null && node.kind !== 'object') properties.push({ name, required: required.includes(name), node });
  }
  for (const name of required) if (!(name in declared)) refuse(problems, `${path}/required`, `"${name}" is not a property`);
  return { ...own, kind: 'object', properties };
}

function readMap(raw: Raw, own: Notes, path: string, problems: string[]): Node | null {
  if (typeof raw['additionalProperties'] !== 'object') {
    return refuse(problems, path, 'an object has "properties", or "additionalProperties" with the shape of its values');
  }
  const values = readNode(raw['additionalProperties'], `${path}/additionalProperties`, problems, 'inside');
  return values && { ...own, kind: 'map', values };
}

function readNotes(raw: Raw, path: string, problems: string[], where: 'definition' | 'inside'): Notes {
  const x = asObject(raw['x-vmp'] ?? {}, `${path}/x-vmp`, problems);
  allow(x, where === 'definition' ? ['topLevel', 'enumDescriptions'] : ['secret', 'replace'], `${path}/x-vmp`, problems);
  const described = /^\/\$defs\/\w+(\/properties\/\w+)?$/.test(path);
  const description = raw['description'];
  if (described && typeof description !== 'string') refuse(problems, path, 'needs a description');
  return {
    description: typeof description === 'string' ? description.trim() : '',
    ...('default' in raw ? { default: raw['default'] as string } : {}),
    secret: x['secret'] === true,
    replace: x['replace'] === true,
  };
}

function readSet(raw: Raw, path: string, problems: string[]): Scalar['values'] {
  if (!('enum' in raw)) return null;
  const values = raw['enum'];
  if (!Array.isArray(values) || !values.every((value) => typeof value === 'string')) {
    return refuse(problems, `${path}/enum`, 'only strings can be in a closed set (quote yes, no, on and off)');
  }
  const x = asObject(raw['x-vmp'] ?? {}, path, problems);
  const described = asObject(x['enumDescriptions'] ?? {}, path, problems);
  if ('enumDescriptions' in x && Object.keys(described).join() !== values.join()) {
    refuse(problems, `${path}/x-vmp/enumDescriptions`, `must describe exactly ${values.join(', ')}, in this order`);
  }
  return values.map((value: string) => ({ value, description: typeof described[value] === 'string' ? described[value] : '' }));
}

function readFormat(raw: Raw, path: string, problems: string[]): Format | null {
  if (!('format' in raw)) return null;
  if (typeof raw['format'] === 'string' && formats.includes(raw['format'])) return raw['format'] as Format;
  return refuse(problems, `${path}/format`, `must be one of ${formats.join(', ')}`);
}

function checkRefs(node: Node, path: string, defs: Model['defs'], problems: string[]): void {
  switch (node.kind) {
    case 'ref':
      if (!defs.has(node.to)) refuse(problems, path, `$ref to "${node.to}", which does not exist`);
      return;
    case 'scalar':
      return;
    case 'list':
      checkRefs(node.items, `${path}/items`, defs, problems);
      return;
    case 'map':
      checkRefs(node.values, `${path}/additionalProperties`, defs, problems);
      return;
    case 'object':
      for (const property of node.properties) checkRefs(property.node, `${path}/properties/${property.name}`, defs, problems);
  }
}

function allow(raw: Raw, keys: readonly string[], path: string, problems: string[]): void {
  for (const key of Object.keys(raw))
    if (!keys.includes(key)) refuse(problems, `${path}/${key}`, `"${key}" cannot be converted to every target`);
}

function asObject(value: unknown, path: string, problems: string[]): Raw {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Raw;
  // `items: [..]` is the tuple of older drafts; `true` and `false` are schemas too.
  refuse(problems, path, `must be one schema object, not ${Array.isArray(value) ? 'a list (a tuple)' : JSON.stringify(value)}`);
  return {};
}

function refuse(problems: string[], path: string, reason: string): null {
  problems.push(`${path}: ${reason}`);
  return null;
}
