import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { manifestFor, pinsOf, readManifest, runtime, sdk, unreachable } from '../../../tools/node24-packages.js';
import { countsOf, expected, faultsOf, plugin, readSeen, type Seen } from '../../../tools/node24-proof.js';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const home = join(root, 'tools/node24');
const pins = pinsOf(readManifest(home));
const afterwards = 'run: npm run test:node24 -- --lock';

interface Lock {
  readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}
const lock = (folder: string) => JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock;

describe('the packages on Node 24', () => {
  it('are those of the checkout, but for the SDK and Node', () => {
    expect(readManifest(home), afterwards).toEqual(manifestFor(readManifest(root), pins));
  });

  it('are locked as the manifest says', () => {
    const { dependencies, devDependencies } = readManifest(home);
    expect(lock(home).packages[''], afterwards).toMatchObject({ dependencies, devDependencies });
  });

  it('are locked at the very versions of the checkout', () => {
    const { dependencies, devDependencies } = readManifest(root);
    const versions = ({ packages }: Lock) =>
      Object.keys({ ...dependencies, ...devDependencies })
        .filter((name) => name !== sdk)
        .map((name) => [name, packages[`node_modules/${name}`]?.['version']]);
    expect(versions(lock(home)), afterwards).toEqual(versions(lock(root)));
  });

  it('come with a newer SDK than that of Node 20, and are locked without a registry', () => {
    const newer = (version: string) => Number(version.split('.')[1]);
    expect(pins.node).toMatch(/^24\./);
    expect(pins.sdk).toMatch(/^3\./);
    expect(newer(pins.sdk)).toBeGreaterThan(newer(readManifest(root).devDependencies[sdk] ?? ''));
    expect(Object.entries(lock(home).packages).filter(([, entry]) => 'resolved' in entry)).toEqual([]);
  });

  it.each(['^24.0.0', '24', '24.x', 'latest', ''])('must have exact pins, which %j is not', (version) => {
    const loose = { ...readManifest(home), dependencies: { [sdk]: pins.sdk, [runtime]: version } };
    expect(() => pinsOf(loose)).toThrow(`pins ${runtime} to no exact version: '${version}'`);
  });
});

describe('a registry', () => {
  it.each([
    ['npm error code ENOTFOUND\nnpm error network', 'ENOTFOUND'],
    ['npm error errno ETIMEDOUT', 'ETIMEDOUT'],
    ['npm error code EUSAGE: package.json and package-lock.json are not in sync', undefined],
    ['npm error code EINTEGRITY', undefined],
    ['npm error code E404', undefined],
  ])('after %j is out of reach by %s', (message, code) => {
    expect(unreachable(message)).toBe(code);
  });
});

describe('the proof of a run on Node 24', () => {
  const right = (script: string): Seen => ({ script, node: pins.node, sdk: pins.sdk });
  const all = [right('vitest.mjs'), right('forks.js'), right(plugin), right(plugin)];

  it('holds when every process was what it should be', () => {
    const seen = readSeen(all.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    expect(faultsOf(seen, pins, expected('with engine'))).toEqual([]);
    expect(countsOf(seen)).toBe(`${plugin} 2, vitest.mjs 1, forks.js 1`);
  });

  it('fails when the engine took another Node for one plugin, or another SDK', () => {
    const others = [
      { ...right(plugin), node: '20.19.0' },
      { ...right(plugin), sdk: '3.248.0' },
    ];
    expect(faultsOf([...all, ...others], pins, expected('with engine'))).toEqual([
      `${plugin} ran on Node 20.19.0 with SDK ${pins.sdk}, not ${pins.node} with ${pins.sdk}`,
      `${plugin} ran on Node ${pins.node} with SDK 3.248.0, not ${pins.node} with ${pins.sdk}`,
    ]);
  });

  it.each(['npm', 'node-gyp.js'])('holds when %s loads no SDK, and fails when it ran on another Node', (script) => {
    const seen = { ...right(script), sdk: 'none' };
    expect(faultsOf([...all, seen], pins, expected('with engine'))).toEqual([]);
    expect(faultsOf([...all, { ...seen, node: '20.19.0' }], pins, expected('with engine'))).toHaveLength(1);
  });

  it('fails when the plugin or the tests were never seen', () => {
    expect(faultsOf([right('vitest.mjs')], pins, expected('with engine'))).toEqual([`${plugin} was never started on Node ${pins.node}`]);
    expect(faultsOf([right('vitest.mjs')], pins, expected('without engine'))).toEqual([]);
    expect(faultsOf([], pins, expected('without engine'))).toHaveLength(1);
  });
});
