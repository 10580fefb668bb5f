/** A stack of N placements on the real engine, with our plugin or the null provider, in a folder of its own. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { CountersReport } from '../provider/pulumi/counters.js';
import { buildIfStale } from '../tools/build.js';
import { ensurePulumi, pulumiPath } from '../tools/pulumi-cli.js';
import type { Fleet } from './fleet.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'bench/.build');

export type Provider = 'vmplacement' | 'null';

export interface BenchStack {
  readonly provider: Provider;
  /** Runs the engine's command to its end; a failure throws what it said. */
  pulumi(...args: string[]): Promise<CommandRun>;
  /** Declares these hosts by VM in the place of those before. */
  declare(hosts: Fleet['hosts']): void;
  remove(): void;
}

export interface CommandRun {
  readonly wallMs: number;
  /** Of each plugin process that the engine started for this command. */
  readonly plugins: readonly CountersReport[];
}

export type MakeStack = (provider: Provider, fleet: Fleet) => Promise<BenchStack>;

/** Builds our plugin and the null provider, and finds the engine. Returns how to make stacks with them. */
export async function prepare(): Promise<MakeStack> {
  buildIfStale();
  const cli = await ensurePulumi();
  const folders: Record<Provider, string> = { vmplacement: join(root, 'dist/bin'), null: await buildNull() };
  return async (provider, fleet) => {
    const dir = mkdtempSync(join(tmpdir(), `vmplacement-bench-${provider}-`));
    const counted = join(dir, 'counters');
    mkdirSync(join(dir, 'state'));
    writeFileSync(join(dir, 'datacenter.json'), JSON.stringify(fleet.datacenter));
    const declare = (hosts: Fleet['hosts']): void => writeFileSync(join(dir, 'Pulumi.yaml'), stringify(program(folders[provider], hosts)));
    declare(fleet.hosts);
    const env = {
      ...process.env,
      PATH: pulumiPath(cli),
      PULUMI_HOME: join(dir, 'home'),
      PULUMI_BACKEND_URL: `file://${join(dir, 'state')}`,
      PULUMI_CONFIG_PASSPHRASE: 'only for benchmarks',
      PULUMI_SKIP_UPDATE_CHECK: 'true',
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
      // Else every resource rewrites the whole state, which is the engine's time and not what is measured here.
      PULUMI_SKIP_CHECKPOINTS: 'true',
      PULUMI_EXPERIMENTAL: 'true',
      VMPLACEMENT_COUNTERS: counted,
    };
    const stack: BenchStack = {
      provider,
      declare,
      pulumi: async (...args) => {
        rmSync(counted, { recursive: true, force: true });
        const wallMs = await run(cli.bin, [...args, '--stack', 'dev', '--color', 'never', '--non-interactive'], dir, env);
        return { wallMs, plugins: reports(counted) };
      },
      remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
    };
    await run(cli.bin, ['stack', 'init', 'dev', '--color', 'never', '--non-interactive'], dir, env);
    return stack;
  };
}

/** Compiled to files as ours is: a loader would add its own start to every process. */
async function buildNull(): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  rmSync(built, { recursive: true, force: true });
  await run(process.execPath, [tsc, '-p', 'bench/null-provider/tsconfig.json', '--outDir', built], root, process.env);
  const [bin, main] = [join(built, 'bin'), join(built, 'bench/null-provider/main.js')];
  mkdirSync(bin);
  chmodSync(main, 0o755);
  symlinkSync(main, join(bin, 'pulumi-resource-vmplacement'));
  return bin;
}

const program = (plugin: string, hosts: Fleet['hosts']): object => ({
  name: 'fleet',
  runtime: 'yaml',
  plugins: { providers: [{ name: 'vmplacement', path: plugin }] },
  config: { 'vmplacement:datacenterFile': { value: 'datacenter.json' } },
  resources: Object.fromEntries([...hosts].map(([vm, host]) => [vm, { type: 'vmplacement:Placement', properties: { vm, host } }])),
});

function reports(folder: string): CountersReport[] {
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as CountersReport);
}

/** Returns the wall time, ms. */
function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const began = performance.now();
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(performance.now() - began);
      else reject(new Error(`${[command, ...args].join(' ')} exited with ${code ?? 'a signal'}:\n${output.slice(-4000)}`));
    });
  });
}
