/**
 * Passing text of a move. In a terminal only its first characters are visible beside the resource, in a pipeline every one is a
 * line: therefore the number first, the name last, and seldom.
 */
import type { MoveEvent } from '../core/events.js';
import type { Place } from '../core/inventory.js';
import { formatDuration } from '../core/units.js';

type Progress = Extract<MoveEvent, { kind: 'progress' }>;

/** `38% 12s left, hot copy (web-01 a1>b1)`. */
export function progressText(event: Progress, route: string): string {
  const share = event.total <= 0 ? 100 : Math.min(100, Math.floor((event.bytes / event.total) * 100));
  const left = event.rate > 0 ? ` ${formatDuration((Math.max(0, event.total - event.bytes) / event.rate) * 1000)} left` : '';
  return `${share}%${left}, ${work(event)} (${event.vm}${route})`;
}

/** ` a1>b1`, with the clusters where they differ. */
export function routeText(from: Place | null, to: Place | null): string {
  if (from === null || to === null) return '';
  return from.cluster === to.cluster || from.host !== to.host
    ? ` ${from.host}>${to.host}`
    : ` ${from.cluster}/${from.host}>${to.cluster}/${to.host}`;
}

/** Says when a progress event is worth a line. `now` in wall milliseconds: it is people who read. */
export class Cadence {
  #place = '';
  #bucket = -1;
  #last = Number.NEGATIVE_INFINITY;
  #interval = firstIntervalMs;

  constructor(private readonly now: () => number) {}

  /** At once when a step or a pass begins; within it when a tenth is complete, at most every 10 s, and less and less often. */
  due(event: Progress): boolean {
    const now = this.now();
    // A wait sends increments for hours: they are not passes that somebody looks at.
    const place = event.step === 'await-go' ? event.step : `${event.step}#${event.pass}`;
    const bucket = event.total <= 0 ? 10 : Math.floor((event.bytes / event.total) * 10);
    const waited = now - this.#last;
    const begins = place !== this.#place && waited >= shortestMs;
    if (!begins && !(waited >= this.#interval && (bucket !== this.#bucket || waited >= longestIntervalMs))) return false;
    this.#interval = place === this.#place ? Math.min(this.#interval * 1.5, longestIntervalMs) : firstIntervalMs;
    this.#place = place;
    this.#bucket = bucket;
    this.#last = now;
    return true;
  }
}

const firstIntervalMs = 10_000;
const longestIntervalMs = 60_000;
/** Passes may be over in no time. */
const shortestMs = 1000;

/** Steps that copy, in the words of the docs. */
const works: Readonly<Record<string, string>> = {
  migrate: 'hot copy',
  copy: 'cold copy',
  replicate: 'staged copy',
  shrink: 'increment',
  finish: 'last increment',
};

function work(event: Progress): string {
  if ((event.step === 'replicate' || event.step === 'await-go') && event.pass > 1) return `increment ${event.pass}`;
  return works[event.step] ?? event.step;
}
