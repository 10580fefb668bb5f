/** The package as a user has it: packed, and installed with its own dependencies into a folder of its own. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { run } from './run.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A folder with `node_modules`, made once for each content of the package; dist/ must be current. */
export async function installed(): Promise<string> {
  const home = join(tmpdir(), `vmplacement-installed-${contentOf(root)}`);
  if (existsSync(home)) return home;
  const next = mkdtempSync(join(tmpdir(), 'vmplacement-installing-'));
  try {
    await install(root, next);
    renameSync(next, home);
  } catch (error) {
    // Another run was first.
    if (!existsSync(home)) throw error;
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
  return home;
}

/** Packs the checkout at `from` and installs it into `folder`, as `npm install` of a published version would. */
export async function install(from: string, folder: string): Promise<void> {
  const npm = (args: readonly string[], cwd: string) =>
    run('npm', [...args, '--silent', '--no-audit', '--no-fund'], { cwd, env: process.env });
  if ((await npm(['pack', '--ignore-scripts', '--pack-destination', folder], from)) !== 0) throw new Error(`npm pack failed in ${from}`);
  const packed = readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (packed === undefined) throw new Error(`npm pack left nothing in ${folder}`);
  if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}\n');
  const code = await npm(['install', '--omit=dev', '--prefer-offline', join(folder, packed)], folder);
  if (code !== 0) throw new Error(`npm install of the packed package failed in ${folder}`);
  rmSync(join(folder, packed));
}

function contentOf(checkout: string): string {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'dynamic.cjs', 'dist/.build-stamp']) {
    const path = join(checkout, file);
    hash.update(`${file}\0${readFileSync(path, 'utf8')}\0${statSync(path).mode}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
