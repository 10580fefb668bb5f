/** The value of the annotation `vmplacement/shutdown`: the go for a staged move (rules.md §6.5). */
import { PlacementError } from './errors.js';
import { parseTimestamp } from './timestamp.js';

/** How a go is named in messages and outputs. A declared time may be a secret of the stack: it is not repeated; the words are no secrets. */
export function shownGo({ value, place }: { readonly value: string; readonly place: string }): string {
  return place === 'declared' && !isWord(value) ? 'at the declared time' : `"${value}"`;
}

export const isWord = (value: string): boolean => value === 'now' || value === 'force' || value === 'hold';

export const shutdownAnnotation = 'vmplacement/shutdown';

/** Times in milliseconds since the epoch. */
export type ShutdownValue =
  | { readonly kind: 'now' }
  | { readonly kind: 'force' }
  | { readonly kind: 'hold' }
  | { readonly kind: 'at'; readonly at: number }
  | { readonly kind: 'window'; readonly start: number; readonly end: number };

/** Throws `input` naming the accepted forms. */
export function parseShutdown(text: string): ShutdownValue {
  if (text === 'now' || text === 'force' || text === 'hold') return { kind: text };
  const [first = '', second, ...more] = text.split('/');
  const start = parseTimestamp(first);
  if (start === null || more.length > 0) throw refused(text);
  if (second === undefined) return { kind: 'at', at: start };
  const end = parseTimestamp(second);
  if (end === null) throw refused(text);
  if (start >= end) throw new PlacementError('input', `must be a window that ends after it starts, not ${JSON.stringify(text)}`);
  return { kind: 'window', start, end };
}

/**
 * Whether a shutdown may be sent now. In a window it is sent inside, and only when it can be over by then:
 * now + estimate <= end. `hold` is never open.
 */
export function isOpen(value: ShutdownValue, nowMs: number, estimateMs: number): 'open' | 'not-yet' | 'missed' {
  switch (value.kind) {
    case 'now':
    case 'force':
      return 'open';
    case 'hold':
      return 'not-yet';
    case 'at':
      return nowMs >= value.at ? 'open' : 'not-yet';
    case 'window':
      if (nowMs < value.start) return 'not-yet';
      return nowMs + estimateMs <= value.end ? 'open' : 'missed';
  }
}

function refused(text: string): PlacementError {
  const given = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
  const forms = '"now", "force", "hold", a time with offset such as "2026-05-01T22:00:00+02:00", or two of them as "start/end"';
  return new PlacementError('input', `must be ${forms}, not ${given}`);
}
