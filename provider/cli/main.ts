#!/usr/bin/env node
import process, { argv, exit, stderr, stdout } from 'node:process';
import { realIo } from './io.js';
import { run } from './run.js';

const interrupt = new AbortController();

/** The first interrupt asks to stop at a safe point; the second one does not wait for it. Correctness depends on neither. */
function onInterrupt(): void {
  if (interrupt.signal.aborted) exit(130);
  stderr.write('\nStopping at the next safe point; interrupt again to stop at once.\n');
  interrupt.abort();
}

process.on('SIGINT', onInterrupt);
process.on('SIGTERM', onInterrupt);
// A reader that went away (`vmplacement status | head`) is no fault.
for (const stream of [stdout, stderr]) stream.on('error', (error: NodeJS.ErrnoException) => exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(argv.slice(2), realIo(interrupt.signal));
