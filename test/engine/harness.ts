/** A stack of its own for one test, on the real engine, with the built plugin and an embedded datacenter in a temporary folder. */
import { spawn } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, inject, onTestFinished } from 'vitest';
import { parse, stringify } from 'yaml';
import { datacenter as usual } from './datacenter.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const dist = process.env['VMPLACEMENT_TEST_DIST'] ?? join(root, 'dist');
const bin = join(dist, 'bin');
/** One for all tests of a worker: the engine keeps schemas and credentials there. */
const home = join(tmpdir(), `vmplacement-engine-${process.pid}`);
afterAll(() => rm(home, { recursive: true, force: true }));

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, as a person sees them. */
  readonly text: string;
}

export interface Placement {
  readonly type?: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** What a test's `Pulumi.yaml` says; placements by the names of their resources. */
export interface Program {
  /** The project's, where another one than the usual is meant. */
  readonly name?: string;
  readonly placements: Readonly<Record<string, Placement | Readonly<Record<string, unknown>>>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** JavaScript after the placements, in a program that is none in YAML; they are there as `placements`. */
  readonly code?: string;
}

/** How a program says its placements: in YAML, or in TypeScript by the class for the plugin or by the one that needs none. */
export type Door = 'yaml' | 'Placement' | 'DynamicPlacement';

export interface StackResource {
  readonly urn: string;
  readonly id: string;
  readonly type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly initErrors?: readonly string[];
  readonly refreshBeforeUpdate?: boolean;
}

export interface Stack {
  readonly dir: string;
  /** Runs the engine's command; `--stack`, `--color`, and for those that ask `--yes`, are added. */
  pulumi(...args: string[]): Promise<Result>;
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Started;
  /** The `vmplacement` command on this stack's datacenter. */
  vmplacement(...args: string[]): Promise<Result>;
  /** Acts as the outside world: `vmplacement embedded ...`. */
  outside(...args: string[]): Promise<void>;
  write(program: Program): Promise<void>;
  /** Settings beside the datacenter in its file, e.g. of the lease. */
  configure(settings: Readonly<Record<string, unknown>>): Promise<void>;
  /** As exported. */
  resources(): Promise<readonly StackResource[]>;
  /** By the name of the resource. */
  placement(name: string): Promise<StackResource>;
  exported(): Promise<string>;
  /** Another stack with all that this one has and did: its state, its datacenter, its store. */
  copy(atEnd: AtEnd): Promise<Stack>;
  /** The same stack, whose commands are started by this one: `unshare --uts ...`. */
  by(starter: readonly string[]): Stack;
}

/** Where the removal of what was made is registered: at the end of a test, or of all tests of a file. */
export type AtEnd = (remove: () => Promise<void>) => void;

export interface Started {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly result: Promise<Result>;
  /** Ends with the process itself, before what it said last was read. */
  readonly gone: Promise<void>;
  /** Resolves when the output matches. */
  readonly says: (pattern: RegExp) => Promise<void>;
}

/** A new stack with this program, never deployed. */
export async function stack(
  program: Program,
  datacenter: object = usual(),
  atEnd: AtEnd = onTestFinished,
  door: Door = 'yaml',
): Promise<Stack> {
  const dir = await folder(atEnd);
  await Promise.all([mkdir(join(dir, 'state')), mkdir(home, { recursive: true })]);
  await writeFile(join(dir, 'datacenter.yaml'), stringify(datacenter));
  const made = stackIn(dir, door);
  if (door !== 'yaml') {
    await symlink(join(inject('installed'), 'node_modules'), join(dir, 'node_modules'));
    await copyFile(join(root, 'test/engine/program-runner.mjs'), join(dir, 'run.mjs'));
    await writeFile(join(dir, 'package.json'), '{"private":true,"type":"module"}\n');
  }
  await made.write(program);
  expectDone(await made.pulumi('stack', 'init', 'dev'), ['stack', 'init']);
  return made;
}

async function folder(atEnd: AtEnd): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'vmplacement-stack-'));
  atEnd(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

function stackIn(dir: string, door: Door, starter: readonly string[] = []): Stack {
  const env = {
    ...process.env,
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${join(dir, 'state')}`,
    PULUMI_CONFIG_PASSPHRASE: 'only for tests',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    NO_COLOR: '1',
    ...(door === 'yaml' ? {} : { PATH: `${join(inject('installed'), 'node_modules/@pulumi/pulumi')}:${process.env['PATH'] ?? ''}` }),
  };
  const start = (command: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const [file = command, ...all] = [...starter, command, ...args];
    return begin(file, all, dir, { ...env, ...more });
  };
  const command = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    door !== 'yaml' && runsProgram.has(args[0] ?? '')
      ? start(process.execPath, ['run.mjs', ...args], more)
      : start(inject('pulumi').bin, withUsual(args), more);
  const pulumi = (...args: string[]) => command(args).result;
  const vmplacement = (...args: string[]) =>
    start(process.execPath, [join(dist, 'provider/cli/main.js'), ...args, '--datacenter', join(dir, 'datacenter.yaml')]).result;

  const self: Stack = {
    dir,
    pulumi,
    start: command,
    vmplacement,
    outside: async (...args) => expectDone(await vmplacement('embedded', ...args), args),
    write: async (next) => {
      await writeFile(join(dir, 'Pulumi.yaml'), stringify(document(next, door)));
      if (door !== 'yaml') await writeFile(join(dir, 'program.mjs'), source(next, door));
    },
    configure: async (settings) => {
      const file = join(dir, 'datacenter.yaml');
      await writeFile(file, stringify({ ...(parse(await readFile(file, 'utf8')) as object), ...settings }));
    },
    exported: async () => (await pulumi('stack', 'export')).stdout,
    resources: async () => {
      const state = JSON.parse(await self.exported()) as { deployment: { resources?: StackResource[] } };
      return state.deployment.resources ?? [];
    },
    placement: async (name) => {
      const found = (await self.resources()).find((resource) => resource.urn.endsWith(`::${name}`));
      if (found === undefined) throw new Error(`no resource ${name} in the state`);
      return found;
    },
    copy: async (atEnd) => {
      const to = await folder(atEnd);
      await cp(dir, to, { recursive: true });
      return stackIn(to, door, starter);
    },
    by: (other) => stackIn(dir, door, other),
  };
  return self;
}

/** A stack whose placements were adopted where their VMs are. */
export async function deployed(program: Program, datacenter?: object, atEnd?: AtEnd, door?: Door): Promise<Stack> {
  const made = await stack(program, datacenter, atEnd, door);
  expectDone(await made.pulumi('up', '--skip-preview'), ['up']);
  return made;
}

/** An operation that must end well. */
export async function done(operation: Promise<Result>): Promise<Result> {
  const result = await operation;
  expect(result.code, result.text).toBe(0);
  return result;
}

function expectDone(result: Result, args: readonly string[]): void {
  if (result.code !== 0) throw new Error(`${args.join(' ')} exited with ${result.code}:\n${result.text}`);
}

function document(
  { name = 'fleet', placements, config = { datacenterFile: 'datacenter.yaml' }, variables, resources, outputs }: Program,
  door: Door,
): object {
  const project = { name, config: Object.fromEntries(Object.entries(config).map(([key, value]) => [`vmplacement:${key}`, { value }])) };
  if (door === 'DynamicPlacement') return { ...project, runtime: 'nodejs' };
  const plugins = { providers: [{ name: 'vmplacement', path: bin }] };
  if (door === 'Placement') return { ...project, runtime: 'nodejs', plugins };
  const placed = Object.fromEntries(
    Object.entries(placements).map(([name, placement]) => [
      name,
      { type: 'vmplacement:Placement', ...('properties' in placement ? placement : { properties: placement }) },
    ]),
  );
  return {
    ...project,
    runtime: 'yaml',
    plugins,
    ...(variables === undefined ? {} : { variables }),
    resources: { ...placed, ...resources },
    ...(outputs === undefined ? {} : { outputs }),
  };
}

/** The same program in JavaScript: what a user writes, with the class of this door. */
function source({ placements, code = '' }: Program, door: Door): string {
  const made = Object.entries(placements).map(([name, placement]) => {
    const { properties, options } = 'properties' in placement ? (placement as Placement) : { properties: placement };
    const args = [name, properties, ...(options === undefined ? [] : [options])].map((value) => JSON.stringify(value, null, 2));
    return `  placements[${JSON.stringify(name)}] = new Placement(${args.join(', ')});`;
  });
  return [
    "import * as pulumi from '@pulumi/pulumi';",
    `import { ${door} as Placement } from 'pulumi-vmplacement';`,
    'export default async function program() {',
    '  const placements = {};',
    ...made,
    code,
    '}',
    '',
  ].join('\n');
}

const runsProgram = new Set(['up', 'preview']);

const asks = new Set(['up', 'destroy', 'refresh', 'import']);

function withUsual(args: readonly string[]): string[] {
  const [command = '', ...rest] = args;
  if (command === 'stack' && rest[0] === 'init') return [...args, '--color', 'never', '--non-interactive'];
  const yes = asks.has(command) && !args.includes('--preview-only') ? ['--yes'] : [];
  return [...args, ...yes, '--stack', 'dev', '--color', 'never', '--non-interactive'];
}

function begin(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Started {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [stdout, stderr, text] = ['', '', ''];
  const listeners = new Set<() => void>();
  const heard = () => listeners.forEach((listener) => listener());
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => ((stdout += chunk), (text += chunk), heard()));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => ((stderr += chunk), (text += chunk), heard()));
  const result = new Promise<Result>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (resolve({ code: code ?? 255, stdout, stderr, text }), heard()));
  });
  const gone = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return {
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    result,
    gone,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const listener = () => {
          if (pattern.test(text)) return resolve();
          if (child.exitCode !== null) reject(new Error(`ended without saying ${pattern.source}:\n${text}`));
        };
        listeners.add(listener);
        listener();
      }),
  };
}
