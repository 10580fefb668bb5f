import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../../schema/generate/model.js';
import { generateNodejs } from '../../../schema/generate/nodejs.js';
import { pulumiSchema } from '../../../schema/generated/pulumi-schema.js';
import * as sdk from '../../../sdk/nodejs/index.js';

const root = join(import.meta.dirname, '../../..');
const folder = join(root, 'sdk/nodejs');

interface Described {
  readonly properties: Record<string, { readonly description: string }>;
  readonly required?: readonly string[];
}
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a foreign document, walked freely
const schema = pulumiSchema as any;
const placement = schema.resources['vmplacement:index:Placement'];
const inputs: Described = { properties: placement.inputProperties, required: placement.requiredInputs };
const outputs: Described = placement;
const types = Object.entries<Described & { enum?: { name: string; value: string; description?: string }[] }>(schema.types).map(
  ([token, type]) => [token.replace('vmplacement:index:', ''), type] as const,
);
const functions = (name: string): { inputs: Described; outputs: Described } => schema.functions[`vmplacement:index:${name}`];

/** Name, `?` where it may be left out, and what the editor shows. */
type Members = Record<string, string>;

describe('the SDK has every property of the schema, with its description, and nothing else', () => {
  const declared = [
    ['placement.ts', 'PlacementArgs', inputs],
    ['provider.ts', 'ProviderArgs', { properties: schema.provider.inputProperties }],
    ['getPlacement.ts', 'GetPlacementArgs', functions('getPlacement').inputs],
    ['getPlacement.ts', 'GetPlacementOutputArgs', functions('getPlacement').inputs],
    ['getPlacement.ts', 'GetPlacementResult', functions('getPlacement').outputs],
    ['getPlan.ts', 'GetPlanArgs', functions('getPlan').inputs],
    ['getPlan.ts', 'GetPlanOutputArgs', functions('getPlan').inputs],
    ['getPlan.ts', 'GetPlanResult', functions('getPlan').outputs],
  ] as const;

  it.each(declared)('%s: %s', (file, name, described) => expect(membersOf(file, name)).toEqual(expected(described)));

  it.each([
    ['placement.ts', 'Placement'],
    ['dynamicPlacement.ts', 'DynamicPlacement'],
  ])('%s: %s', (file, name) => {
    const all = Object.keys(outputs.properties);
    // In a class an output that may be absent is there, and undefined.
    expect(membersOf(file, name)).toEqual(expected({ ...outputs, required: all }));
    for (const property of all) {
      expect(textOf(file, name, property)).toMatch(
        outputs.required?.includes(property) ? /^pulumi\.Output<(?!.*undefined)/ : / \| undefined>$/,
      );
    }
  });

  it('in types/: each type where it is used, for inputs, outputs or both', () => {
    const objects = types.filter(([, type]) => type.enum === undefined);
    const input = namesIn('types/input.ts');
    const output = namesIn('types/output.ts');
    for (const name of input) {
      const [, type] = objects.find(([known]) => `${known}Args` === name) ?? [];
      expect(membersOf('types/input.ts', name), name).toEqual(expected(type!));
    }
    for (const name of output) {
      const [, type] = objects.find(([known]) => known === name) ?? [];
      expect(membersOf('types/output.ts', name), name).toEqual(expected(type!));
    }
    const covered = new Set([...input.map((name) => name.replace(/Args$/, '')), ...output]);
    expect([...covered].sort()).toEqual(objects.map(([name]) => name).sort());
  });

  it('in the closed sets', () => {
    const sets = types.flatMap(([name, type]) => (type.enum === undefined ? [] : [[name, type.enum] as const]));
    expect(namesIn('types/enums.ts').sort()).toEqual(sets.flatMap(([name]) => [name, name]).sort());
    for (const [name, values] of sets) {
      expect(sdk[name as 'Method'], name).toEqual(Object.fromEntries(values.map((value) => [value.name, value.value])));
      const shown = Object.fromEntries(values.map((value) => [value.name, value.description ?? '']));
      expect(membersOf('types/enums.ts', name), name).toEqual(shown);
    }
  });

  it('and every class and function says what it is', () => {
    for (const [file, name] of [
      ['placement.ts', 'Placement'],
      ['dynamicPlacement.ts', 'DynamicPlacement'],
      ['provider.ts', 'Provider'],
      ['getPlacement.ts', 'getPlacement'],
      ['getPlacement.ts', 'getPlacementOutput'],
      ['getPlan.ts', 'getPlan'],
      ['getPlan.ts', 'getPlanOutput'],
    ] as const) {
      expect(commentOf(find(file, name)), name).not.toBe('');
    }
  });
});

