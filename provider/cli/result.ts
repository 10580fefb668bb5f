/** What a command gives back; only `run` prints it. */
import type { Report } from '../report/types.js';
import type { Look } from '../report/text.js';
import type { Io } from './io.js';
import type { SourceOptions } from './source.js';

/** The exit codes of every command. */
export const exitCodes = {
  fine: 0,
  error: 1,
  /** An `up` would change something. */
  differences: 2,
  /** Nothing worse than pending: staged and waiting, awaiting confirmation. */
  pending: 3,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface Result {
  /** Printed with `--json`. */
  readonly report: Report | Readonly<Record<string, unknown>>;
  /** Printed otherwise. */
  readonly text: string;
  readonly exit: ExitCode;
}

/** What every command knows about how it was called. */
export interface Call {
  readonly io: Io;
  readonly look: Look;
  readonly json: boolean;
  readonly source: SourceOptions;
}
