/** The words for a move's events, shared by every front door: command lines, terminal, the engine's log. */
import type { MoveEvent } from '../core/events.js';
import { formatBytes, formatDuration, formatRate } from '../core/units.js';

type Progress = Extract<MoveEvent, { kind: 'progress' }>;

/** One line that stands alone: the VM first, then what happens. */
export function eventLine(event: MoveEvent): string {
  switch (event.kind) {
    case 'start':
      return withStep(event);
    case 'progress':
      return `${event.vm}: ${event.step} ${progressDetail(event)}`;
    case 'notice':
      return mentioning(event.vm, event.message);
    case 'warning':
      return `warning: ${mentioning(event.vm, event.message)}`;
    case 'end':
      return withStep(event);
  }
}

/** Whole percent of what is to be sent; never 100 before all is. */
export function percent(event: Progress): number {
  if (event.total <= 0) return event.bytes > 0 ? 100 : 0;
  return Math.min(event.bytes >= event.total ? 100 : 99, Math.floor((100 * event.bytes) / event.total));
}

/**
 * Which progress events are worth a line where lines stay (a pipeline's log, the engine's Diagnostics): the first of a pass,
 * then when another tenth is done and some time has gone by, each wait longer than the one before. `now` in ms of the wall.
 */
export function lineGate(
  now: () => number,
  wait: { readonly firstMs: number; readonly mostMs: number } = { firstMs: 10_000, mostMs: 60_000 },
): (event: MoveEvent) => boolean {
  const seen = new Map<string, { key: string; tenth: number; at: number; waitMs: number }>();
  return (event) => {
    if (event.kind !== 'progress') return true;
    const key = `${event.step}\0${event.pass}`;
    const tenth = Math.floor(percent(event) / 10);
    const last = seen.get(event.vm);
    if (last?.key !== key) {
      seen.set(event.vm, { key, tenth, at: now(), waitMs: wait.firstMs });
      return true;
    }
    if (tenth === last.tenth || now() - last.at < last.waitMs) return false;
    seen.set(event.vm, { key, tenth, at: now(), waitMs: Math.min(2 * last.waitMs, wait.mostMs) });
    return true;
  };
}

function progressDetail(event: Progress): string {
  const left = remaining(event);
  const parts = [
    `${percent(event)}% of ${formatBytes(event.total)}`,
    ...(event.pass > 1 ? [`pass ${event.pass}`] : []),
    ...(event.rate > 0 ? [formatRate(event.rate)] : []),
    ...(left === null ? [] : [`${formatDuration(left)} left`]),
    ...(event.projectedDowntimeMs === undefined ? [] : [`downtime if cut over now ${formatDuration(event.projectedDowntimeMs)}`]),
  ];
  return parts.join(', ');
}

const remaining = (event: Progress): number | null =>
  event.rate > 0 && event.bytes < event.total ? ((event.total - event.bytes) / event.rate) * 1000 : null;

/** The core's messages begin with the VM; so does the line. */
function withStep({ vm, step, message }: Extract<MoveEvent, { kind: 'start' | 'end' }>): string {
  const rest = message.startsWith(`${vm}: `) ? message.slice(vm.length + 2) : message;
  return `${vm}: ${rest === '' ? step : `${step}: ${rest}`}`;
}

/** Messages of the core name the VM already; it need not stand twice in a line. */
const mentioning = (vm: string, message: string): string => (message.includes(vm) ? message : `${vm}: ${message}`);
