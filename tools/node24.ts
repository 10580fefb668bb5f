/**
 * The quick tests and a smoke of the engine on Node 24 with a newer Pulumi SDK, which the checkout's own Node 20 cannot load. Works in a
 * copy of the checkout, uncommitted changes included, whose packages have a lockfile of their own: tools/node24/package-lock.json.
 *
 * A missing part (platform, registry, Pulumi CLI) is skipped with its reason; with CI=true it is a failure.
 * `--lock` writes that lockfile anew, after the root's packages or the pins in tools/node24/package.json have changed.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { install, pinsOf, readManifest, relock, runtime, unreachable, type Pins } from './node24-packages.js';
import { countsOf, expected, faultsOf, readSeen } from './node24-proof.js';
import { ensurePulumi, languageHost, type PulumiCli } from './pulumi-cli.js';
import { run } from './run.js';
import { close, nothingYet, runParts, secondsSince, type Part } from './vitest-run.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const home = join(root, 'tools/node24');

const quick: Part = { name: 'fast', projects: ['unit', 'contract'] };
/** Every call of the engine, and what a plugin has from Node besides: signals, the end of its standard input, the death of its parent. */
const smoke: Part = { name: 'engine smoke', projects: ['engine'], files: ['test/engine/move.test.ts', 'test/engine/interrupt.test.ts'] };

const outcome = nothingYet();

async function main(): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return lacks('all on Node 24', `it comes as the npm package ${runtime}, and this is ${process.platform} on ${process.arch}`);
  }
  const pins = pinsOf(readManifest(home));
  console.log(`Node ${pins.node}, @pulumi/pulumi ${pins.sdk}, all other packages as in package.json`);
  const scratch = mkdtempSync(join(tmpdir(), 'vmplacement-node24-'));
  process.once('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

  const source = join(scratch, 'source');
  if (!(await packagesInto(source, scratch))) return;
  copyCheckout(source);
  await testsIn(source, scratch, pins);
}

/** False when there is no registry to take them from. */
async function packagesInto(source: string, scratch: string): Promise<boolean> {
  const began = Date.now();
  // Beside the copy: its package.json must stay the package's own, and npm wants the one that goes with the lockfile.
  const folder = join(scratch, 'packages');
  mkdirSync(source);
  cpSync(home, folder, { recursive: true });
  try {
    await install(folder);
  } catch (error) {
    const code = unreachable((error as Error).message);
    if (code === undefined) throw error;
    lacks(
      'all on Node 24',
      `the npm registry cannot be reached (${code}), and npm's cache does not have all of tools/node24/package-lock.json`,
    );
    return false;
  }
  renameSync(join(folder, 'node_modules'), join(source, 'node_modules'));
  outcome.times.push(`packages ${secondsSince(began)} s`);
  return true;
}

function copyCheckout(source: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  for (const file of listed.split('\0').filter((file) => file !== '' && file !== 'node_modules')) {
    // Deleted files are listed until the deletion is committed.
    if (existsSync(join(root, file))) cpSync(join(root, file), join(source, file));
  }
}

async function testsIn(source: string, scratch: string, pins: Pins): Promise<void> {
  const node = join(source, 'node_modules', runtime, 'bin/node');
  const cli = await pulumiIfAny();
  const witness = join(scratch, 'witness');
  const env = environment(links(join(scratch, 'bin'), node, cli), witness, pathToFileURL(join(source, 'tools/node24-witness.mjs')));

  const began = Date.now();
  writeFileSync(witness, '');
  const built = await run(node, [join(source, 'node_modules/tsx/dist/cli.mjs'), 'tools/build.ts'], { cwd: source, env });
  outcome.times.push(`build ${secondsSince(began)} s`);
  if (built !== 0) return void outcome.faults.push('the package could not be built on Node 24 with the newer SDK (above)');

  await runParts(cli === undefined ? [quick] : [quick, smoke], { root: source, node, env, outcome });

  const seen = readSeen(readFileSync(witness, 'utf8'));
  console.log(`Node processes in it: ${countsOf(seen)}`);
  const faults = faultsOf(seen, pins, expected(cli === undefined ? 'without engine' : 'with engine'));
  outcome.faults.push(...faults);
  if (faults.length === 0) console.log(`each of them ran on Node ${pins.node} and had @pulumi/pulumi ${pins.sdk} to load`);
}

async function pulumiIfAny(): Promise<PulumiCli | undefined> {
  try {
    return await ensurePulumi();
  } catch (error) {
    lacks('the engine smoke on Node 24', (error as Error).message);
    return undefined;
  }
}

/** A folder that comes first on PATH. The plugin is started as `node`, and the engine's own folder may hold another Node. */
function links(folder: string, node: string, cli: PulumiCli | undefined): string {
  mkdirSync(folder);
  symlinkSync(node, join(folder, 'node'));
  if (cli !== undefined) for (const name of ['pulumi', languageHost]) symlinkSync(join(cli.dir, name), join(folder, name));
  return folder;
}

function environment(bin: string, witness: string, preload: URL): NodeJS.ProcessEnv {
  const { VMPLACEMENT_TEST_DIST: _, ...env } = process.env; // it would lead the tests to the checkout's own build
  return {
    ...env,
    PATH: [bin, env['PATH']].join(delimiter),
    NODE_OPTIONS: [env['NODE_OPTIONS'], `--import=${preload.href}`].join(' ').trim(),
    VMPLACEMENT_WITNESS: witness,
  };
}

function lacks(part: string, reason: string): void {
  if (['true', '1'].includes(process.env['CI'] ?? '')) outcome.faults.push(`${part}: ${reason}`);
  else outcome.tally.skipped.push({ test: part, reason });
}

if (process.argv.includes('--lock')) await relock(root, home);
else {
  try {
    await main();
  } catch (error) {
    outcome.faults.push((error as Error).message);
  }
  close(outcome);
}
