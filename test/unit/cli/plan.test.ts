import { describe, expect, test } from 'vitest';
import { datacenterYaml, stackYaml, steady, up, usualStack } from './datacenter.js';
import { tooLong, world } from './io.js';

const files = (stack = usualStack): Record<string, string> => ({
  'datacenter.yaml': datacenterYaml,
  'Pulumi.yaml': stack,
  'Pulumi.dev.yaml': '',
});

describe('exit codes of plan', () => {
  test('given VMs where they shall be, then 0', async () => {
    const { vmplacement } = world({ files: files() });
    const { exit, out } = await vmplacement('plan');
    expect({ exit, last: out.trim().split('\n').at(-1) }).toEqual({ exit: 0, last: '3 placements: 3 unchanged.' });
  });

  test('given an edited host, then 2', async () => {
    const { vmplacement } = world({ files: files(stackYaml({ web: { vm: 'web-01', host: 'a2' } })) });
    expect((await vmplacement('plan')).exit).toBe(2);
  });

  test('given a staged move that waits, then 3', async () => {
    const there = world({ files: files(stackYaml({ erp: { vm: 'erp-01', host: 'b1' } })) });
    await up(there, 'erp', { vm: 'erp-01', host: 'b1' });
    const { exit, out } = await there.vmplacement('plan');
    expect(exit).toBe(3);
    expect(out).toContain('erp-01 (erp): goes on staged a/a2 -> b/b1 (AwaitingShutdown)');
  });

  test('given a staged move with its go, then 2: an update ends it', async () => {
    const there = world({ files: files(stackYaml({ erp: { vm: 'erp-01', host: 'b1' } })) });
    await up(there, 'erp', { vm: 'erp-01', host: 'b1' });
    await there.vmplacement('annotate', 'erp-01', 'shutdown=now');
    const { exit, out } = await there.vmplacement('plan');
    expect(exit).toBe(2);
    expect(out).toContain('stops the VM');
  });

  test('given a kept source, then 3', async () => {
    const there = world({ files: files(stackYaml({ db: { vm: 'db-01', host: 'a2' } })) });
    await up(there, 'db', { vm: 'db-01', host: 'a2' });
    expect((await there.vmplacement('plan')).exit).toBe(3);
  });

  test('given a refusal, then 1, also when others would change', async () => {
    const { vmplacement } = world({ files: files(stackYaml({ web: { vm: 'web-01', host: 'a2' }, app: { vm: 'app-01', host: 'b2' } })) });
    expect((await vmplacement('plan')).exit).toBe(1);
  });

  test('given a wrong declaration, then 1 with every fault', async () => {
    const { vmplacement } = world({ files: files(stackYaml({ web: { vm: 'web-01', host: 'a1', hosts: ['a2'], bandwith: '1MiB/s' } })) });
    const { exit, out } = await vmplacement('plan');
    expect(exit).toBe(1);
    expect(out).toMatch(/bandwith: is not a known property.*bandwidth/s);
    expect(out).toContain('hosts: cannot stand together with `host`');
  });
});

