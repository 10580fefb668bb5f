/** What a Pulumi stack's state says: its placements with their inputs, and the providers they use. */
import { PlacementError } from '../core/errors.js';
import type { Io } from './io.js';
import { placementType, providerType, type DeclaredPlacement, type DeclaredProvider } from './project.js';
import { isRecord, literals } from './values.js';

export interface StackState {
  readonly stack: string;
  readonly project: string | null;
  readonly providers: readonly DeclaredProvider[];
  readonly placements: readonly DeclaredPlacement[];
}

/** Asks `pulumi stack export`. Secrets stay encrypted: nothing here needs one. */
export async function exportStack(stack: string, directory: string, io: Io): Promise<StackState> {
  // `--stack=` in one argument: a name beginning with a dash is then no option.
  const result = await io.exec('pulumi', ['stack', 'export', `--stack=${stack}`, '--non-interactive'], directory);
  if ('missing' in result) {
    throw new PlacementError('input', `The state of stack ${stack} cannot be read: there is no \`pulumi\` on the PATH.`, {
      next: 'install the Pulumi CLI, or name the datacenter with --datacenter FILE.',
    });
  }
  if (result.code !== 0) {
    const said = result.stderr.trim().split('\n').at(-1) ?? '';
    throw new PlacementError('input', `\`pulumi stack export --stack ${stack}\` failed in ${directory}: ${said.replace(/^error: /, '')}.`, {
      next: '`pulumi stack ls` lists the stacks.',
    });
  }
  return parseStackState(stack, result.stdout);
}

/** Reads an exported deployment, version 3 or 4; additive fields are ignored. */
export function parseStackState(stack: string, text: string): StackState {
  const exported: unknown = parseJson(stack, text);
  const version = isRecord(exported) ? exported['version'] : undefined;
  const features: unknown[] = isRecord(exported) && Array.isArray(exported['features']) ? exported['features'] : [];
  const unknownFeatures = features.filter((feature) => !knownFeatures.includes(String(feature)));
  if ((version !== 3 && version !== 4) || unknownFeatures.length > 0) {
    const form = [`version ${String(version)}`, ...unknownFeatures.map((feature) => `feature ${String(feature)}`)].join(', ');
    throw new PlacementError('input', `The state of stack ${stack} has a form (${form}) that this version does not know.`);
  }
  const deployment = isRecord(exported) && isRecord(exported['deployment']) ? exported['deployment'] : {};
  const resources = (Array.isArray(deployment['resources']) ? deployment['resources'] : [])
    .filter(isRecord)
    .filter((resource) => resource['delete'] !== true);
  const urns = resources.map((resource) => String(resource['urn'])).filter((urn) => urn.startsWith('urn:pulumi:'));
  return {
    stack,
    project: urns[0]?.split('::')[1] ?? null,
    providers: resources
      .filter((resource) => resource['type'] === providerType)
      .map((resource) => ({
        name: nameOf(String(resource['urn'])),
        isDefault: isDefaultProvider(String(resource['urn'])),
        config: literals(without(resource['inputs'], providerOwn)),
      })),
    placements: resources
      .filter((resource) => placementType.test(String(resource['type'])))
      .map((resource) => ({
        name: nameOf(String(resource['urn'])),
        provider: providerOf(resource['provider']),
        inputs: literals(without(resource['inputs'], checkedInputs)),
        urn: String(resource['urn']),
        declaredOn: 'program',
      })),
  };
}

/** Of `pulumi` 3.259: none of them changes how inputs are written. Unknown ones must be refused (a state may then mean something else). */
const knownFeatures = [
  'refreshBeforeUpdate',
  'views',
  'hooks',
  'taint',
  'replaceWith',
  'snippets-prototype',
  'extensionParameterization',
  'byteString',
];

/** Added by the engine or by Check; no declaration. */
const providerOwn = ['version', 'pluginDownloadURL', '__internal'];
const checkedInputs = ['plan', 'onDestroy', '__provider'];

/** urn:pulumi:stack::project::type::name */
const nameOf = (urn: string): string => urn.split('::').slice(3).join('::');
const isDefaultProvider = (urn: string): boolean => /^default(_|$)/.test(nameOf(urn));

function providerOf(reference: unknown): string | null {
  if (typeof reference !== 'string') return null;
  // The reference is the URN, then `::` and the id.
  const urn = reference.slice(0, reference.lastIndexOf('::'));
  return isDefaultProvider(urn) ? null : nameOf(urn);
}

function without(inputs: unknown, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(isRecord(inputs) ? inputs : {}).filter(([name]) => !names.includes(name)));
}

function parseJson(stack: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PlacementError('input', `The state of stack ${stack} is not JSON.`, { cause: error });
  }
}
