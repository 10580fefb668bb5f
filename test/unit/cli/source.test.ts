import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Executed } from '../../../provider/cli/io.js';
import { chooseOne, findSources } from '../../../provider/cli/source.js';
import { world } from './io.js';

const project = (more = ''): string => `name: shop\nruntime: yaml\n${more}`;
const withConfig = project('config:\n  vmplacement:datacenterFile:\n    value: from-project.yaml\n');

/** An exported state with these resources. */
const state = (resources: readonly object[]): Executed => ({
  code: 0,
  stdout: JSON.stringify({
    version: 3,
    deployment: { resources: [{ urn: 'urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev', type: 'pulumi:pulumi:Stack' }, ...resources] },
  }),
  stderr: '',
});
const provider = (name: string, inputs: object): object => ({
  urn: `urn:pulumi:dev::shop::pulumi:providers:vmplacement::${name}`,
  type: 'pulumi:providers:vmplacement',
  inputs,
});

describe('which datacenter is taken', () => {
  test('given all four sources, then --datacenter wins', async () => {
    const { io } = world({
      files: { 'flag.yaml': '', 'env.yaml': '', 'Pulumi.yaml': withConfig },
      env: { VMPLACEMENT_DATACENTER: 'env.yaml' },
    });

    const { found, forced } = await findSources({ datacenter: 'flag.yaml', stack: 'dev' }, io);

    expect(found).toMatchObject([{ config: { datacenterFile: join(io.cwd, 'flag.yaml') }, source: 'flag.yaml (--datacenter)' }]);
    expect(forced).toBe(true);
  });

  test('given no flag, then VMPLACEMENT_DATACENTER wins over a stack and the project', async () => {
    const { io } = world({ files: { 'env.yaml': '', 'Pulumi.yaml': withConfig }, env: { VMPLACEMENT_DATACENTER: 'env.yaml' } });

    const { found } = await findSources({ stack: 'dev' }, io);

    expect(found).toMatchObject([{ source: 'env.yaml (VMPLACEMENT_DATACENTER)' }]);
  });

  test('given neither, when a stack is named, then its configuration wins over the project', async () => {
    const files = { 'Pulumi.yaml': withConfig, 'Pulumi.dev.yaml': 'config:\n  vmplacement:datacenterFile: from-stack.yaml\n' };
    const { io } = world({ files, pulumi: () => state([]) });

    const { found } = await findSources({ stack: 'acme/shop/dev' }, io);

    expect(found).toMatchObject([{ provider: null, config: { datacenterFile: 'from-stack.yaml' }, baseDir: io.cwd }]);
  });

  test('given a program in a language, when a stack is named, then its explicit providers are found in the state', async () => {
    const embedded = '{"clusters":{}}';
    const { io, started } = world({
      files: { 'Pulumi.yaml': 'name: shop\nruntime: nodejs\n' },
      pulumi: () => state([provider('east', { embedded, version: '0.1.0' }), provider('default_0_1_0', { datacenterFile: 'dc.yaml' })]),
    });

    const sources = await findSources({ stack: 'dev' }, io);

    expect(sources.found.map(({ provider, config }) => ({ provider, config }))).toEqual([
      { provider: 'east', config: { embedded } },
      { provider: null, config: { datacenterFile: 'dc.yaml' } },
    ]);
    expect(started).toEqual([['pulumi', 'stack', 'export', '--stack=dev', '--non-interactive']]);
  });

  test('given only a project, then its config is taken, with the selected stack over it', async () => {
    const { io, write } = world({
      files: { 'Pulumi.yaml': withConfig, 'Pulumi.dev.yaml': 'config:\n  vmplacement:memoryReserve: 1GiB\n', 'Pulumi.prod.yaml': '' },
    });
    const name = `shop-${createHash('sha1').update(join(io.cwd, 'Pulumi.yaml')).digest('hex')}-workspace.json`;
    write(`.pulumi/workspaces/${name}`, JSON.stringify({ stack: 'old', stacks: { 'file://./state': 'dev' } }));

    const { found, stack } = await findSources({}, io);

    expect(stack).toBe('dev');
    expect(found).toMatchObject([
      {
        config: { datacenterFile: 'from-project.yaml', memoryReserve: '1GiB' },
        source: 'from-project.yaml (Pulumi.yaml + Pulumi.dev.yaml)',
      },
    ]);
  });

  test('given a program with a provider whose properties are literal, then it is found, and native objects stay objects', async () => {
    const { io } = world({
      files: {
        'Pulumi.yaml': project(
          'resources:\n  dc:\n    type: pulumi:providers:vmplacement\n    defaultProvider: true\n    properties:\n      embedded: {clusters: {}}\n',
        ),
      },
    });

    const { found } = await findSources({}, io);

    expect(found).toMatchObject([
      { provider: null, config: { embedded: { clusters: {} } }, source: 'embedded datacenter (resource dc of Pulumi.yaml)' },
    ]);
  });

  test('given a sub-folder of a project, then the project above is found and paths start there', async () => {
    const { io, write } = world({ files: { 'Pulumi.yaml': withConfig } });
    write('deep/er/file', '');

    const { found } = await findSources({}, { ...io, cwd: join(io.cwd, 'deep/er') });

    expect(found).toMatchObject([{ baseDir: io.cwd }]);
  });
});

