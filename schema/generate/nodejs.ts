/**
 * The TypeScript SDK: what programs import. Its form is that of the SDKs that `pulumi package gen-sdk` writes, so that nothing about it is
 * new to who knows one, with two differences: it is part of this package, and it asks for no version of the plugin, since the engine would
 * then look for an installed one of exactly that version and try to download it.
 */
import type { ClosedObject, Model, Node, Property } from './model.js';
import { comment, enumsFile, header, importsOf, interfaceOf, typeOf, typesFile, type Form } from './nodejs-types.js';
import { describe, partsOf, reachable, type Parts } from './pulumi.js';

/** All generated files of sdk/nodejs, by path below it. */
export function generateNodejs(model: Model): Map<string, string> {
  const parts = partsOf(model);
  const { config, inputs, outputs, getPlacement, getPlan } = parts;
  const given = [config, inputs];
  const read = [outputs, getPlacement.inputs, getPlan.inputs, getPlan.outputs];
  return new Map([
    ['index.ts', index],
    ['placement.ts', placementFile(model, parts)],
    ['dynamicPlacement.ts', dynamicPlacementFile(model, parts)],
    ['provider.ts', providerFile(model, config)],
    ['getPlacement.ts', functionFile(model, 'getPlacement', getPlacement)],
    ['getPlan.ts', functionFile(model, 'getPlan', getPlan)],
    ['types/index.ts', typesIndex],
    ['types/enums.ts', enumsFile(model, [...given, ...read])],
    ['types/input.ts', typesFile(given, { model, values: 'args', place: 'types' })],
    ['types/output.ts', typesFile(read, { model, values: 'plain', place: 'types' })],
  ]);
}

const index = `${header}

export { DynamicPlacement } from './dynamicPlacement.js';
export { getPlacement, getPlacementOutput, type GetPlacementArgs, type GetPlacementOutputArgs, type GetPlacementResult } from './getPlacement.js';
export { getPlan, getPlanOutput, type GetPlanArgs, type GetPlanOutputArgs, type GetPlanResult } from './getPlan.js';
export { Placement, type PlacementArgs } from './placement.js';
export { Provider, type ProviderArgs } from './provider.js';
export * from './types/enums.js';
export * as types from './types/index.js';
`;

const typesIndex = `${header}

export * as enums from './enums.js';
export type * as input from './input.js';
export type * as output from './output.js';
`;

const args = (model: Model): Form => ({ model, values: 'args', place: 'outside' });
const plain = (model: Model): Form => ({ model, values: 'plain', place: 'outside' });

function placementFile(model: Model, { inputs, outputs }: Parts): string {
  return file(`
${comment(inputs.description)}export class Placement extends pulumi.CustomResource {
  /** @internal */
  static readonly __pulumiType = 'vmplacement:index:Placement';

  /** The placement of a VM that this program does not manage. Its \`id\` is the name or UUID of the VM. */
  static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): Placement {
    return new Placement(name, {} as PlacementArgs, { ...opts, id });
  }

  /** Whether it is a Placement, also one of another copy of this package. */
  static override isInstance(obj: unknown): obj is Placement {
    return utilities.isOfType(obj, Placement.__pulumiType);
  }

${outputMembers(model, outputs)}

${constructorComment('PlacementArgs')}
  constructor(name: string, args: PlacementArgs, opts: pulumi.CustomResourceOptions = {}) {
    ${requirement(inputs, '!opts.id && !opts.urn')}
    super(Placement.__pulumiType, name, {${inputValues(model, inputs)}${outputValues(inputs, outputs)}}, ${optionsWith(secretOutputs(model, outputs))});
  }
}

${interfaceOf('PlacementArgs', inputs, args(model), 'What a placement declares.')}

pulumi.runtime.registerResourceModule('vmplacement', 'index', {
  construct(name: string, type: string, urn: string): pulumi.Resource {
    if (type !== Placement.__pulumiType) throw new Error(\`unknown resource type \${type}\`);
    return new Placement(name, {} as PlacementArgs, { urn });
  },
});
`);
}

function dynamicPlacementFile(model: Model, { inputs, outputs }: Parts): string {
  // The plugin decides by its value whether this one is a secret; a dynamic provider cannot return secrets.
  const secrets = [...secretOutputs(model, outputs), 'spentShutdown'];
  return file(
    `
${comment(`${inputs.description} As a dynamic resource, which needs no plugin: the same inputs and outputs as \`Placement\`.`)}export class DynamicPlacement extends pulumi.dynamic.Resource {
  /** @internal */
  static readonly __pulumiType = 'pulumi-nodejs:dynamic/vmplacement:Placement';

  /** Whether it is a DynamicPlacement, also one of another copy of this package. */
  static override isInstance(obj: unknown): obj is DynamicPlacement {
    return utilities.isOfType(obj, DynamicPlacement.__pulumiType);
  }

${outputMembers(model, outputs)}

${constructorComment('PlacementArgs')}
  constructor(name: string, args: PlacementArgs, opts: pulumi.CustomResourceOptions = {}) {
    refuseOptions(name, opts);
    ${requirement(inputs, '!opts.id && !opts.urn')}
    super(
      dynamicProvider(),
      name,
      {${inputValues(model, inputs)}${outputValues(inputs, outputs)}...hiddenInputs(name, DynamicPlacement.__pulumiType, opts)},
      ${optionsWith(secrets)},
      'vmplacement',
      'Placement',
    );
  }
}
`,
    `import { dynamicProvider, hiddenInputs, refuseOptions } from './dynamicProvider.js';
