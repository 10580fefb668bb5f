/** The world of a command in a test: a folder of its own, what it printed, and a `pulumi` that answers what the test says. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Executed, Io } from '../../../provider/cli/io.js';
import { run } from '../../../provider/cli/run.js';

export interface World {
  readonly directory: string;
  readonly io: Io;
  readonly write: (name: string, text: string) => string;
  /** Runs the command; gives its exit code and what it printed in this run. */
  readonly vmplacement: (...argv: string[]) => Promise<Ran>;
  /** Arguments of every program that was started. */
  readonly started: string[][];
}

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly json: () => Json;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look at single fields of reports
export type Json = Record<string, any>;

interface WorldOptions {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly tty?: boolean;
  readonly pulumi?: (args: readonly string[]) => Executed;
}

export function world(options: WorldOptions = {}): World {
  const directory = mkdtempSync(join(tmpdir(), 'vmp-cli-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  for (const [name, text] of Object.entries(options.files ?? {})) write(name, text);
  const printed = { out: '', err: '' };
  const started: string[][] = [];
  const io: Io = {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    outIsTty: options.tty ?? false,
    errIsTty: options.tty ?? false,
    columns: options.columns ?? 80,
    cwd: directory,
    env: { HOME: directory, ...options.env },
    user: 'alice',
    machine: 'desk',
    runId: 'cli-1',
    signal: new AbortController().signal,
    exec: async (program, args) => {
      started.push([program, ...args]);
      return options.pulumi?.(args) ?? { missing: true };
    },
  };
  const vmplacement = async (...argv: string[]): Promise<Ran> => {
    printed.out = '';
    printed.err = '';
    const exit = await run(argv, io);
    const { out, err } = printed;
    return { exit, out, err, json: () => JSON.parse(out) as Json };
  };
  return { directory, io, write, vmplacement, started };
}

/** Every line of it fits into a terminal of 80 columns. */
export const tooLong = (text: string, columns = 80): string[] => text.split('\n').filter((line) => line.length > columns);
