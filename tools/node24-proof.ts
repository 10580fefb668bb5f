/** Whether the run on Node 24 really was one: every Node process in it wrote down what it is (tools/node24-witness.mjs). */
import type { Pins } from './node24-packages.js';

export interface Seen {
  /** The name of the script. */
  readonly script: string;
  readonly node: string;
  /** The version of the Pulumi SDK that the script would load. */
  readonly sdk: string;
}

export const plugin = 'pulumi-resource-vmplacement';
const runner = 'vitest.mjs';

/** Who must have been there: the runner of the tests always, the plugin when the engine ran. */
export const expected = (engine: 'with engine' | 'without engine'): string[] => (engine === 'with engine' ? [runner, plugin] : [runner]);

export function readSeen(text: string): Seen[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Seen]));
}

/** Started to pack and to install, and to build the optional native part of ssh2; they load none. */
const withoutSdk = new Set(['npm', 'node-gyp.js']);

/** Each kind of process that was not what it should be, and each that should have been there and was not. */
export function faultsOf(all: readonly Seen[], pins: Pins, wanted: readonly string[]): string[] {
  const absent = wanted.filter((script) => !all.some((seen) => seen.script === script));
  const wrong = all.filter((seen) => seen.node !== pins.node || (seen.sdk !== pins.sdk && !withoutSdk.has(seen.script)));
  return [
    ...absent.map((script) => `${script} was never started on Node ${pins.node}`),
    ...new Set(wrong.map(({ script, node, sdk }) => `${script} ran on Node ${node} with SDK ${sdk}, not ${pins.node} with ${pins.sdk}`)),
  ];
}

/** `pulumi-resource-vmplacement 61, forks.js 46, ...` */
export function countsOf(all: readonly Seen[]): string {
  const counts = new Map<string, number>();
  for (const { script } of all) counts.set(script, (counts.get(script) ?? 0) + 1);
  const sorted = [...counts].sort(([, a], [, b]) => b - a);
  return sorted.map(([script, count]) => `${script} ${count}`).join(', ');
}
