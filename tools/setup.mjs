// Makes a fresh clone ready: the right Node, the locked packages, the built package. Plain JavaScript without dependencies, since it
// runs before there are any. Does nothing, quickly, when everything is in place.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = readJson('package.json');

checkNode();
if (!packagesMatchLockfile()) run('npm', ['ci'], 'the packages could not be installed: is the npm registry reachable?');
run(process.execPath, [join(root, 'node_modules/tsx/dist/cli.mjs'), 'tools/build.ts', '--if-stale'], 'the package could not be built');

/** `engines.node` is a list of `^major.minor.patch` joined by `||`; nothing else is understood here, and nothing else is needed. */
function checkNode() {
  const wanted = manifest.engines.node;
  const [major, minor, patch] = process.versions.node.split('.').map(Number);
  const fits = wanted.split('||').some((range) => {
    const [wantedMajor, wantedMinor, wantedPatch] = range.trim().replace('^', '').split('.').map(Number);
    return major === wantedMajor && (minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch));
  });
  if (!fits) stop(`this is Node ${process.versions.node}, but vmplacement needs ${wanted}: install one of those and run again`);
}

/** npm writes what it installed into node_modules/.package-lock.json; packages for other platforms are missing there, rightly. */
function packagesMatchLockfile() {
  if (!existsSync(join(root, 'node_modules/.package-lock.json')) || !existsSync(join(root, 'node_modules/tsx/dist/cli.mjs'))) return false;
  const wanted = readJson('package-lock.json').packages;
  const installed = readJson('node_modules/.package-lock.json').packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || (entry.optional && !installed[path]) || installed[path]?.version === entry.version,
  );
}

function run(command, args, problem) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) stop(`${problem} (${command} ${error ? error.message : `exited with ${status}`})`);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function stop(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}
