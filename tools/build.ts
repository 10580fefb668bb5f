/**
 * Builds the package into dist/: compiles, bundles the commands, copies what the code reads at run time (schemas), makes the commands
 * executable. Every command of the engine starts the plugin two or three times, and a hundred small files take twice as long to load.
 * The new dist/ takes the old one's place in one rename, so that what runs from the old one is not caught in the middle.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { argv, execPath, exit, pid, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stampFile = join(dist, '.build-stamp');

const sources = [
  'index.ts',
  'provider',
  'schema',
  'sdk/nodejs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'tools/build.ts',
];
/** Read at run time beside the code. */
const assets = ['provider', 'schema', 'sdk/nodejs'];
const assetTypes = new Set(['.json', '.yaml', '.html', '.css', '.svg', '.py', '.sh']);

/** Builds unless dist/ was made from exactly these sources. Throws when the compiler finds a fault; dist/ is then as it was. */
export function buildIfStale(): 'built' | 'fresh' {
  const stamp = stampOfSources();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return 'fresh';
  build(stamp);
  return 'built';
}

function build(stamp: string): void {
  const next = join(root, `dist.tmp-${pid}`);
  const last = join(root, `dist.tmp-${pid}-last`);
  const compiled = join(root, `dist.tmp-${pid}-compiled`);
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { status } = spawnSync(execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', compiled], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Error('the compiler found faults (above); dist/ was left as it was');
    // The SDK as it was compiled, with its declarations: it imports nothing of the rest.
    cpSync(join(compiled, 'sdk'), join(next, 'sdk'), { recursive: true });
    bundle(compiled, next);
    copyAssets(next);
    makeCommandsExecutable(next);
    writeFileSync(join(next, '.build-stamp'), stamp);
    if (existsSync(dist)) renameSync(dist, last);
    renameSync(next, dist);
  } finally {
    rmSync(compiled, { recursive: true, force: true });
    rmSync(next, { recursive: true, force: true });
    rmSync(last, { recursive: true, force: true });
  }
}

/**
 * Own code only, and with its names as they are. Packages stay outside: grpc and protobuf must be the very copies that Pulumi uses.
 * Split where the code itself loads a part late.
 */
function bundle(compiled: string, target: string): void {
  const folder = join(compiled, 'provider');
  buildSync({
    // All of them, and the chunks, in a folder each beside the others: what starts a program finds it from wherever its own code went.
    entryPoints: [
      ...['pulumi', 'cli', 'dynamic'].map((door) => ({ in: join(folder, door, 'main.js'), out: `${door}/main` })),
      { in: join(folder, 'drivers/libvirt/copier.js'), out: 'libvirt/copier' },
    ],
    outdir: join(target, 'provider'),
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
}

function copyAssets(target: string): void {
  for (const file of assets.flatMap(filesUnder).filter((file) => assetTypes.has(extname(file)))) {
    cpSync(join(root, file), join(target, file));
  }
}

/**
 * Makes the commands executable and links them into bin/ by their names: Pulumi takes a plugin from a folder that holds a file of the
 * plugin's name. The links are for this checkout only; npm packs none, and makes its own on installation.
 */
function makeCommandsExecutable(target: string): void {
  mkdirSync(join(target, 'bin'));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  for (const [name, path] of Object.entries(manifest.bin)) {
    const file = join(target, relative('dist', path));
    if (existsSync(file)) {
      chmodSync(file, 0o755);
      symlinkSync(relative('dist/bin', path), join(target, 'bin', name));
    } else stderr.write(`build: the command ${name} is missing: nothing was compiled to ${path}\n`);
  }
}

/** Names, sizes and times: enough to notice an edit, a new file and a deleted one without reading them all. */
function stampOfSources(): string {
  const hash = createHash('sha256');
  for (const file of sources.flatMap(filesUnder)) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** Files at or under a path, relative to the root, sorted. */
function filesUnder(path: string): string[] {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (argv.includes('--if-stale')) buildIfStale();
    else build(stampOfSources());
  } catch (error) {
    stderr.write(`build: ${(error as Error).message}\n`);
    exit(1);
  }
}
