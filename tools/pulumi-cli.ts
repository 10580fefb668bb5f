/**
 * The Pulumi CLI that tests and the quick start run on. Whoever has one uses it; otherwise the pinned version is put into the user's
 * cache: the official release where it can be had, else built with Go from tools/pulumi/go.mod and go.sum.
 *
 * `tsx tools/pulumi-cli.ts` prints the folder of the CLI, for `PATH="$(npx tsx tools/pulumi-cli.ts):$PATH"`.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, accessSync, existsSync, realpathSync, rmSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { lock } from 'proper-lockfile';

export interface PulumiCli {
  /** The executable. */
  bin: string;
  /** Its folder, to be put first on the PATH of children (see {@link pulumiPath}). */
  dir: string;
  /** Without a leading `v`. */
  version: string;
  from: 'PATH' | 'cache' | 'download' | 'go';
}

/** One place a CLI may come from: the CLI, or why there is none. */
export type Source = () => Promise<PulumiCli | { none: string }>;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const moduleDir = join(root, 'tools/pulumi');
/** The engine features the plugin relies on are all in this version; it is the lower end of the peer range too. */
export const oldestVersion = '3.230.0';
export const languageHost = 'pulumi-language-yaml';
const seconds = 1000;

/** Finds or makes the CLI. Throws an error that lists what was tried and what to do when there is none to be had. */
export async function ensurePulumi(say: (line: string) => void = (line) => process.stderr.write(`${line}\n`)): Promise<PulumiCli> {
  const pins = readPins(await readFile(join(moduleDir, 'go.mod'), 'utf8'));
  const home = join(cacheRoot(process.env), cacheName(await readFile(join(moduleDir, 'go.sum'), 'utf8')));

  const ready = await firstOf([() => fromPath(process.env['PATH'] ?? ''), () => fromCache(home)]);
  if ('bin' in ready) {
    say(await describe(ready, home));
    return ready;
  }
  await mkdir(dirname(home), { recursive: true });
  // Whoever comes second waits for the first one's build instead of making the same again on the same cores.
  const release = await lock(home, {
    realpath: false,
    stale: 60 * seconds,
    retries: { forever: true, minTimeout: 500, maxTimeout: 2 * seconds },
  });
  try {
    await removeLeftovers(home);
    const made = await firstOf([() => fromCache(home), () => fromDownload(home, pins, say), () => fromGo(home, pins, say)]);
    if (!('bin' in made)) throw new Error(noneFound([...ready.reasons, ...made.reasons]));
    say(await describe(made, home));
    return made;
  } finally {
    await release();
  }
}

/** The PATH a child needs to find the engine, its YAML language host and the SDK's launcher of dynamic providers. */
export function pulumiPath(cli: PulumiCli, path = process.env['PATH'] ?? ''): string {
  return [cli.dir, join(root, 'node_modules/@pulumi/pulumi'), path].join(delimiter);
}

/** The first source that has one, in order; later ones are not asked. */
export async function firstOf(sources: readonly Source[]): Promise<PulumiCli | { reasons: string[] }> {
  const reasons: string[] = [];
  for (const source of sources) {
    const result = await source();
    if ('bin' in result) return result;
    reasons.push(result.none);
  }
  return { reasons };
}

export function noneFound(reasons: readonly string[]): string {
  return [
    'no Pulumi CLI:',
    ...reasons.map((reason) => `  - ${reason.trim().replaceAll('\n', '\n    ')}`),
    `What to do: install Pulumi ${oldestVersion} or newer (https://www.pulumi.com/docs/install/) so that \`pulumi version\` answers,`,
    'or install Go 1.25.11 or newer and let this build it (about 5 minutes, 4 GB of disk, once); then run again.',
  ].join('\n');
}

/** What `pulumi version` prints: `v3.259.0`, `3.240.0-alpha.1`, `v3.259.0+dirty`; a notice about a newer version may surround it. */
export function parseVersion(output: string): string | undefined {
  return /^v?(\d+\.\d+\.\d+)(?:[-+][\w.+-]*)?\s*$/m.exec(output)?.[1];
}

/** From {@link oldestVersion} up, within major 3. */
export function isUsable(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestVersion.split('.').map(Number);
  return major === oldestMajor && minor >= oldestMinor;
}