describe('where placements come from', () => {
  test('given an explicit file, then it is planned', async () => {
    const { vmplacement } = world({ files: { ...files(), 'other/stack.yaml': stackYaml({ app: { vm: 'app-01', host: 'a1' } }) } });
    const { out, exit } = await vmplacement('plan', '--file', 'other/stack.yaml', '--datacenter', 'datacenter.yaml');
    expect({ exit, out }).toMatchObject({ exit: 2, out: expect.stringContaining('app-01 (app): move hot a/a2 -> a/a1') });
  });

  test('given names, then only these are planned, by resource or by VM', async () => {
    const { vmplacement } = world({ files: files() });
    expect((await vmplacement('plan', 'web', 'db-01', '--json')).json()['placements'].map((one: { name: string }) => one.name)).toEqual([
      'db',
      'web',
    ]);
    expect((await vmplacement('plan', 'wbe')).err).toBe('error: No placement wbe is declared. Did you mean web?\n');
  });

  test('given flags, then they are the declaration', async () => {
    const { vmplacement } = world({ files: files() });
    const ran = await vmplacement(
      'plan',
      '--vm',
      'web-01',
      '--hosts',
      'a2,b1',
      '--method',
      'hot',
      '--set',
      'maxDuration=5m',
      '--annotation',
      'vmplacement/shutdown=hold',
      '--json',
    );
    expect(ran.json()).toMatchObject({
      declaredIn: 'The command line',
      placements: [{ name: 'web-01', action: 'move', method: 'hot', to: 'a/a2' }],
    });
  });

  test('given flags without --vm, then it is asked for', async () => {
    const { vmplacement } = world({ files: files() });
    expect(await vmplacement('plan', '--host', 'a2')).toMatchObject({ exit: 1, err: expect.stringContaining('--host needs --vm') });
    expect(await vmplacement('plan', '--vm', 'web-01', '--set', 'verify')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('--set takes NAME=VALUE'),
    });
  });

  test('given a stack, then the inputs in its state are planned with the stack as owner', async () => {
    const resources = [
      { urn: 'urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev', type: 'pulumi:pulumi:Stack' },
      {
        urn: 'urn:pulumi:dev::shop::pulumi:providers:vmplacement::default',
        type: 'pulumi:providers:vmplacement',
        inputs: { datacenterFile: 'datacenter.yaml', version: '0.1.0' },
      },
      {
        urn: 'urn:pulumi:dev::shop::vmplacement:index:Placement::erp',
        type: 'vmplacement:index:Placement',
        provider: 'urn:pulumi:dev::shop::pulumi:providers:vmplacement::default::0a1b',
        inputs: { vm: 'erp-01', host: 'b1', plan: 'staged: ...', onDestroy: 'leaves the VM running where it is' },
      },
    ];
    const there = world({
      files: { 'datacenter.yaml': datacenterYaml },
      pulumi: () => ({ code: 0, stdout: JSON.stringify({ version: 3, deployment: { resources } }), stderr: '' }),
    });
    await up(there, 'erp', { vm: 'erp-01', host: 'b1' });

    const ran = await there.vmplacement('plan', '--stack', 'dev', '--json');

    expect(ran.exit).toBe(3);
    expect(ran.json()).toMatchObject({
      declaredIn: 'The state of stack dev',
      stack: 'organization/shop/dev',
      placements: [{ name: 'erp', action: 'continue', outlook: 'pending', phase: 'AwaitingShutdown' }],
    });
  });

  test('given interpolations, then what they decide is reported as unknown, and the rest is planned without them', async () => {
    const { vmplacement } = world({
      files: files(stackYaml({ web: { vm: 'web-01', host: '${place.host}' }, app: { vm: 'app-01', host: 'a1', bandwidth: '${limit}' } })),
    });
    const { exit, out } = await vmplacement('plan');
    expect(exit).toBe(1);
    expect(out).toContain('web-01 (web): not decided');
    expect(out).toContain('host is computed by the program: run `pulumi preview`');
    expect(out).toContain('app-01 (app): move hot');
    expect(out).toContain('bandwidth: ${limit} (only the engine computes it)');
  });

  test('given no stack selected, then the VMs’ own claims say on whose behalf, and nothing is owned elsewhere', async () => {
    const there = world({ files: { ...files(stackYaml({ web: { vm: 'web-01', host: 'a2' } })), 'Pulumi.prod.yaml': '' } });
    await up(there, 'web', { vm: 'web-01', host: 'a1' });
    const { exit, out } = await there.vmplacement('plan');
    expect(exit).toBe(2);
    expect(out).toContain('No stack is selected: planned for organization/shop/dev');
  });

  test('given a VM of another stack, then it is refused as owned elsewhere', async () => {
    const there = world({ files: files(stackYaml({ web: { vm: 'web-01', host: 'a2' } }).replace('name: shop', 'name: other')) });
    await up(there, 'web', { vm: 'web-01', host: 'a1' });
    const ran = await there.vmplacement('plan', '--json');
    expect(ran.json()['placements'][0].findings.map((one: { code: string }) => one.code)).toContain('vm-owned-elsewhere');
  });

  test('given two moves to one host, then the second does not find the memory that the first was promised', async () => {
    const vms =
      'embedded:\n  clusters:\n    a:\n      hosts: {a1: {}, a2: {memory: 6GiB}}\n  vms:\n    one: {host: a1, memory: 4GiB}\n    two: {host: a1, memory: 4GiB}\n';
    const { vmplacement } = world({
      files: { 'datacenter.yaml': vms, 'Pulumi.yaml': stackYaml({ z: { vm: 'one', host: 'a2' }, y: { vm: 'two', host: 'a2' } }) },
    });
    const placements = (await vmplacement('plan', '--json')).json()['placements'] as { vm: string; action: string }[];
    expect(placements.map(({ vm, action }) => `${vm} ${action}`)).toEqual(['one move', 'two blocked']);
  });
});

describe('what a person sees, at 80 columns', () => {
  test('a stack with a bit of everything', async () => {
    const stack = stackYaml({
      web: { vm: 'web-01', host: 'a2' },
      db: { vm: 'db-01', host: 'a1' },
      erp: { vm: 'erp-01', cluster: 'b' },
      app: { vm: 'app-01', host: 'b2' },
      ghost: { vm: 'web-1', host: 'a1' },
    });
    const there = world({ files: files(stack) });
    const { out, err } = await there.vmplacement('plan');
    expect(err).toBe('');
    expect(tooLong(out)).toEqual([]);
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/plan.txt');
  });

  test('a refusal with several candidates', async () => {
    const there = world({ files: files() });
    const { out } = await there.vmplacement('plan', '--vm', 'web-01', '--cluster', 'b', '--method', 'hot');
    expect(tooLong(out)).toEqual([]);
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/plan-refused.txt');
  });
});

describe('the report', () => {
  test('given --json, then every field is there and nothing else is printed', async () => {
    const { vmplacement } = world({ files: files(stackYaml({ web: { vm: 'web-01', host: 'a2' } })) });
    const ran = await vmplacement('plan', '--json');
    expect(ran.err).toBe('');
    expect(ran.json()).toMatchObject({
      schemaVersion: 1,
      kind: 'plan',
      datacenters: [{ source: 'datacenter.yaml (Pulumi.yaml)', platform: 'embedded (driven)' }],
      declaredIn: 'Pulumi.yaml',
      stack: 'organization/shop/dev',
      summary: { unchanged: 0, change: 1, pending: 0, refused: 0, total: 1 },
      unreadHosts: [],
      placements: [
        {
          name: 'web',
          vm: 'web-01',
          action: 'move',
          outlook: 'change',
          method: 'hot',
          from: 'a/a1',
          to: 'a/a2',
          summary: expect.stringMatching(/^hot: a\/a1 -> a\/a2; /),
          willStopVm: false,
          estimate: { downtimeMs: expect.any(Number), basis: expect.any(Array) },
          steps: expect.arrayContaining(['claim', 'migrate', 'settle']),
          candidates: [{ place: 'a/a2', method: 'hot' }],
          problems: [],
          unknownInputs: [],
        },
      ],
    });
  });
});
