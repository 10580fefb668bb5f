/** A Pulumi project in a folder of its own, worked on as in a terminal: every command is shown with what it prints, every edit too. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { env, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { PulumiCli } from './pulumi-cli.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stack = 'dev';
const bold = (text: string): string => (stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text);

export interface Terminal {
  /** @throws where it does not end well. */
  readonly pulumi: (...args: readonly string[]) => Promise<void>;
  /** Unless it ends well. @throws */
  readonly pulumiFails: (...args: readonly string[]) => Promise<void>;
  /** Shows nothing. */
  readonly pulumiQuietly: (...args: readonly string[]) => Promise<void>;
  readonly vmplacement: (...args: readonly string[]) => Promise<void>;
  /** Any other command, by what is shown for it. @throws where it does not end well. */
  readonly command: (shown: string, program: string, ...args: readonly string[]) => Promise<void>;
  /** Changes one line of a resource of Pulumi.yaml and shows the change, as an editor's user would make it. */
  readonly edit: (resource: string, from: string, to: string) => void;
}

/** `folder` has a Pulumi.yaml; a stack is made in it, with its state there. */
export async function openTerminal(folder: string, cli: PulumiCli): Promise<Terminal> {
  mkdirSync(join(folder, 'state'), { recursive: true });
  const childEnv: Record<string, string | undefined> = {
    ...env,
    PATH: [join(root, 'dist/bin'), cli.dir, env['PATH']].join(delimiter),
    PULUMI_HOME: join(folder, '.pulumi-home'),
    PULUMI_BACKEND_URL: `file://${join(folder, 'state')}`,
    PULUMI_CONFIG_PASSPHRASE: '',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_AUTOMATION_API_SKIP_VERSION_CHECK: 'true',
  };
  // They would lead the commands to another datacenter or stack than this one.
  for (const name of ['VMPLACEMENT_DATACENTER', 'PULUMI_STACK']) delete childEnv[name];

  /** Without the engine's blank lines. @param shown null: nothing is shown. */
  function run(shown: string | null, program: string, args: readonly string[]): Promise<number> {
    if (shown !== null) stdout.write(`\n${bold(`$ ${shown}`)}\n`);
    const show = (line: string): void => {
      if (shown !== null && line.trim() !== '') stdout.write(`  ${line}\n`);
    };
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd: folder, env: childEnv, stdio: ['ignore', 'pipe', 'pipe'] });
      let pending = '';
      const hear = (chunk: Buffer): void => {
        const lines = (pending + chunk.toString()).split('\n');
        pending = lines.pop() ?? '';
        lines.forEach(show);
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('error', reject);
      child.on('close', (code) => {
        show(pending);
        resolve(code ?? 1);
      });
    });
  }

  async function must(shown: string, isRight: (code: number) => boolean, ended: Promise<number>): Promise<void> {
    const code = await ended;
    if (!isRight(code)) throw new Error(`'${shown}' should not have ended with ${code}`);
  }

  const isWell = (code: number): boolean => code === 0;
  const withUsual = (args: readonly string[]): string[] => [...args, '--non-interactive', '--stack', stack];
  const pulumi = (args: readonly string[], isRight: (code: number) => boolean): Promise<void> => {
    const shown = `pulumi ${args.join(' ')}`;
    return must(shown, isRight, run(shown, 'pulumi', withUsual(args)));
  };

  await must('pulumi stack init', isWell, run(null, 'pulumi', ['stack', 'init', stack, '--non-interactive']));
  return {
    pulumi: (...args) => pulumi(args, isWell),
    pulumiFails: (...args) => pulumi(args, (code) => code !== 0),
    pulumiQuietly: (...args) => must(`pulumi ${args.join(' ')}`, isWell, run(null, 'pulumi', withUsual(args))),
    vmplacement: (...args) => {
      const shown = `vmplacement ${args.join(' ')}`;
      // 2 and 3 tell of differences and of what is pending.
      return must(shown, (code) => code !== 1, run(shown, 'vmplacement', args));
    },
    command: (shown, program, ...args) => must(shown, isWell, run(shown, program, args)),
    edit: (resource, from, to) => edit(join(folder, 'Pulumi.yaml'), resource, from, to),
  };
}

function edit(program: string, resource: string, from: string, to: string): void {
  const text = readFileSync(program, 'utf8');
  const start = text.indexOf(`\n  ${resource}:\n`);
  const at = text.indexOf(`      ${from}\n`, start);
  if (start < 0 || at < 0) throw new Error(`'${from}' was not found in resource ${resource} of ${program}`);
  writeFileSync(program, `${text.slice(0, at)}      ${to}\n${text.slice(at + from.length + 7)}`);
  const lines = (mark: string, block: string): string =>
    block
      .split('\n')
      .map((line) => `  ${mark} ${line.trim()}`)
      .join('\n');
  note(`\nPulumi.yaml, resource ${resource}:\n${lines('-', from)}\n${lines('+', to)}`);
}

export function scene(title: string, text: string): void {
  stdout.write(`\n${bold(`== ${title} ${'='.repeat(Math.max(0, 74 - title.length))}`)}\n`);
  if (text !== '') note(text);
}

export function note(text: string): void {
  stdout.write(`${text}\n`);
}
