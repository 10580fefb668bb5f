import * as pulumi from '@pulumi/pulumi';
import { describe, expect, it } from 'vitest';
import { pulumiSchema } from '../../../schema/generated/pulumi-schema.js';
import * as vmplacement from '../../../sdk/nodejs/index.js';
import * as utilities from '../../../sdk/nodejs/utilities.js';
import { requestsOf, secretOf, unknown, valueOf } from './requests.js';

const { DynamicPlacement, Placement, Provider } = vmplacement;
const dynamicType = 'pulumi-nodejs:dynamic/vmplacement:Placement';
const asJavaScript = (args: unknown) => args as vmplacement.PlacementArgs;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a foreign document, walked freely
const placement = (pulumiSchema as any).resources['vmplacement:index:Placement'];
const every = Object.fromEntries(Object.keys(placement.inputProperties).map((name) => [name, `<${name}>`]));

describe.each([
  ['Placement', Placement, 'vmplacement:index:Placement'],
  ['DynamicPlacement', DynamicPlacement, dynamicType],
] as const)('%s', (name, Door, type) => {
  it('registers its type and what was declared, and asks for no version of the plugin', async () => {
    const [sent] = await requestsOf(() => new Door('web', { vm: 'web-01', host: 'h2', method: vmplacement.Method.Hot }));
    expect(sent).toMatchObject({ type, name: 'web', version: '', inputs: { vm: 'web-01', host: 'h2', method: 'hot' } });
  });

  it('passes on every input of the schema, and nothing else', async () => {
    const [sent] = await requestsOf(() => new Door('web', asJavaScript({ ...every, team: 'of the caller, as in any SDK' })));
    const shown = Object.entries(sent!.inputs).filter(([key]) => !key.startsWith('__'));
    expect(Object.fromEntries(shown)).toEqual(every);
  });

  it('has every output of the schema', async () => {
    const outputs = Object.fromEntries(Object.keys(placement.properties).map((key) => [key, `read ${key}`]));
    let web: object = {};
    await requestsOf(() => void (web = new Door('web', { vm: 'web-01' })), { mode: 'update', outputs });
    for (const [key, value] of Object.entries(outputs)) {
      expect(await valueOf((web as Record<string, pulumi.Output<unknown>>)[key]!), key).toBe(value);
    }
  });

  it('takes outputs of other resources; what a preview does not know yet stays unknown', async () => {
    const program = () => {
      const first = new Door('first', { vm: 'a' });
      return new Door('second', { vm: 'b', host: first.host, detach: [first.vmId] });
    };
    const second = (sent: Awaited<ReturnType<typeof requestsOf>>) => sent.find((one) => one.name === 'second')?.inputs;
    expect(second(await requestsOf(program, { mode: 'preview' }))).toMatchObject({ vm: 'b', host: unknown, detach: [unknown] });
    expect(second(await requestsOf(program, { mode: 'update', outputs: { host: 'h7', vmId: 'x' } }))).toMatchObject({
      host: 'h7',
      detach: ['x'],
    });
  });

  it('keeps a secret a secret', async () => {
    const go = pulumi.secret('2026-12-01T02:00:00Z');
    const [sent] = await requestsOf(() => new Door('web', { vm: 'web-01', annotations: { 'vmplacement/shutdown': go } }));
    expect(sent?.inputs['annotations']).toEqual({ 'vmplacement/shutdown': secretOf('2026-12-01T02:00:00Z') });
  });

  it('says which required input is missing, unless it exists already', async () => {
    expect(() => new Door('web', asJavaScript({}))).toThrow("Missing required property 'vm'");
    expect(() => new Door('web', asJavaScript(undefined))).toThrow("Missing required property 'vm'");
    await expect(requestsOf(() => new Door('web', asJavaScript({ vm: undefined })))).rejects.toThrow("Missing required property 'vm'");
  });

  it('knows its own', async () => {
    const all: unknown[] = [undefined, null, 'web', {}];
    await requestsOf(() => void all.push(new Placement('a', { vm: 'a' }), new DynamicPlacement('b', { vm: 'b' }), new Provider('c')));
    expect(all.map((one) => Door.isInstance(one))).toEqual([
      false,
      false,
      false,
      false,
      name === 'Placement',
      name === 'DynamicPlacement',
      false,
    ]);
    expect(Provider.isInstance(all[6])).toBe(true);
    expect(Provider.isInstance(all[4])).toBe(false);
    expect(pulumi.CustomResource.isInstance(all[4]) && pulumi.CustomResource.isInstance(all[5])).toBe(true);
  });
});