/** The versions that go.mod requires, without `v`. */
export function readPins(goMod: string): { pulumi: string; yaml: string } {
  const version = (module: string) => new RegExp(`^(?:require)?\\s+${module.replaceAll('.', '\\.')} v(\\S+)`, 'm').exec(goMod)?.[1];
  const pulumi = version('github.com/pulumi/pulumi/pkg/v3');
  const yaml = version('github.com/pulumi/pulumi-yaml');
  if (pulumi === undefined || yaml === undefined) throw new Error('tools/pulumi/go.mod does not pin the Pulumi CLI and its YAML host');
  return { pulumi, yaml };
}

export function cacheRoot(env: Readonly<Record<string, string | undefined>>): string {
  const xdg = env['XDG_CACHE_HOME'];
  // The XDG specification: unset, empty and relative values all mean the default.
  return join(xdg?.startsWith('/') ? xdg : join(homedir(), '.cache'), 'vmplacement');
}

/** go.sum decides every byte that is compiled, so that another set of modules is another folder. */
export function cacheName(goSum: string, platform = `${process.platform}-${process.arch}`): string {
  return `pulumi-${createHash('sha256').update(goSum).digest('hex').slice(0, 12)}-${platform}`;
}

export async function fromPath(path: string): ReturnType<Source> {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const folder = folders.find((folder) => isExecutable(join(folder, 'pulumi')));
  if (folder === undefined) return { none: 'PATH: no pulumi there' };
  const bin = join(folder, 'pulumi');
  const version = await versionOf(bin);
  if (version === undefined) return { none: `PATH: ${bin} does not say its version` };
  if (!isUsable(version)) return { none: `PATH: ${bin} is ${version}, needed is ${oldestVersion} or newer` };
  // Package managers link `pulumi` alone into a folder on PATH and keep the language hosts where the link points.
  const beside = [folder, dirname(realpathSync(bin))].find((folder) => isExecutable(join(folder, languageHost)));
  if (beside !== undefined) return { bin: join(beside, basename(realpathSync(bin))), dir: beside, version, from: 'PATH' };
  if (folders.some((folder) => isExecutable(join(folder, languageHost)))) return { bin, dir: folder, version, from: 'PATH' };
  return { none: `PATH: ${bin} has no ${languageHost} beside it` };
}

/** A cache folder is complete or not there at all: it is only ever put in place by {@link inScratch}. */
async function fromCache(home: string): ReturnType<Source> {
  const dir = join(home, 'bin');
  const bin = join(dir, 'pulumi');
  if (!isExecutable(bin) || !isExecutable(join(dir, languageHost))) return { none: `cache: nothing in ${home}` };
  const version = await versionOf(bin);
  return version === undefined ? { none: `cache: ${bin} does not run here` } : { bin, dir, version, from: 'cache' };
}

/** The SDK's own installer of the official release. It has no bound of its own, and writes where it is told to, finished or not. */
async function fromDownload(home: string, pins: { pulumi: string }, say: (line: string) => void): ReturnType<Source> {
  const site = 'https://get.pulumi.com/install.sh';
  try {
    const answer = await fetch(site, { method: 'HEAD', signal: AbortSignal.timeout(20 * seconds) });
    if (!answer.ok) return { none: `official release: its site answered ${answer.status}` };
  } catch (error) {
    return { none: `official release: its site cannot be reached (${causeOf(error)})` };
  }
  say(`downloading pulumi ${pins.pulumi}`);
  return inScratch(home, 'download', async (scratch) => {
    // In a process of its own: the installer runs shell and curl, and only a process group can be stopped as a whole.
    // Its version check is off because it wants the class of another package; the version is checked here instead.
    const script = `import { PulumiCommand } from '@pulumi/pulumi/automation/index.js';
      await PulumiCommand.install({ root: ${JSON.stringify(scratch)}, version: ${JSON.stringify(pins.pulumi)}, skipVersionCheck: true });`;
    await run(process.execPath, ['--input-type=module', '-e', script], { cwd: root, timeout: 300 * seconds });
    const version = await versionOf(join(scratch, 'bin/pulumi'));
    if (version !== pins.pulumi) throw new Error(`the installer left version ${version ?? 'none'}, asked for was ${pins.pulumi}`);
  }).catch((error: unknown) => ({ none: `official release: ${(error as Error).message}` }));
}

