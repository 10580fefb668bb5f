/** An example as a user has it: a copy of its folder with the installed package, on which the commands of its README are run. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Ran {
  readonly code: number;
  /** All that it printed. */
  readonly text: string;
}

export interface Example {
  readonly dir: string;
  /** Runs one command of the README, which must stand there, and must end well. */
  runs(command: string): Promise<string>;
  /** Runs any command of a user, with whatever end. */
  tries(command: string): Promise<Ran>;
  /** The stack's outputs. */
  outputs(): Promise<Record<string, unknown>>;
  /** cluster/host of each VM of the datacenter. */
  places(): Promise<Record<string, string>>;
}

export async function example(name: string): Promise<Example> {
  const dir = await mkdtemp(join(tmpdir(), 'vmplacement-example-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  const source = join(root, 'examples', name);
  // What somebody left there who ran it in place.
  const left = new Set(['node_modules', 'bin', '.vmplacement']);
  await cp(source, dir, { recursive: true, filter: (file) => !left.has(basename(file)) });
  await installInto(join(dir, 'node_modules'));
  await mkdir(join(dir, 'state'));

  const readme = await readFile(join(dir, 'README.md'), 'utf8');
  const tries = (command: string): Promise<Ran> => execute(command, dir);
  const runs = async (command: string): Promise<string> => {
    expect(commandsOf(readme)).toContain(command);
    const { code, text } = await tries(command);
    expect(code, `${command}\n${text}`).toBe(0);
    return text;
  };
  return {
    dir,
    runs,
    tries,
    outputs: async () => JSON.parse((await tries('pulumi stack output --json')).text) as Record<string, unknown>,
    places: async () => {
      const { text } = await tries('npx vmplacement embedded show --json --datacenter datacenter.yaml');
      const { vms } = JSON.parse(text) as { vms: { name: string; copies: { place: string; role: string }[] }[] };
      const live = (copies: { place: string; role: string }[]) => copies.filter(({ role }) => role === 'live').map(({ place }) => place);
      return Object.fromEntries(vms.map(({ name, copies }) => [name, live(copies).join()]));
    },
  };
}

/** What `npm install` would leave; the tools of the example are those of this repository. */
async function installInto(modules: string): Promise<void> {
  const installed = join(inject('installed'), 'node_modules');
  await mkdir(modules);
  const names = (await readdir(installed)).filter((one) => !one.startsWith('.') || one === '.bin');
  await Promise.all(names.map((one) => symlink(join(installed, one), join(modules, one))));
  for (const tool of ['typescript', 'vitest']) await symlink(join(root, 'node_modules', tool), join(modules, tool));
}

/** Of the blocks of shell, without their comments. */
const commandsOf = (readme: string): string[] =>
  [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.split('\n').map((line) => line.replace(/ +#.*$/, '')),
  );

function execute(command: string, cwd: string): Promise<Ran> {
  const [file = '', ...args] = command.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'));
  // Of the vitest that runs this one.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'NODE_OPTIONS');
  const env = {
    ...Object.fromEntries(own),
    PATH: [join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter),
    PULUMI_HOME: join(cwd, 'state', 'home'),
    PULUMI_BACKEND_URL: `file://${join(cwd, 'state')}`,
    PULUMI_CONFIG_PASSPHRASE: 'only for tests',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    NO_COLOR: '1',
  };
  return new Promise((resolve, reject) => {
    execFile(file, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') return reject(new Error(`${command}: ${error.message}`, { cause: error }));
      resolve({ code: error === null ? 0 : Number(error.code), text: error === null ? stdout : `${stdout}${stderr}` });
    });
  });
}
