/**
 * Where the datacenter comes from (design.md §6): `--datacenter`, `VMPLACEMENT_DATACENTER`, `--stack` (its explicit providers
 * too), the Pulumi.yaml of the working directory. What is named explicitly is used or refused, never silently passed over.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { PlacementError } from '../core/errors.js';
import { shownPath, type Io } from './io.js';
import { findProjectFile, readProject, readStackConfig, selectedStack, type DeclaredProvider, type Project } from './project.js';
import { exportStack, type StackState } from './stack-state.js';
import type { Literals } from './values.js';

export interface SourceOptions {
  readonly datacenter?: string;
  readonly stack?: string;
  readonly provider?: string;
}

/** A configuration as it was found, not validated yet. */
export interface Found {
  /** Name of the explicit provider; null: the default one. */
  readonly provider: string | null;
  readonly config: Readonly<Record<string, unknown>>;
  /** Relative paths in `config` start here. */
  readonly baseDir: string;
  /** For a person: what and where. */
  readonly source: string;
}

export interface Sources {
  /** At least one; several when a program has several providers. */
  readonly found: readonly Found[];
  /** True when a file was named: it then holds for every placement, whatever provider that declares. */
  readonly forced: boolean;
  readonly project: Project | null;
  /** Stack named or selected; null when unknown. */
  readonly stack: string | null;
  readonly state: StackState | null;
}

/** Everything that can be known about where to look. Throws `input` listing what was tried. */
export async function findSources(options: SourceOptions, io: Io, projectFile?: string): Promise<Sources> {
  const named = options.datacenter ?? nonEmpty(io.env['VMPLACEMENT_DATACENTER']);
  const file = projectFile ?? findProjectFile(io.cwd);
  // A project file that does not parse must not stop a command that does not need it.
  const project = file === null ? null : named === undefined || projectFile !== undefined ? readProject(file) : readable(file);
  const stack = options.stack ?? (project === null ? null : selectedStack(project, io));
  if (named !== undefined) {
    const by = options.datacenter === undefined ? 'VMPLACEMENT_DATACENTER' : '--datacenter';
    return { found: [fromFile(named, by, io)], forced: true, project, stack, state: null };
  }
  const state = options.stack === undefined ? null : await exportStack(options.stack, project?.directory ?? io.cwd, io);
  const tried: string[] = ['--datacenter: not given', 'VMPLACEMENT_DATACENTER: not set'];
  if (options.stack === undefined) tried.push('--stack: not given');
  const found = [...fromProject(project, stack, io, tried), ...(state === null ? [] : fromState(state, project, io, tried))];
  const distinct = found.filter((one, index) => found.findIndex((other) => other.provider === one.provider) === index);
  if (distinct.length === 0) throw nothingFound(tried, options.stack);
  return { found: distinct, forced: false, project, stack, state };
}

/** The one datacenter that a command acts on; several need `--provider`. */
export function chooseOne(sources: Sources, provider: string | undefined): Found {
  const names = sources.found.map((one) => one.provider ?? 'default');
  if (provider !== undefined) {
    const chosen = sources.found.find((one) => (one.provider ?? 'default') === provider);
    if (chosen !== undefined) return chosen;
    throw new PlacementError('input', `There is no provider ${provider}; there is: ${names.join(', ')}.`, { path: '--provider' });
  }
  const [only, ...others] = sources.found;
  if (only !== undefined && others.length === 0) return only;
  throw new PlacementError('input', `Several providers are declared: ${names.join(', ')}.`, {
    path: '--provider',
    next: 'choose one with --provider NAME, or a file with --datacenter FILE.',
  });
}

function fromFile(name: string, by: string, io: Io): Found {
  const file = resolve(io.cwd, name);
  if (!existsSync(file)) {
    throw new PlacementError('input', `The datacenter file ${name} (${by}) does not exist.`, {
      path: by,
      next: `write it, or correct ${by}.`,
    });
  }
  return { provider: null, config: { datacenterFile: file }, baseDir: io.cwd, source: `${name} (${by})` };
}