describe('what is said when there is none', () => {
  test('given nothing, then everything that was tried is listed', async () => {
    const { io } = world();
    await expect(findSources({}, io)).rejects.toThrow(
      /No datacenter is configured\. Tried:\n {2}- --datacenter: not given\n {2}- VMPLACEMENT_DATACENTER: not set\n {2}- --stack: not given\n {2}- Pulumi\.yaml: none in .*Next: name a file with --datacenter/s,
    );
  });

  test('given a file that is missing, then an explicit source is not passed over', async () => {
    const { io } = world({ files: { 'Pulumi.yaml': withConfig } });
    await expect(findSources({ datacenter: 'nope.yaml' }, io)).rejects.toThrow(
      'The datacenter file nope.yaml (--datacenter) does not exist.',
    );
  });

  test('given a computed or secret datacenter, then it is named as such and not guessed', async () => {
    const { io } = world({
      files: {
        'Pulumi.yaml': project(
          'resources:\n  dc:\n    type: pulumi:providers:vmplacement\n    properties:\n      datacenterFile: ${file}\n',
        ),
        'Pulumi.dev.yaml': 'config:\n  vmplacement:embedded:\n    secure: v1:abc\n',
      },
    });
    await expect(findSources({}, io)).rejects.toThrow(/`embedded` is a secret.*`datacenterFile` is computed \(\$\{file\}\)/s);
  });

  test('given no pulumi, when a stack is named, then that is said', async () => {
    const { io } = world({ files: { 'Pulumi.yaml': withConfig } });
    await expect(findSources({ stack: 'dev' }, io)).rejects.toThrow('there is no `pulumi` on the PATH');
  });

  test('given a stack that pulumi does not know, then its own words are passed on', async () => {
    const { io } = world({ pulumi: () => ({ code: 6, stdout: '', stderr: "error: no stack named 'nope' found\n" }) });
    await expect(findSources({ stack: 'nope' }, io)).rejects.toThrow("no stack named 'nope' found");
  });

  test('given a state of a form that is not known, then it is refused', async () => {
    const { io } = world({
      pulumi: () => ({ code: 0, stdout: '{"version":4,"features":["views","sorcery"],"deployment":{}}', stderr: '' }),
    });
    await expect(findSources({ stack: 'dev' }, io)).rejects.toThrow('version 4, feature sorcery');
  });

  test('given a Pulumi.yaml that does not parse, then file, line and column are named', async () => {
    const { io } = world({ files: { 'Pulumi.yaml': 'name: shop\nbad: [\n' } });
    await expect(findSources({}, io)).rejects.toThrow(/Pulumi\.yaml:[23]:\d+: /);
  });

  test('given several providers, then one has to be chosen', async () => {
    const { io } = world({ pulumi: () => state([provider('east', { datacenterFile: 'a' }), provider('west', { datacenterFile: 'b' })]) });
    const sources = await findSources({ stack: 'dev' }, io);
    expect(() => chooseOne(sources, undefined)).toThrow('Several providers are declared: east, west.');
    expect(() => chooseOne(sources, 'north')).toThrow('There is no provider north');
    expect(chooseOne(sources, 'west').config).toEqual({ datacenterFile: 'b' });
  });
});
