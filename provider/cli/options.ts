/** What the commands share: the options that say which datacenter, and how a command's function is called. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Io } from './io.js';
import type { Call, Result } from './result.js';

/** Runs what was chosen and keeps the result for `run` to print. */
export type Take = (call: Call, work: () => Promise<Result> | Result) => Promise<void>;

export interface Commands {
  readonly io: Io;
  readonly take: Take;
  readonly program: Command;
}

export interface CommonOptions {
  readonly datacenter?: string;
  readonly stack?: string;
  readonly provider?: string;
  readonly cwd?: string;
  readonly json?: boolean;
}

export const withDatacenterOptions = (command: Command): Command =>
  withCommonOptions(
    command
      .optionsGroup('Which datacenter (the first one given counts; else Pulumi.yaml):')
      .option('-d, --datacenter <file>', 'YAML file of the datacenter (also: VMPLACEMENT_DATACENTER)')
      .option('-s, --stack <name>', 'Pulumi stack whose configuration, providers and state are used')
      .option('--provider <name>', 'which of several providers of a program'),
  );

export const withCommonOptions = (command: Command): Command =>
  command
    .optionsGroup('General:')
    .option('-C, --cwd <directory>', 'run as if started there')
    .option('--json', 'print JSON instead of text')
    .helpOption('-h, --help', 'print this help');

/** Commander calls with the arguments, the options and the command; the command gets the call, the arguments and the options. */
export function action<Given extends unknown[]>(
  { io, take }: Commands,
  work: (call: Call, ...given: Given) => Promise<Result>,
): (...given: unknown[]) => Promise<void> {
  return (...given) => {
    const options = given.at(-2) as CommonOptions;
    const call = callOf(io, options);
    return take(call, () => work(call, ...(given.slice(0, -1) as Given)));
  };
}

function callOf(io: Io, options: CommonOptions): Call {
  const here: Io = options.cwd === undefined ? io : { ...io, cwd: resolve(io.cwd, options.cwd) };
  const { datacenter, stack, provider } = options;
  return {
    io: here,
    json: options.json === true,
    look: {
      color: io.outIsTty && io.env['NO_COLOR'] === undefined && io.env['TERM'] !== 'dumb',
      columns: Math.max(40, Math.min(io.columns, 120)),
    },
    source: {
      ...(datacenter === undefined ? {} : { datacenter }),
      ...(stack === undefined ? {} : { stack }),
      ...(provider === undefined ? {} : { provider }),
    },
  };
}

export const collect = (value: string, previous: readonly string[] | undefined): readonly string[] => [...(previous ?? []), value];
