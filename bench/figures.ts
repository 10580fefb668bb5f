/** Medians, ratios and tables: what all benchmarks print with. */
import { table } from '../provider/report/text.js';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('no values');
  return (low + high) / 2;
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
export const milliseconds = (ms: number): string => `${ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0)} ms`;
export const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
export const ratio = (value: number): string => `${value.toFixed(2)}x`;

export function print(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`\n${title}\n${table(header, rows, { color: false, columns: 160 })}`);
}

/** A limit that the project set itself (issue of the release, bench/README.md); only `--check` makes an exit code of it. */
export interface Limit {
  readonly what: string;
  readonly holds: boolean;
}

export function verdict(limits: readonly Limit[], isChecked: boolean): void {
  const broken = limits.filter(({ holds }) => !holds);
  for (const { what, holds } of limits) console.log(`${holds ? 'holds  ' : 'BROKEN '} ${what}`);
  if (isChecked && broken.length > 0) process.exitCode = 1;
}
