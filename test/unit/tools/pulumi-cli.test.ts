import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  cacheName,
  cacheRoot,
  firstOf,
  fromPath,
  isUsable,
  noneFound,
  oldestVersion,
  parseVersion,
  pulumiPath,
  readPins,
  type PulumiCli,
  type Source,
} from '../../../tools/pulumi-cli.js';

describe('the version a pulumi prints', () => {
  it.each([
    ['v3.259.0\n', '3.259.0'],
    ['3.230.0', '3.230.0'],
    ['v3.240.0-alpha.1731440000\n', '3.240.0'],
    ['v3.259.0+dirty\n', '3.259.0'],
    ['warning: A new version of Pulumi is available. To upgrade from version 3.1.0 to 3.2.0\nv3.1.0\n', '3.1.0'],
  ])('reads %j as %s', (output, version) => {
    expect(parseVersion(output)).toBe(version);
  });

  it.each([[''], ['pulumi'], ['unknown command "version"'], ['v3'], ['go version go1.26.8 linux/amd64']])('finds none in %j', (output) => {
    expect(parseVersion(output)).toBeUndefined();
  });

  it.each([
    [oldestVersion, true],
    ['3.259.0', true],
    ['3.230.5', true],
    ['3.229.9', false],
    ['2.999.0', false],
    ['4.0.0', false],
  ])('%s usable: %s', (version, usable) => {
    expect(isUsable(version)).toBe(usable);
  });
});

describe('the order of the sources', () => {
  const found = (from: PulumiCli['from']): PulumiCli => ({ bin: `/${from}/pulumi`, dir: `/${from}`, version: '3.259.0', from });

  it('takes the first that has one and does not ask those behind it', async () => {
    const asked: string[] = [];
    const source =
      (name: PulumiCli['from'], has: boolean): Source =>
      async () => {
        asked.push(name);
        return has ? found(name) : { none: `${name}: nothing` };
      };
    const result = await firstOf([source('PATH', false), source('cache', true), source('download', true), source('go', true)]);
    expect(result).toEqual(found('cache'));
    expect(asked).toEqual(['PATH', 'cache']);
  });

  it('gives the reason of each when none has one, and the message says what to do', async () => {
    const result = await firstOf([
      async () => ({ none: 'PATH: no pulumi there' }),
      async () => ({ none: 'Go build: `go build` is not installed' }),
    ]);
    expect(result).toEqual({ reasons: ['PATH: no pulumi there', 'Go build: `go build` is not installed'] });
    expect(noneFound('reasons' in result ? result.reasons : [])).toBe(
      [
        'no Pulumi CLI:',
        '  - PATH: no pulumi there',
        '  - Go build: `go build` is not installed',
        'What to do: install Pulumi 3.230.0 or newer (https://www.pulumi.com/docs/install/) so that `pulumi version` answers,',
        'or install Go 1.25.11 or newer and let this build it (about 5 minutes, 4 GB of disk, once); then run again.',
      ].join('\n'),
    );
  });
});

describe('a pulumi on PATH', () => {
  let folder: string;
  const at = (...parts: string[]) => join(folder, ...parts);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vmplacement-path-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function executable(name: string, prints: string): Promise<void> {
    await mkdir(at(name, '..'), { recursive: true });
    await writeFile(at(name), `#!/bin/sh\necho ${prints}\n`);
    await chmod(at(name), 0o755);
  }

  it('is taken when it is new enough and its YAML host is beside it', async () => {
    await executable('a/pulumi', 'v3.240.1');
    await executable('a/pulumi-language-yaml', '');
    expect(await fromPath(at('a'))).toEqual({ bin: at('a/pulumi'), dir: at('a'), version: '3.240.1', from: 'PATH' });
  });

  it('is taken from behind a link, with the folder that holds both', async () => {
    await executable('real/pulumi', 'v3.240.1');
    await executable('real/pulumi-language-yaml', '');
    await mkdir(at('links'));
    await symlink(at('real/pulumi'), at('links/pulumi'));
    expect(await fromPath(at('links'))).toEqual({ bin: at('real/pulumi'), dir: at('real'), version: '3.240.1', from: 'PATH' });
  });

  it('is taken when its YAML host is elsewhere on PATH', async () => {
    await executable('a/pulumi', 'v3.240.1');
    await executable('b/pulumi-language-yaml', '');
    expect(await fromPath([at('a'), at('b')].join(delimiter))).toMatchObject({ dir: at('a') });
  });

  it('is passed over, with the reason, when it is too old', async () => {
    await executable('a/pulumi', 'v3.100.0');
    await executable('a/pulumi-language-yaml', '');
    expect(await fromPath(at('a'))).toEqual({ none: `PATH: ${at('a/pulumi')} is 3.100.0, needed is 3.230.0 or newer` });
  });

  it('is passed over when it has no YAML host', async () => {
    await executable('a/pulumi', 'v3.240.1');
    expect(await fromPath(at('a'))).toEqual({ none: `PATH: ${at('a/pulumi')} has no pulumi-language-yaml beside it` });
  });

  it('is passed over when it does not answer', async () => {
    await executable('a/pulumi', 'v3.240.1; exit 3');
    expect(await fromPath(at('a'))).toEqual({ none: `PATH: ${at('a/pulumi')} does not say its version` });
  });

  it('is not there on an empty PATH', async () => {
    expect(await fromPath('')).toEqual({ none: 'PATH: no pulumi there' });
  });
});

describe('the cache', () => {
  it('has one folder for each go.sum and platform', () => {
    expect(cacheName('a', 'linux-x64')).toMatch(/^pulumi-[0-9a-f]{12}-linux-x64$/);
    expect(cacheName('a', 'linux-x64')).toBe(cacheName('a', 'linux-x64'));
    expect(cacheName('a', 'linux-x64')).not.toBe(cacheName('b', 'linux-x64'));
    expect(cacheName('a', 'linux-x64')).not.toBe(cacheName('a', 'darwin-arm64'));
  });

  it.each([
    [{ XDG_CACHE_HOME: '/var/cache/me' }, '/var/cache/me/vmplacement'],
    [{ XDG_CACHE_HOME: '' }, join(homedir(), '.cache/vmplacement')],
    [{ XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache/vmplacement')],
    [{}, join(homedir(), '.cache/vmplacement')],
  ])('lies, with %j, in %s', (env, folder) => {
    expect(cacheRoot(env)).toBe(folder);
  });
});

describe('the pins', () => {
  it('are read from go.mod', () => {
    const goMod = 'module x\n\nrequire (\n\tgithub.com/pulumi/pulumi-yaml v1.38.1\n\tgithub.com/pulumi/pulumi/pkg/v3 v3.259.0\n)\n';
    expect(readPins(goMod)).toEqual({ pulumi: '3.259.0', yaml: '1.38.1' });
  });

  it('must be there', () => {
    expect(() => readPins('module x\n')).toThrow('does not pin');
  });
});

it('puts the CLI before everything else on the PATH of children, and the launcher of dynamic providers behind it', () => {
  const [first, second, ...rest] = pulumiPath({ bin: '/c/bin/pulumi', dir: '/c/bin', version: '3.259.0', from: 'cache' }, '/usr/bin').split(
    delimiter,
  );
  expect(first).toBe('/c/bin');
  expect(second).toMatch(/node_modules[/\\]@pulumi[/\\]pulumi$/);
  expect(rest).toEqual(['/usr/bin']);
});