import type { PlacementArgs } from './placement.js';`,
  );
}

function providerFile(model: Model, config: ClosedObject): string {
  return file(`
${comment(`An explicit provider, for other configuration than the stack's. ${config.description}`)}export class Provider extends pulumi.ProviderResource {
  /** @internal */
  static readonly __pulumiType = 'vmplacement';

  /** Whether it is a Provider, also one of another copy of this package. */
  static override isInstance(obj: unknown): obj is Provider {
    return utilities.isOfType(obj, \`pulumi:providers:\${Provider.__pulumiType}\`);
  }

${constructorComment('ProviderArgs')}
  constructor(name: string, args: ProviderArgs = {}, opts: pulumi.ResourceOptions = {}) {
    ${requirement(config, '!opts.urn')}
    super(Provider.__pulumiType, name, {${config.properties.map((property) => configValue(model, property)).join('')}}, opts);
  }
}

${interfaceOf('ProviderArgs', config, args(model), 'The configuration of a provider.')}

pulumi.runtime.registerResourcePackage('vmplacement', {
  constructProvider(name: string, type: string, urn: string): pulumi.ProviderResource {
    if (type !== \`pulumi:providers:\${Provider.__pulumiType}\`) throw new Error(\`unknown provider type \${type}\`);
    return new Provider(name, {}, { urn });
  },
});
`);
}

function functionFile(model: Model, name: string, { description, inputs, outputs }: Parts['getPlacement']): string {
  const upper = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  const values = inputs.properties.map((property) => `${property.name}: args.${property.name},`).join('');
  return file(`
${comment(description)}export function ${name}(args: ${upper}Args, opts: pulumi.InvokeOptions = {}): Promise<${upper}Result> {
  return pulumi.runtime.invoke('vmplacement:index:${name}', {${values}}, opts) as Promise<${upper}Result>;
}

${comment(`${description} Takes outputs of resources, and gives an output.`)}export function ${name}Output(args: ${upper}OutputArgs, opts: pulumi.InvokeOutputOptions = {}): pulumi.Output<${upper}Result> {
  return pulumi.runtime.invokeOutput<${upper}Result>('vmplacement:index:${name}', {${values}}, opts);
}

${interfaceOf(`${upper}Args`, inputs, plain(model), `What \`${name}\` is asked.`)}

${interfaceOf(`${upper}OutputArgs`, inputs, args(model), `What \`${name}Output\` is asked.`)}

${interfaceOf(`${upper}Result`, outputs, plain(model))}
`);
}

function file(body: string, imports = ''): string {
  const utilities = body.includes('utilities.') ? `import * as utilities from './utilities.js';` : '';
  return [header, '', importsOf(body, './types'), imports, utilities, body].filter((part, at) => part !== '' || at === 1).join('\n');
}

function outputMembers(model: Model, outputs: ClosedObject): string {
  return outputs.properties
    .map(({ name, required, node }) => {
      const type = `${typeOf(node, plain(model))}${required ? '' : ' | undefined'}`;
      return `${comment(describe(node))}declare readonly ${name}: pulumi.Output<${type}>;`;
    })
    .join('\n');
}

const constructorComment = (argsName: string): string =>
  [
    '/**',
    ' * @param name Its name in the program.',
    ` * @param args See {@link ${argsName}}.`,
    ' * @param opts Options that every resource has.',
    ' */',
  ].join('\n');

/** `isNew`: one that exists already is only read, and needs nothing. */
function requirement({ properties }: ClosedObject, isNew: string): string {
  const names = properties.filter(({ required }) => required).map(({ name }) => `, '${name}'`);
  return names.length === 0 ? '' : `if (${isNew}) utilities.requireProperties(args${names.join('')});`;
}

function inputValues(model: Model, { properties }: ClosedObject): string {
  return properties
    .map(({ name, node }) => `${name}: ${isSecret(model, node) ? `utilities.secret(args.${name})` : `args.${name}`},`)
    .join('');
}

/** Properties without a value here become outputs that resolve to what the provider answers. */
function outputValues(inputs: ClosedObject, outputs: ClosedObject): string {
  const known = new Set(inputs.properties.map(({ name }) => name));
  const names = outputs.properties.map(({ name }) => name).filter((name) => !known.has(name));
  return names.map((name) => `${name}: undefined,`).join('');
}

function configValue(model: Model, { name, node }: Property): string {
  const value = isSecret(model, node) ? `utilities.secret(args.${name})` : `args.${name}`;
  return `${name}: ${node.kind === 'scalar' && node.type === 'string' ? value : `utilities.json(${value})`},`;
}

function optionsWith(secrets: readonly string[]): string {
  if (secrets.length === 0) return 'opts';
  return `pulumi.mergeOptions(opts, { additionalSecretOutputs: [${secrets.map((name) => `'${name}'`).join(', ')}] })`;
}

const secretOutputs = (model: Model, outputs: ClosedObject): string[] =>
  outputs.properties.filter(({ node }) => isSecret(model, node)).map(({ name }) => name);

/** One that is marked, and one with such a property somewhere inside: secrets are kept for whole inputs. */
function isSecret(model: Model, node: Node): boolean {
  if (node.secret) return true;
  return reachable(model, [node]).some((name) => {
    const def = model.defs.get(name);
    return def?.kind === 'object' && def.properties.some((property) => holdsSecret(property.node));
  });
}

function holdsSecret(node: Node): boolean {
  if (node.secret) return true;
  if (node.kind === 'list') return holdsSecret(node.items);
  return node.kind === 'map' && holdsSecret(node.values);
}
