/** A stack of its own for one test, on the real engine, with the built plugin and an embedded datacenter in a temporary folder. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { inject, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { datacenter as usual } from './datacenter.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const dist = process.env['VMPLACEMENT_TEST_DIST'] ?? join(root, 'dist');
const bin = join(dist, 'bin');
/** One for all tests of a worker: the engine keeps schemas and credentials there. */
const home = join(tmpdir(), `vmplacement-engine-${process.pid}`);

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
  readonly placements: Readonly<Record<string, Placement | Readonly<Record<string, unknown>>>>;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

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
  /** As exported. */
  resources(): Promise<readonly StackResource[]>;
  /** By the name of the resource. */
  placement(name: string): Promise<StackResource>;
  exported(): Promise<string>;
}

export interface Started {
  readonly pid: number;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly result: Promise<Result>;
  /** Resolves when the output matches. */
  readonly says: (pattern: RegExp) => Promise<void>;
}

/** A new stack with this program, never deployed. */
export async function stack(program: Program, datacenter: object = usual()): Promise<Stack> {
  const dir = await mkdtemp(join(tmpdir(), 'vmplacement-stack-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  await Promise.all([mkdir(join(dir, 'state')), mkdir(home, { recursive: true })]);
  await writeFile(join(dir, 'datacenter.yaml'), stringify(datacenter));
  const env = {
    ...process.env,
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${join(dir, 'state')}`,
    PULUMI_CONFIG_PASSPHRASE: 'only for tests',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    NO_COLOR: '1',
  };
  const start = (command: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    begin(command, args, dir, { ...env, ...more });
  const pulumi = (...args: string[]) => start(inject('pulumi').bin, withUsual(args)).result;
  const vmplacement = (...args: string[]) =>
    start(process.execPath, [join(dist, 'provider/cli/main.js'), ...args, '--datacenter', join(dir, 'datacenter.yaml')]).result;

  const self: Stack = {
    dir,
    pulumi,
    start: (args, more) => start(inject('pulumi').bin, withUsual(args), more),
    vmplacement,
    outside: async (...args) => expectDone(await vmplacement('embedded', ...args), args),
    write: (next) => writeFile(join(dir, 'Pulumi.yaml'), stringify(document(next))),
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
  };
  await self.write(program);
  expectDone(await pulumi('stack', 'init', 'dev'), ['stack', 'init']);
  return self;
}

/** A stack whose placements were adopted where their VMs are. */
export async function deployed(program: Program, datacenter?: object): Promise<Stack> {
  const made = await stack(program, datacenter);
  expectDone(await made.pulumi('up', '--skip-preview'), ['up']);
  return made;
}

function expectDone(result: Result, args: readonly string[]): void {
  if (result.code !== 0) throw new Error(`${args.join(' ')} exited with ${result.code}:\n${result.text}`);
}

function document({ placements, config = { datacenterFile: 'datacenter.yaml' }, variables, resources, outputs }: Program): object {
  const placed = Object.fromEntries(
    Object.entries(placements).map(([name, placement]) => [
      name,
      { type: 'vmplacement:Placement', ...('properties' in placement ? placement : { properties: placement }) },
    ]),
  );
  return {
    name: 'fleet',
    runtime: 'yaml',
    plugins: { providers: [{ name: 'vmplacement', path: bin }] },
    config: Object.fromEntries(Object.entries(config).map(([key, value]) => [`vmplacement:${key}`, { value }])),
    ...(variables === undefined ? {} : { variables }),
    resources: { ...placed, ...resources },
    ...(outputs === undefined ? {} : { outputs }),
  };
}

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
  return {
    pid: child.pid ?? 0,
    kill: (signal) => void child.kill(signal),
    result,
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
