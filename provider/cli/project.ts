/** A Pulumi project as it lies on disk: what its files say without the engine. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { PlacementError } from '../core/errors.js';
import type { Io } from './io.js';
import { isRecord, literals, type Literals } from './values.js';

export interface Project {
  readonly file: string;
  readonly directory: string;
  readonly name: string;
  /** `vmplacement:...` of the `config:` block, by name. */
  readonly config: Literals;
  readonly stackConfigDirectory: string;
  /** Explicit providers of a YAML program; empty for a program in a language. */
  readonly providers: readonly DeclaredProvider[];
  readonly placements: readonly DeclaredPlacement[];
  /** True for `runtime: yaml`: only then the file says all about its resources. */
  readonly isYaml: boolean;
}

export interface DeclaredProvider {
  readonly name: string;
  readonly isDefault: boolean;
  readonly config: Literals;
}

export interface DeclaredPlacement {
  readonly name: string;
  /** Name of its explicit provider; null: the default one. */
  readonly provider: string | null;
  readonly inputs: Literals;
  readonly urn: string | null;
  /** `program`: in a stack file or state. */
  readonly declaredOn: 'program' | 'command line';
}

export const placementType = /^vmplacement:(index(\/placement)?:)?Placement$/i;
export const providerType = 'pulumi:providers:vmplacement';

/** Reads a project or stack file; an error names file, line and column. */
export function readProject(file: string): Project {
  const document = readYaml(file);
  const directory = dirname(resolve(file));
  const resources = isRecord(document['resources']) ? Object.entries(document['resources']).filter(isResource) : [];
  const runtime = isRecord(document['runtime']) ? document['runtime']['name'] : document['runtime'];
  return {
    file: resolve(file),
    directory,
    name: typeof document['name'] === 'string' ? document['name'] : basename(directory),
    config: literals(packageConfig(document['config'], 'project')),
    stackConfigDirectory: resolve(directory, typeof document['stackConfigDir'] === 'string' ? document['stackConfigDir'] : '.'),
    isYaml: runtime === 'yaml' || runtime === undefined,
    providers: resources
      .filter(([, resource]) => resource['type'] === providerType)
      .map(([name, resource]) => ({ name, isDefault: resource['defaultProvider'] === true, config: literals(resource['properties']) })),
    placements: resources
      .filter(([, resource]) => typeof resource['type'] === 'string' && placementType.test(resource['type']))
      .map(([name, resource]) => ({
        name,
        provider: providerOf(resource),
        inputs: literals(resource['properties']),
        urn: null,
        declaredOn: 'program',
      })),
  };
}

/** The nearest Pulumi.yaml at or above this directory, as Pulumi itself looks for it. */
export function findProjectFile(directory: string): string | null {
  for (let at = resolve(directory); ; at = dirname(at)) {
    for (const name of ['Pulumi.yaml', 'Pulumi.yml']) if (existsSync(join(at, name))) return join(at, name);
    if (dirname(at) === at) return null;
  }
}

/** `vmplacement:...` of Pulumi.<stack>.yaml; null where there is no such file. */
export function readStackConfig(project: Project, stack: string): { readonly file: string; readonly config: Literals } | null {
  const short = stack.split('/').at(-1) ?? stack;
  const files = ['yaml', 'yml'].map((extension) => join(project.stackConfigDirectory, `Pulumi.${short}.${extension}`));
  const file = files.find((candidate) => existsSync(candidate));
  return file === undefined ? null : { file, config: literals(packageConfig(readYaml(file)['config'], 'stack')) };
}

/** The stack that `pulumi` would use here; null where none is selected and there is not exactly one. */
export function selectedStack(project: Project, io: Io): string | null {
  const fromEnvironment = io.env['PULUMI_STACK'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') return fromEnvironment;
  return fromWorkspace(project, io) ?? onlyStackFile(project);
}

/** Where `pulumi stack select` keeps its choice: one file per project file, named after its path. */
function fromWorkspace(project: Project, io: Io): string | null {
  const home = io.env['PULUMI_HOME'] ?? join(io.env['HOME'] ?? '', '.pulumi');
  const paths = new Set([project.file, existsSync(project.file) ? realpathSync(project.file) : project.file]);
  for (const path of paths) {
    const file = join(home, 'workspaces', `${project.name}-${createHash('sha1').update(path).digest('hex')}-workspace.json`);
    if (!existsSync(file)) continue;
    const settings = JSON.parse(readFileSync(file, 'utf8')) as { stack?: string; stacks?: Record<string, string> };
    const chosen = new Set(Object.values(settings.stacks ?? {}));
    // With several backends the file does not say which one is in use now.
    if (chosen.size === 1) return [...chosen][0] ?? null;
    if (chosen.size === 0 && settings.stack !== undefined && settings.stack !== '') return settings.stack;
  }
  return null;
}

function onlyStackFile(project: Project): string | null {
  if (!existsSync(project.stackConfigDirectory)) return null;
  const names = readdirSync(project.stackConfigDirectory).flatMap((name) => /^Pulumi\.([^.]+)\.ya?ml$/.exec(name)?.[1] ?? []);
  return names.length === 1 ? (names[0] ?? null) : null;
}

/** In a project file a value of another package's key stands under `value:` (or `default:`), in a stack file it stands alone. */
function packageConfig(config: unknown, where: 'project' | 'stack'): Record<string, unknown> {
  const entries = Object.entries(isRecord(config) ? config : {}).filter(([key]) => key.startsWith('vmplacement:'));
  const value = (raw: unknown): unknown => {
    if (where === 'stack' || !isRecord(raw)) return raw;
    if ('value' in raw) return raw['value'];
    return 'default' in raw ? raw['default'] : raw;
  };
  return Object.fromEntries(entries.map(([key, raw]) => [key.slice('vmplacement:'.length), value(raw)]));
}

function isResource(entry: [string, unknown]): entry is [string, Record<string, unknown>] {
  return isRecord(entry[1]);
}

function providerOf(resource: Record<string, unknown>): string | null {
  const provider = isRecord(resource['options']) ? resource['options']['provider'] : null;
  return typeof provider === 'string' ? (/^\$\{([^}]+)\}$/.exec(provider.trim())?.[1] ?? provider) : null;
}

function readYaml(file: string): Record<string, unknown> {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new PlacementError(
      'input',
      `${file} cannot be read: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message}.`,
      { cause: error },
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new PlacementError('input', `${file}:${line}:${col}: ${fault.message}`);
  }
  const value: unknown = document.toJS();
  if (value === null) return {};
  if (!isRecord(value)) throw new PlacementError('input', `${file}:1:1: a YAML mapping is expected here.`);
  return value;
}
