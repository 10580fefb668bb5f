import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { generateAll } from '../../../schema/generate/all.js';
import { readSources } from '../../../schema/generate/sources.js';
import { readModel } from '../../../schema/generate/model.js';
import { severities } from '../../../provider/core/finding.js';
import { powers } from '../../../provider/core/inventory.js';
import { methods, phases } from '../../../provider/core/record.js';
import { Method, Phase, Power, Severity } from '../../../schema/generated/types.js';
import { jsonSchema } from '../../../schema/generated/json-schema.js';
import { pulumiSchema } from '../../../schema/generated/pulumi-schema.js';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

describe('closed sets that the core has too', () => {
  it.each([
    ['phases', Phase, phases],
    ['methods', Method, ['auto', ...methods]],
    ['powers', Power, powers],
    ['severities', Severity, severities],
  ])('%s are the same in the data model', (_name, declared, core) => expect([...declared].sort()).toEqual([...core].sort()));
});

describe('what is generated', () => {
  it('is up to date (else: npm run generate)', async () => {
    const texts = await generateAll(readSources(root));
    for (const [file, text] of texts) expect(existsSync(path.join(root, file)) && read(file), file).toBe(text);
  });

  it('compiles as JSON Schema', () => {
    const ajv = new Ajv2020({ strict: true });
    for (const format of ['duration', 'size', 'rate', 'timestamp']) ajv.addFormat(format, true);
    ajv.addSchema(jsonSchema, 'all');
    for (const name of Object.keys(jsonSchema.$defs)) expect(ajv.getSchema(`all#/$defs/${name}`), name).toBeTypeOf('function');
  });
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a foreign document, walked freely
type Spec = Record<string, any>;

describe('the Pulumi package schema', () => {
  const schema = pulumiSchema as Spec;
  const placement = schema['resources']['vmplacement:index:Placement'];

  it('names the package as package.json does', () => {
    const about = JSON.parse(read('package.json'));
    expect(schema).toMatchObject({ name: 'vmplacement', version: about.version, language: { nodejs: { packageName: about.name } } });
    expect(JSON.parse(read('schema/generated/pulumi-schema.json'))).toEqual(schema);
  });

  it('defines every type that something refers to, and no other', () => {
    const referred = new Set<string>();
    walk(schema, (spec) => typeof spec['$ref'] === 'string' && referred.add(spec['$ref'].replace('#/types/', '')));
    expect([...referred].sort()).toEqual(Object.keys(schema['types']).sort());
  });

  it('has only shapes that every SDK knows', () => {
    const scalars = ['string', 'number', 'integer', 'boolean'];
    const objects: Spec[] = [];
    walk(schema, (spec) => objects.push(...['properties', 'inputProperties'].flatMap((key) => (spec[key] ? [spec[key]] : []))));
    const property = (spec: Spec): boolean =>
      typeof spec['$ref'] === 'string' ||
      scalars.includes(spec['type']) ||
      (spec['type'] === 'array' && property(spec['items'])) ||
      (spec['type'] === 'object' && property(spec['additionalProperties']));
    for (const object of objects) for (const [name, spec] of Object.entries(object)) expect(property(spec), name).toBe(true);
    for (const type of Object.values<Spec>(schema['types'])) {
      expect(type['type']).toBe(type['enum'] ? 'string' : 'object');
      expect(type['description']).toBeTruthy();
    }
  });

  it('requires only what exists', () => {
    walk(schema, (spec) => {
      for (const name of spec['required'] ?? []) expect(spec['properties']).toHaveProperty(name);
      for (const name of spec['requiredInputs'] ?? []) expect(spec['inputProperties']).toHaveProperty(name);
    });
  });

  it('counts bytes in numbers: integers have 32 bits in some SDKs', () => {
    walk(schema, (spec) => {
      for (const [name, property] of Object.entries<Spec>(spec['properties'] ?? {})) {
        if (/bytes/i.test(name)) expect(property['type'], name).toBe('number');
      }
    });
  });

  it('replaces the resource for another VM only', () => {
    const replacing = Object.entries<Spec>(placement.inputProperties).filter(
      ([, spec]) => spec['replaceOnChanges'] && spec['willReplaceOnChanges'],
    );
    expect(replacing.map(([name]) => name)).toEqual(['vm']);
    expect(placement.requiredInputs).toEqual(['vm']);
  });

  it('describes the values of closed sets', () => {
    expect(schema['types']['vmplacement:index:Method'].enum[1]).toEqual({
      name: 'Hot',
      value: 'hot',
      description: 'The VM keeps running during the move.',
    });
  });

  it('offers the configuration to default and explicit providers', () => {
    expect(Object.keys(schema['config'].variables)).toEqual([
      'embedded',
      'libvirt',
      'datacenterFile',
      'memoryReserve',
      'lease',
      'concurrency',
      'alwaysRefresh',
    ]);
    expect(schema['provider'].inputProperties).toEqual(schema['config'].variables);
  });

  it('sends no defaults from SDKs: the provider must know what was declared', () => {
    walk(schema, (spec) => expect('default' in spec && typeof spec['default'] !== 'object').toBe(false));
  });

  it('has functions that give what the resource gives', () => {
    const { 'vmplacement:index:getPlacement': getPlacement, 'vmplacement:index:getPlan': getPlan } = schema['functions'];
    expect(getPlacement.outputs.properties).toEqual(placement.properties);
    expect(getPlan.inputs.properties).toEqual(placement.inputProperties);
    expect(getPlan.outputs.required).toContain('willStopVm');
  });
});

describe('the data model refuses what cannot become every target', () => {
  const model = (definition: string) => () => readModel(`$defs:\n  A:\n    ${definition.replaceAll('\n', '\n    ')}`);
  const inside = (property: string) => model(`type: object\ndescription: x\nadditionalProperties: false\nproperties:\n  p: ${property}`);

  it.each([
    ['anyOf', '{description: x, anyOf: [{type: string}]}', '/$defs/A/properties/p/anyOf: "anyOf" cannot be converted'],
    ['const', '{description: x, type: string, const: a}', '/$defs/A/properties/p/const: "const"'],
    [
      'tuples',
      '{description: x, type: array, items: [{type: string}]}',
      '/$defs/A/properties/p/items: must be one schema object, not a list (a tuple)',
    ],
    ['prefixItems', '{description: x, type: array, items: {type: string}, prefixItems: []}', '/p/prefixItems: "prefixItems"'],
    ['patternProperties', '{description: x, type: object, patternProperties: {}}', '/p/patternProperties: "patternProperties"'],
    ['several types', '{description: x, type: [string, number]}', '/$defs/A/properties/p: type ["string","number"] is not one of'],
    ['open objects', '{description: x, type: object}', '/p: an object has "properties", or "additionalProperties"'],
    [
      'objects without a name',
      '{description: x, type: object, additionalProperties: false, properties: {}}',
      '/p: an object with properties must have a name',
    ],
    ['numbers in closed sets', '{description: x, type: string, enum: [1]}', '/p/enum: only strings'],
    ['unknown formats', '{description: x, type: string, format: date}', '/p/format: must be one of duration, size, rate, timestamp'],
    ['references to nothing', "{description: x, $ref: '#/$defs/B'}", '/$defs/A/properties/p: $ref to "B", which does not exist'],
    ['references elsewhere', "{description: x, $ref: 'http://example.org'}", '/p: $ref must look like'],
    ['missing descriptions', '{type: string}', '/$defs/A/properties/p: needs a description'],
    ['unknown marks', '{description: x, type: string, x-vmp: {hidden: true}}', '/p/x-vmp/hidden'],
  ])('%s', (_, property, message) => expect(inside(property)).toThrow(message));

  it.each([
    [
      'objects that take anything',
      'type: object\ndescription: x\nproperties: {}',
      '/$defs/A: an object with properties needs "additionalProperties: false"',
    ],
    ['plain definitions', 'type: string\ndescription: x', '/$defs/A: a definition is a closed object or a closed set of strings'],
    [
      'names that do not survive snake_case',
      'type: object\ndescription: x\nadditionalProperties: false\nproperties: {sizeGiB: {type: string, description: x}}',
      '/sizeGiB: a property name',
    ],
    [
      'required names without property',
      'type: object\ndescription: x\nadditionalProperties: false\nrequired: [q]\nproperties: {}',
      '/$defs/A/required: "q" is not a property',
    ],
    [
      'values without description',
      'type: string\ndescription: x\nenum: [a, b]\nx-vmp: {enumDescriptions: {a: x}}',
      '/enumDescriptions: must describe exactly a, b',
    ],
  ])('%s', (_, definition, message) => expect(model(definition)).toThrow(message));
});

function walk(value: unknown, visit: (spec: Spec) => unknown): void {
  if (Array.isArray(value)) value.forEach((item) => walk(item, visit));
  else if (typeof value === 'object' && value !== null) {
    visit(value);
    Object.values(value).forEach((item) => walk(item, visit));
  }
}
