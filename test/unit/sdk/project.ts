/**
 * A project of a user in a temporary folder, with the package installed in its node_modules: paths outside of one mean other things to
 * Pulumi's closure serialiser and to TypeScript. Only the SDK is compiled, with the options of the build, so that no dist/ is needed.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '../../..');
const fixtures = join(import.meta.dirname, 'fixtures');

export interface Project {
  readonly folder: string;
  /** The package in it. */
  readonly installed: string;
  /** The text of a file of fixtures/. */
  fixture(name: string): string;
  write(name: string, content: string | object): void;
  /** Runs Node in it, and gives what was printed as JSON. */
  run(script: string): unknown;
  remove(): void;
}

export function projectWithPackage(): Project {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'vmplacement-sdk-')));
  const installed = join(folder, 'node_modules/pulumi-vmplacement');
  const write = (name: string, content: string | object): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  };
  compileInto(folder, join(installed, 'dist'), write);
  for (const file of ['package.json', 'dynamic.cjs']) cpSync(join(root, file), join(installed, file));
  for (const name of ['@pulumi', '@types']) symlinkSync(realpathSync(join(root, 'node_modules', name)), join(folder, 'node_modules', name));
  write('package.json', { private: true, type: 'module' });
  return {
    folder,
    installed,
    write,
    fixture: (name) => readFileSync(join(fixtures, name), 'utf8'),
    run: (script) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' });
      if (status !== 0 || stderr !== '') throw new Error(`${script} exited with ${String(status)}: ${stderr}`);
      return JSON.parse(stdout) as unknown;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a compiler says, and which files it read. */
export function compile(
  compiler: 'typescript' | 'typescript-5.9',
  project: Project,
  config: string,
): { errors: string[]; files: string[] } {
  const { lines } = tsc(compiler, ['-p', join(project.folder, config), '--noEmit', '--listFiles', '--pretty', 'false'], project.folder);
  return { errors: lines.filter((line) => !line.startsWith('/')), files: lines.filter((line) => line.startsWith('/')) };
}

function compileInto(folder: string, dist: string, write: Project['write']): void {
  write('build.json', {
    extends: join(root, 'tsconfig.build.json'),
    compilerOptions: { outDir: dist, typeRoots: [join(root, 'node_modules/@types')] },
    include: [join(root, 'sdk/nodejs')],
  });
  const { status, lines } = tsc('typescript', ['-p', join(folder, 'build.json')], folder);
  rmSync(join(folder, 'build.json'));
  if (status !== 0) throw new Error(`the SDK cannot be compiled:\n${lines.join('\n')}`);
}

function tsc(compiler: string, args: readonly string[], cwd: string): { status: number | null; lines: string[] } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', compiler, 'bin/tsc'), ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return { status, lines: `${stdout}${stderr}`.split('\n').filter((line) => line !== '') };
}

/** Files below a folder, relative to it. */
export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}
