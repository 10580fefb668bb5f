/**
 * Durations, sizes and rates as people write them. Strict, since the known libraries fail silently: they read "10GiB" as 10,
 * "10XB" as 10, "5m junk" as five minutes. Numbers are safe integers: milliseconds, bytes, bytes per second.
 */
import { PlacementError } from './errors.js';

/** Milliseconds of "30s", "1h30m", "500ms", "2d". Throws `input` naming the accepted forms. */
export function parseDuration(text: string): number {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  if (match === null || text === '') throw refused(text, durationForms);
  // Exact wherever it is safe: what loses digits is far too large.
  const milliseconds = spans.reduce((sum, [, length], index) => sum + Number(match[index + 1] ?? 0) * length, 0);
  return safe(milliseconds, text, 'duration');
}

/** Bytes of "100MiB", "1.5TiB", "10GB" (GB = 1000^3, GiB = 1024^3); a fraction is rounded to a whole byte. */
export function parseSize(text: string): number {
  return parseBytes(text, text, sizeForms);
}

/** Bytes per second of "100MiB/s". */
export function parseRate(text: string): number {
  if (!text.endsWith('/s')) throw refused(text, rateForms);
  return parseBytes(text.slice(0, -'/s'.length), text, rateForms);
}

/** Short, for people: "350ms", "4.2s", "3m20s", "2d3h". Rounded to the last unit that is shown. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Math.round(milliseconds)}ms`.replace(/^0ms$/, '0s');
  if (milliseconds < 9950) return `${trimmed(milliseconds / second)}s`;
  if (milliseconds < minute - second / 2) return `${Math.round(milliseconds / second)}s`;
  const resolution = milliseconds < hour - second / 2 ? second : milliseconds < day - minute / 2 ? minute : hour;
  return exactDuration(Math.round(milliseconds / resolution) * resolution);
}

/** Two that are held against each other: where the short forms are the same, the exact ones. */
export function distinctDurations(one: number, other: number): readonly [string, string] {
  const short = [formatDuration(one), formatDuration(other)] as const;
  return short[0] === short[1] ? [exactDuration(one), exactDuration(other)] : short;
}

/** Short, for people: "0 B", "1.5 GiB", "20 GiB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1024 && unit < shown.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 9.95 ? trimmed(value) : Math.round(value)} ${shown[unit] ?? 'B'}`;
}

/** Short, for people: "100 MiB/s". */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`;
}

/** Exact to the millisecond and readable by `parseDuration`: "0s", "4s200ms", "1h30m". */
export function exactDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds);
  let text = '';
  for (const [unit, length] of spans) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}

/** Exact and readable by `parseSize`, in the largest unit that leaves a whole number: "1536MiB", "0B". */
export function exactSize(bytes: number): string {
  let value = Math.round(bytes);
  let unit = 0;
  while (value > 0 && value % 1024 === 0 && unit < shown.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value}${shown[unit] ?? 'B'}`;
}

/** Exact and readable by `parseRate`. */
export function exactRate(bytesPerSecond: number): string {
  return `${exactSize(bytesPerSecond)}/s`;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const spans = [
  ['d', day],
  ['h', hour],
  ['m', minute],
  ['s', second],
  ['ms', 1],
] as const;

const shown = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const factors: ReadonlyMap<string, number> = new Map([
  ...shown.map((unit, power) => [unit, 1024 ** power] as const),
  ...['kB', 'MB', 'GB', 'TB', 'PB'].map((unit, power) => [unit, 1000 ** (power + 1)] as const),
  ['KB', 1000] as const,
]);

const durationForms = 'a duration such as "30s", "1h30m" or "500ms" (units d, h, m, s, ms, each at most once, in this order)';
const sizeForms = 'a size such as "100MiB", "1.5TiB" or "10GB" (units B, KiB, MiB, GiB, TiB, PiB, kB, MB, GB, TB, PB)';
const rateForms = 'a rate such as "100MiB/s" (a size per second)';

function parseBytes(text: string, whole: string, forms: string): number {
  const match = /^(\d+)(?:\.(\d+))?([A-Za-z]+)$/.exec(text);
  const factor = factors.get(match?.[3] ?? '');
  if (match?.[1] === undefined || factor === undefined || (match[2] !== undefined && factor === 1)) throw refused(whole, forms);
  const fraction = match[2];
  if (fraction === undefined) return safe(Number(match[1]) * factor, whole, 'number of bytes');
  const scale = 10n ** BigInt(fraction.length);
  const bytes = (BigInt(match[1] + fraction) * BigInt(factor) * 2n + scale) / (scale * 2n);
  return safe(Number(bytes), whole, 'number of bytes');
}

function safe(value: number, text: string, what: string): number {
  if (value > Number.MAX_SAFE_INTEGER) throw new PlacementError('input', `${quoted(text)} is too large a ${what}`);
  return value;
}

function refused(text: string, forms: string): PlacementError {
  const hint = /^\d+(\.\d+)?$/.test(text) ? ': the unit is missing' : '';
  return new PlacementError('input', `must be ${forms}, not ${quoted(text)}${hint}`);
}

/** What was declared may be long or hold control characters. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

const trimmed = (value: number): string => value.toFixed(1).replace(/\.0$/, '');