describe('Placement', () => {
  it('reads one that this program does not manage', async () => {
    let read: vmplacement.Placement | undefined;
    await requestsOf(() => void (read = Placement.get('web', 'web-01')), { mode: 'update', outputs: { host: 'h3' } });
    expect(await valueOf(read!.host)).toBe('h3');
  });

  it('comes back as itself where one is passed by reference', () => {
    const module = pulumi.runtime.getResourceModule('vmplacement', 'index', undefined);
    const urn = 'urn:pulumi:prod::shop::vmplacement:index:Placement::web';
    expect(module?.construct('web', 'vmplacement:index:Placement', urn)).toBeInstanceOf(Placement);
    expect(() => module?.construct('web', 'vmplacement:index:Host', urn)).toThrow('unknown resource type vmplacement:index:Host');
  });

  it('runs with the provider that it is given', async () => {
    const sent = await requestsOf(() => new Placement('web', { vm: 'web-01' }, { provider: new Provider('lab') }));
    expect(sent.find(({ name }) => name === 'web')?.provider).toBe('urn:pulumi:prod::shop::pulumi:providers:vmplacement::lab::lab-id');
  });
});

describe('DynamicPlacement', () => {
  it('tells its provider what the engine does not: its URN, and what is ignored', async () => {
    const sent = await requestsOf(() => {
      const group = new pulumi.ComponentResource('shop:vm:Group', 'group');
      const web = new DynamicPlacement('web', { vm: 'a' }, { parent: group, ignoreChanges: ['host'] });
      new DynamicPlacement('of-web', { vm: 'b' }, { parent: web });
      new DynamicPlacement('alone', { vm: 'c' });
    });
    const placements = sent.filter(({ type }) => type === dynamicType);
    expect(placements).toHaveLength(3);
    for (const { inputs, urn } of placements.filter(({ name }) => name !== 'of-web')) expect(inputs['__urn']).toBe(urn);
    // The mock gives a URN with one parent only, the engine one with all.
    expect(placements.find(({ name }) => name === 'of-web')?.inputs['__urn']).toBe(
      `urn:pulumi:prod::shop::shop:vm:Group$${dynamicType}$${dynamicType}::of-web`,
    );
    expect(placements.map(({ name, inputs }) => [name, inputs['__ignoreChanges']]).sort()).toEqual([
      ['alone', undefined],
      ['of-web', undefined],
      ['web', ['host']],
    ]);
  });

  // Depending on the parent's URN means depending on all of its children, so that these two would wait for each other.
  it('waits for no sibling', async () => {
    const sent = await requestsOf(() => {
      const group = new pulumi.ComponentResource('shop:vm:Group', 'group');
      for (const name of ['a', 'b', 'c']) new DynamicPlacement(name, { vm: name }, { parent: group });
    });
    expect(sent.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c', 'group']);
  });

  it('hides the spent annotation, besides what the program hides', async () => {
    const [sent] = await requestsOf(() => new DynamicPlacement('web', { vm: 'a' }, { additionalSecretOutputs: ['message'] }));
    expect([...sent!.additionalSecretOutputs].sort()).toEqual(['message', 'spentShutdown']);
  });

  it('says at once what its protocol cannot do, and what to do instead', async () => {
    await requestsOf(() => {
      const lab = new Provider('lab');
      expect(() => new DynamicPlacement('web', { vm: 'a' }, { import: 'a' })).toThrow("'web' cannot be imported, and need not be");
      expect(() => new DynamicPlacement('web', { vm: 'a' }, { id: 'a' })).toThrow('or use Placement.get');
      expect(() => new DynamicPlacement('web', { vm: 'a' }, { provider: lab })).toThrow("its configuration is the stack's");
    });
  });
});

describe('Provider', () => {
  const datacenter = { clusters: { c1: { hosts: { h1: { memory: '64GiB' } } } } };

  it('sends strings as they are, and all else as JSON', async () => {
    const [sent] = await requestsOf(() => new Provider('lab', { embedded: datacenter, memoryReserve: '1GiB', alwaysRefresh: true }));
    expect(sent).toMatchObject({ type: 'pulumi:providers:vmplacement', version: '' });
    expect(sent?.inputs).toEqual({ embedded: JSON.stringify(datacenter), memoryReserve: '1GiB', alwaysRefresh: 'true' });
  });

  it('takes outputs inside, and hides the whole when a part is secret', async () => {
    const [sent] = await requestsOf(
      () => new Provider('lab', { embedded: { clusters: { c1: { hosts: { h1: { memory: pulumi.secret('64GiB') } } } } } }),
    );
    expect(sent?.inputs['embedded']).toEqual(secretOf(JSON.stringify(datacenter)));
  });

  it('comes back as itself where one is passed by reference', () => {
    const found = pulumi.runtime.getResourcePackage('vmplacement', undefined);
    const urn = 'urn:pulumi:prod::shop::pulumi:providers:vmplacement::lab';
    expect(found?.constructProvider('lab', 'pulumi:providers:vmplacement', urn)).toBeInstanceOf(Provider);
    expect(() => found?.constructProvider('lab', 'pulumi:providers:aws', urn)).toThrow('unknown provider type pulumi:providers:aws');
  });
});

describe('functions', () => {
  const engine = { mode: 'update', call: (token: string, inputs: object) => ({ asked: { token, inputs } }) } as const;

  it.each([
    ['getPlacement', () => vmplacement.getPlacement({ vm: 'a' }), { vm: 'a' }],
    ['getPlan', () => vmplacement.getPlan({ vm: 'a', hosts: ['h1'], method: 'cold' }), { vm: 'a', hosts: ['h1'], method: 'cold' }],
  ] as const)('%s asks the plugin', async (name, ask, inputs) => {
    let answer: unknown;
    await requestsOf(async () => void (answer = await ask()), engine);
    expect(answer).toEqual({ asked: { token: `vmplacement:index:${name}`, inputs } });
  });

  it('have a form that takes outputs and gives one', async () => {
    let answers: pulumi.Output<unknown>[] = [];
    await requestsOf(() => {
      const web = new Placement('web', { vm: 'web-01', host: 'h1' });
      answers = [vmplacement.getPlacementOutput({ vm: web.vm }), vmplacement.getPlanOutput({ vm: web.vm, host: web.host })];
    }, engine);
    expect(await valueOf(answers[0]!)).toEqual({ asked: { token: 'vmplacement:index:getPlacement', inputs: { vm: 'web-01' } } });
    expect(await valueOf(answers[1]!)).toEqual({ asked: { token: 'vmplacement:index:getPlan', inputs: { vm: 'web-01', host: 'h1' } } });
  });
});

describe('closed sets', () => {
  it('are constants', () => {
    expect(vmplacement.Method).toEqual({ Auto: 'auto', Hot: 'hot', Cold: 'cold', Staged: 'staged' });
    expect(vmplacement.types.enums.Method).toBe(vmplacement.Method);
  });
});

it('what the schema marks as a secret is one', async () => {
  expect(await pulumi.isSecret(utilities.secret('hunter2')!)).toBe(true);
  expect(utilities.secret(undefined)).toBeUndefined();
});
