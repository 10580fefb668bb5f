/** What the command touches of the world, passed in, so that tests run it in-process. */
import { spawn } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import { isAbsolute, relative } from 'node:path';
import { cwd, env, pid, stderr, stdout } from 'node:process';

export interface Io {
  /** Writes to standard output: results only. */
  readonly out: (text: string) => void;
  /** Writes to standard error: progress and errors. */
  readonly err: (text: string) => void;
  readonly outIsTty: boolean;
  readonly errIsTty: boolean;
  readonly columns: number;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly user: string;
  readonly machine: string;
  readonly runId: string;
  /** Aborted by the first interrupt. */
  readonly signal: AbortSignal;
  /** Runs a program with these arguments (never through a shell) and gives back what it printed. */
  readonly exec: (program: string, args: readonly string[], directory: string) => Promise<Executed>;
}

export type Executed = { readonly code: number; readonly stdout: string; readonly stderr: string } | { readonly missing: true };

/** A path as a person names it: relative when it is under the working directory. */
export function shownPath(path: string, io: Io): string {
  const below = relative(io.cwd, path);
  return below === '' || below.startsWith('..') || isAbsolute(below) ? path : below;
}

/** The world as it is. */
export function realIo(signal: AbortSignal): Io {
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    outIsTty: stdout.isTTY,
    errIsTty: stderr.isTTY,
    columns: stdout.isTTY ? stdout.columns : 80,
    cwd: cwd(),
    env,
    user: userName(),
    machine: hostname(),
    runId: `cli-${pid}-${Date.now().toString(36)}`,
    signal,
    exec: (program, args, directory) => execute(program, args, directory, signal),
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a numeric id that has no name.
    return env['USER'] ?? 'unknown';
  }
}

function execute(program: string, args: readonly string[], directory: string, signal: AbortSignal): Promise<Executed> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], signal, shell: false });
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ missing: true });
      else reject(error);
    });
    child.on('close', (code) => {
      resolve({ code: code ?? 1, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() });
    });
  });
}
