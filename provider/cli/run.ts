/** One call of the command, from its arguments to its exit code. */
import { CommanderError } from 'commander';
import { PlacementError } from '../core/errors.js';
import { schemaVersion, type ErrorReport } from '../report/types.js';
import { wrap } from '../report/text.js';
import type { Io } from './io.js';
import { buildProgram } from './program.js';
import { exitCodes } from './result.js';

/** `argv` without the interpreter and the script. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  let exit: number = exitCodes.fine;
  const program = buildProgram(io, async (call, work) => {
    const result = await work();
    io.out(call.json ? `${JSON.stringify(result.report, null, 2)}\n` : result.text);
    exit = result.exit;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exit;
  } catch (error) {
    return report(error, argv.includes('--json'), io);
  }
}

function report(error: unknown, json: boolean, io: Io): number {
  if (error instanceof CommanderError) {
    // It has printed its message (or the help that was asked for) itself.
    if (error.exitCode !== 0 && json) io.out(asJson({ ...nothing, code: 'usage', message: error.message.replace(/^error: /, '') }));
    return error.exitCode === 0 ? exitCodes.fine : exitCodes.error;
  }
  if (io.signal.aborted && error instanceof Error && error.name === 'AbortError') {
    if (json) io.out(asJson({ ...nothing, code: 'interrupted', message: 'Interrupted.' }));
    else io.err('error: Interrupted.\n');
    return exitCodes.error;
  }
  const known = PlacementError.isInstance(error);
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const details = known ? { vm: error.vm ?? null, path: error.path ?? null, next: error.next ?? null } : {};
    io.out(asJson({ ...nothing, ...details, code: known ? error.code : 'internal', message }));
  } else io.err(`${wrap(`error: ${message.replace('\n Next:', '\nNext:')}`, Math.min(io.columns, 100), 2)}\n`);
  // What we did not foresee is a fault of ours: whoever reports it needs the trace.
  if (!known && error instanceof Error && error.stack !== undefined) io.err(`${error.stack}\n`);
  return exitCodes.error;
}

const nothing = { schemaVersion, kind: 'error', vm: null, path: null, next: null } as const;
const asJson = (report: ErrorReport): string => `${JSON.stringify(report, null, 2)}\n`;