/** The default provider by configuration (a stack's value wins over the project's), then the explicit ones of a YAML program. */
function fromProject(project: Project | null, stack: string | null, io: Io, tried: string[]): Found[] {
  if (project === null) {
    tried.push(`Pulumi.yaml: none in ${io.cwd} or above`);
    return [];
  }
  const show = (file: string): string => shownPath(file, io);
  const stackConfig = stack === null ? null : readStackConfig(project, stack);
  if (stackConfig === null)
    tried.push(
      stack === null ? 'Pulumi.<stack>.yaml: no stack is selected' : `Pulumi.${stack.split('/').at(-1) ?? stack}.yaml: does not exist`,
    );
  const overriding =
    stackConfig === null ? [] : [...Object.keys(stackConfig.config.values), ...stackConfig.config.unknown.map(({ name }) => name)];
  // The stack's value of a key hides the project's, also where the stack's is a secret.
  const values = { ...without(project.config.values, overriding), ...stackConfig?.config.values };
  const unknown = [...project.config.unknown.filter(({ name }) => !overriding.includes(name)), ...(stackConfig?.config.unknown ?? [])];
  const files = [show(project.file), ...(stackConfig === null ? [] : [show(stackConfig.file)])];
  const found: Found[] = [];
  const inline = project.providers.find((provider) => provider.isDefault);
  if (namesDatacenter(values)) {
    found.push({
      provider: null,
      config: values,
      baseDir: project.directory,
      source: `${what(values)} (${overriding.length > 0 ? files.join(' + ') : show(project.file)})`,
    });
  } else if (inline === undefined)
    tried.push(
      `${files.join(', ')}: ${why({ values, unknown }, '`vmplacement:datacenterFile`, `vmplacement:libvirt` or `vmplacement:embedded`')}`,
    );
  for (const provider of project.providers) {
    const one = fromProvider(provider, project.directory, `resource ${provider.name} of ${show(project.file)}`, tried);
    if (one !== null) found.push(provider.isDefault ? { ...one, provider: null } : one);
  }
  return found;
}

function fromState(state: StackState, project: Project | null, io: Io, tried: string[]): Found[] {
  if (state.providers.length === 0) tried.push(`state of stack ${state.stack}: holds no vmplacement provider`);
  return state.providers.flatMap((provider) => {
    const one = fromProvider(provider, project?.directory ?? io.cwd, `provider ${provider.name} of stack ${state.stack}`, tried);
    return one === null ? [] : [provider.isDefault ? { ...one, provider: null } : one];
  });
}

function fromProvider(provider: DeclaredProvider, baseDir: string, source: string, tried: string[]): Found | null {
  if (namesDatacenter(provider.config.values))
    return { provider: provider.name, config: provider.config.values, baseDir, source: `${what(provider.config.values)} (${source})` };
  tried.push(`${source}: ${why(provider.config, '`datacenterFile`, `libvirt` or `embedded`')}`);
  return null;
}

/** A configuration is usable when the key that names the datacenter is literal; the settings beside it have defaults. */
const datacenterKeys = ['embedded', 'libvirt', 'datacenterFile'];
const namesDatacenter = (values: Readonly<Record<string, unknown>>): boolean => datacenterKeys.some((key) => key in values);

/** What the configuration names, for a person. */
const what = (values: Readonly<Record<string, unknown>>): string =>
  typeof values['datacenterFile'] === 'string' ? values['datacenterFile'] : `${'libvirt' in values ? 'libvirt' : 'embedded'} datacenter`;

function why(config: Literals, wanted: string): string {
  const hidden = config.unknown.filter(({ name }) => datacenterKeys.includes(name));
  if (hidden.length > 0)
    return hidden.map(({ name, text }) => `\`${name}\` is ${text.includes('${') ? `computed (${text})` : text}`).join(', ');
  return `no ${wanted}`;
}

function nothingFound(tried: readonly string[], stack: string | undefined): PlacementError {
  const list = tried.map((line) => `\n  - ${line}`).join('');
  return new PlacementError('input', `No datacenter is configured${stack === undefined ? '' : ` for stack ${stack}`}. Tried:${list}\n`, {
    next: 'name a file with --datacenter FILE or VMPLACEMENT_DATACENTER, or run this in the folder of a Pulumi project that configures `vmplacement:datacenterFile`.',
  });
}

function readable(file: string): Project | null {
  try {
    return readProject(file);
  } catch (error) {
    if (PlacementError.isInstance(error)) return null;
    throw error;
  }
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);

function without(values: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));
}
