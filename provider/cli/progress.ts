/** Shows a move's events while it runs: lines in a log, one live line in a terminal; nothing of it goes to standard output. */
import type { EventSink, MoveEvent } from '../core/events.js';
import { eventLine, lineGate } from '../report/events-text.js';
import type { PlacementRun } from '../core/placement.js';
import type { Call } from './result.js';

export interface Progress {
  readonly emit: EventSink;
  readonly log: (message: string) => void;
  /** Ends the live line. */
  readonly done: () => void;
}

export async function showProgress(call: Call): Promise<Progress> {
  const { io } = call;
  if (!io.errIsTty || call.json) return plainLines(io.err);
  // Only for a terminal: it writes escape codes into whatever it is given.
  const { createLogUpdate } = await import('log-update');
  const live = createLogUpdate(terminal(io.err, io.columns), { showCursor: true });
  return {
    emit: (event) => {
      if (event.kind === 'progress') live(eventLine(event));
      else live.persist(eventLine(event));
    },
    log: (message) => live.persist(message),
    done: () => {
      live.clear();
      live.done();
    },
  };
}

/** For work that is over at once. */
export const quietRun = (call: Call): PlacementRun => ({
  signal: call.io.signal,
  emit: () => undefined,
  log: () => undefined,
  timeoutMs: null,
});

function plainLines(write: (text: string) => void): Progress {
  const worth = lineGate(() => Date.now());
  return {
    emit: (event: MoveEvent) => {
      if (worth(event)) write(`${eventLine(event)}\n`);
    },
    log: (message) => write(`${message}\n`),
    done: () => undefined,
  };
}

function terminal(write: (text: string) => void, columns: number): NodeJS.WriteStream {
  return { write: (text: string) => (write(text), true), isTTY: true, columns, rows: 24 } as unknown as NodeJS.WriteStream;
}