describe('secrets of the schema', () => {
  const secret = '{type: string, description: A secret., x-vmp: {secret: true}}';
  const model = readModel(
    readFileSync(join(root, 'schema/vmplacement.yaml'), 'utf8')
      .replace('    properties:\n      embedded:', `    properties:\n      password: ${secret}\n      embedded:`)
      .replace('      renew:', `      token: ${secret}\n      renew:`)
      .replace('      takeOver:', `      passphrase: ${secret}\n      takeOver:`)
      .replace('      spentShutdown:', `      fingerprint: ${secret}\n      spentShutdown:`),
  );
  const files = generateNodejs(model);

  it.each(['placement.ts', 'dynamicPlacement.ts'])('%s hides inputs and outputs', (file) => {
    expect(files.get(file)).toContain('passphrase: utilities.secret(args.passphrase),');
    expect(files.get(file)).toMatch(/additionalSecretOutputs: \['fingerprint'/);
    expect(files.get(file)).toContain('host: args.host,');
  });

  it('provider.ts hides them, and the whole of what has one inside', () => {
    expect(files.get('provider.ts')).toContain('password: utilities.secret(args.password),');
    expect(files.get('provider.ts')).toContain('lease: utilities.json(utilities.secret(args.lease)),');
    expect(files.get('provider.ts')).toContain('concurrency: utilities.json(args.concurrency),');
  });
});

function expected({ properties, required = [] }: Described): Members {
  return Object.fromEntries(
    Object.entries(properties).map(([name, { description }]) => [`${name}${required.includes(name) ? '' : '?'}`, description]),
  );
}

function membersOf(file: string, name: string): Members {
  return Object.fromEntries(membersIn(file, name).map((member) => [nameOf(member), commentOf(member)]));
}

function textOf(file: string, name: string, property: string): string {
  const member = membersIn(file, name).find((one) => nameOf(one) === property);
  if (member === undefined || !ts.isPropertyDeclaration(member)) throw new Error(`${file}: ${name} has no ${property}`);
  return member.type?.getText() ?? '';
}

type Member = ts.PropertySignature | ts.PropertyDeclaration | ts.PropertyAssignment;

function membersIn(file: string, name: string): Member[] {
  const found = find(file, name);
  if (ts.isInterfaceDeclaration(found)) return found.members.filter(ts.isPropertySignature);
  if (ts.isClassDeclaration(found))
    return found.members.filter(ts.isPropertyDeclaration).filter((member) => member.modifiers?.[0]?.kind === ts.SyntaxKind.DeclareKeyword);
  const set = ts.isVariableStatement(found) ? found.declarationList.declarations[0]?.initializer : undefined;
  if (set === undefined || !ts.isAsExpression(set) || !ts.isObjectLiteralExpression(set.expression))
    throw new Error(`${file}: what is ${name}?`);
  return set.expression.properties.filter(ts.isPropertyAssignment);
}

const nameOf = (member: Member): string => `${member.name.getText()}${'questionToken' in member && member.questionToken ? '?' : ''}`;

function commentOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((one) => ts.getTextOfJSDocComment(one.comment) ?? '')
    .join(' ')
    .replace(/\s+/g, ' ');
}

function find(file: string, name: string): ts.Statement {
  const found = statements(file).find((statement) => declaredBy(statement) === name);
  if (found === undefined) throw new Error(`${file} has no ${name}`);
  return found;
}

function declaredBy(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText();
  const isNamed = ts.isInterfaceDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement);
  return isNamed || ts.isTypeAliasDeclaration(statement) ? statement.name?.text : undefined;
}

const namesIn = (file: string): string[] => statements(file).flatMap((statement) => declaredBy(statement) ?? []);

function statements(file: string): readonly ts.Statement[] {
  return ts.createSourceFile(file, readFileSync(join(folder, file), 'utf8'), ts.ScriptTarget.Latest, true).statements;
}