/** Versions are stamped in by the linker, as in the official releases: a plain build does not know its own. */
async function fromGo(home: string, pins: { pulumi: string; yaml: string }, say: (line: string) => void): ReturnType<Source> {
  const builds = [
    {
      name: 'pulumi',
      stamp: `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pins.pulumi}`,
      main: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
    },
    {
      name: languageHost,
      stamp: `github.com/pulumi/pulumi-yaml/pkg/version.Version=v${pins.yaml}`,
      main: `github.com/pulumi/pulumi-yaml/cmd/${languageHost}`,
    },
  ];
  say(`building pulumi ${pins.pulumi} with Go: about 5 minutes on 2 cores, once`);
  return inScratch(home, 'go', async (scratch) => {
    for (const { name, stamp, main } of builds) {
      const args = ['build', '-ldflags', `-s -w -X ${stamp}`, '-o', join(scratch, 'bin', name), main];
      await run('go', args, { cwd: moduleDir, timeout: 1800 * seconds });
    }
  }).catch((error: unknown) => ({ none: `Go build in tools/pulumi: ${(error as Error).message}` }));
}

/** Fills a scratch folder and renames it to its place when it is complete; a failure leaves nothing behind. */
async function inScratch(home: string, from: 'download' | 'go', fill: (scratch: string) => Promise<void>): Promise<PulumiCli> {
  const scratch = `${home}.tmp-${process.pid}`;
  const clean = () => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', clean); // an exit in the middle, by a signal say, runs no `finally`
  try {
    await mkdir(join(scratch, 'bin'), { recursive: true });
    await fill(scratch);
    const complete = await fromCache(scratch);
    if (!('bin' in complete)) throw new Error(complete.none);
    await writeFile(join(scratch, 'from'), from);
    await rm(home, { recursive: true, force: true });
    await rename(scratch, home);
    const dir = join(home, 'bin');
    return { bin: join(dir, 'pulumi'), dir, version: complete.version, from };
  } finally {
    clean();
    process.off('exit', clean);
  }
}

/** What a killed run left; called with the lock held, the age is for the one that lost its lock by sleeping. */
async function removeLeftovers(home: string): Promise<void> {
  for (const name of await readdir(dirname(home))) {
    const path = join(dirname(home), name);
    if (!name.startsWith(`${basename(home)}.tmp-`) || (await stat(path)).mtimeMs > Date.now() - 3600 * seconds) continue;
    await rm(path, { recursive: true, force: true });
  }
}

async function describe(cli: PulumiCli, home: string): Promise<string> {
  if (cli.from === 'PATH') return `pulumi ${cli.version} (from PATH: ${cli.bin})`;
  const note = join(home, 'from');
  const made = existsSync(note) ? await readFile(note, 'utf8') : cli.from;
  return `pulumi ${cli.version} (${made === 'go' ? 'built with Go' : 'official release'}${cli.from === 'cache' ? ', cached' : ''})`;
}

async function versionOf(bin: string): Promise<string | undefined> {
  try {
    return parseVersion(await run(bin, ['version'], { timeout: 20 * seconds, env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: 'true' } }));
  } catch {
    return undefined; // it is asked only to find out whether it answers
  }
}

/** Runs to the end and returns stdout. The child leads a process group, so that a time-out or our own end stops all of it. */
function run(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout: number }): Promise<string> {
  const { timeout, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...rest, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    let late = false;
    const stop = () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, timeout);
    process.once('exit', stop);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const done = (problem?: string) => {
      clearTimeout(timer);
      process.off('exit', stop);
      if (problem === undefined) return resolve(stdout);
      const last = stderr.trim().split('\n').slice(-8).join('\n');
      reject(new Error(`\`${basename(command)} ${args[0] ?? ''}\` ${problem}${last === '' ? '' : `:\n${last}`}`));
    };
    child.on('error', (error: NodeJS.ErrnoException) => done(error.code === 'ENOENT' ? 'is not installed' : error.message));
    child.on('close', (code, signal) =>
      done(late ? `took longer than ${timeout / seconds} s` : code === 0 ? undefined : `ended with ${code ?? signal ?? 'nothing'}`),
    );
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // missing and not executable are the same to the caller
  }
}

function causeOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: Error & { code?: string } };
  return cause?.code ?? cause?.message ?? message;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  try {
    process.stdout.write(`${(await ensurePulumi()).dir}\n`);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
