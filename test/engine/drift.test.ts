import { describe, expect, test } from 'vitest';
import { expectGolden } from './golden.js';
import { deployed, stack } from './harness.js';

const web = { vm: 'web-01', host: 'a1' };

describe('drift', () => {
  test('given a VM that somebody moved, then refresh shows it, and the next update puts it right', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.outside('move', 'web-01', 'a/a2');
    await expectGolden('drift-refresh', fleet, await fleet.pulumi('refresh', '--preview-only', '--expect-no-changes'));
    await expectGolden('drift-refresh-diff', fleet, await fleet.pulumi('refresh', '--preview-only', '--diff'));
    await expectGolden('drift-preview', fleet, await fleet.pulumi('preview', '--refresh', '--diff'));
    const up = await fleet.pulumi('up', '--refresh', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a1' });
  });

  test('given a set of hosts, then a move inside it is none, one out of it is', async () => {
    const fleet = await deployed({ placements: { web: { vm: 'web-01', hosts: ['a1', 'a2'] } } });
    await fleet.outside('move', 'web-01', 'a/a2');
    const inside = await fleet.pulumi('refresh', '--preview-only', '--expect-no-changes');
    expect(inside.code, inside.text).toBe(0);
    await fleet.outside('move', 'web-01', 'b/b1');
    await expectGolden('drift-hosts-refresh-diff', fleet, await fleet.pulumi('refresh', '--preview-only', '--diff', '--expect-no-changes'));
  });

  test('given alwaysRefresh, then drift shows in a plain preview', async () => {
    const fleet = await deployed({ placements: { web }, config: { datacenterFile: 'datacenter.yaml', alwaysRefresh: 'true' } });
    await fleet.outside('move', 'web-01', 'a/a2');
    const preview = await fleet.pulumi('preview', '--expect-no-changes');
    expect(preview.code, preview.text).toBe(7);
  });

  test('given ignoreChanges on the host, then drift is accepted', async () => {
    const options = { ignoreChanges: ['host'] };
    const fleet = await deployed({ placements: { web: { properties: web, options } } });
    await fleet.outside('move', 'web-01', 'a/a2');
    const refreshed = await fleet.pulumi('refresh');
    expect(refreshed.code, refreshed.text).toBe(0);
    const preview = await fleet.pulumi('preview', '--expect-no-changes');
    expect(preview.code, preview.text).toBe(0);
  });
});

describe('importing', () => {
  test('pulumi import prints a program that can be used', async () => {
    const fleet = await stack({ placements: {} });
    const imported = await fleet.pulumi('import', 'vmplacement:index:Placement', 'web', 'web-01');
    await expectGolden('import', fleet, imported);
    const { id, outputs } = await fleet.placement('web');
    expect(outputs).toMatchObject({ vmId: id, host: 'a1' });
    await fleet.write({ placements: { web: { vm: 'web-01', cluster: 'a', host: 'a1' } } });
    const preview = await fleet.pulumi('preview', '--expect-no-changes');
    expect(preview.code, preview.text).toBe(0);
  });

  test('the import option adopts, and moves where the program says another place', async () => {
    const fleet = await stack({ placements: { web: { properties: { vm: 'web-01', host: 'a2' }, options: { import: 'web-01' } } } });
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
    const again = await fleet.pulumi('preview', '--expect-no-changes');
    expect(again.code, again.text).toBe(0);
  });

  test('many at once, from a file', async () => {
    const fleet = await stack({ placements: {} });
    const { writeFile } = await import('node:fs/promises');
    const resources = ['web-01', 'db-01', 'batch-01'].map((id) => ({ type: 'vmplacement:index:Placement', name: id, id }));
    await writeFile(`${fleet.dir}/import.json`, JSON.stringify({ resources }));
    const imported = await fleet.pulumi('import', '--file', 'import.json', '--protect=false');
    expect(imported.code, imported.text).toBe(0);
    expect((await fleet.placement('batch-01')).outputs).toMatchObject({ host: 'a2', power: 'off' });
  });

  test('a VM that does not exist', async () => {
    const fleet = await stack({ placements: {} });
    const imported = await fleet.pulumi('import', 'vmplacement:index:Placement', 'ghost', 'ghost-01');
    expect(imported.code).not.toBe(0);
    expect(imported.text).toContain("resource 'ghost-01' does not exist");
  });
});

describe('the end of a resource', () => {
  test('destroy leaves the VM as it is, and its preview says so', async () => {
    const fleet = await deployed({ placements: { web } });
    await expectGolden('destroy-preview-diff', fleet, await fleet.pulumi('destroy', '--preview-only', '--diff'));
    await expectGolden('destroy', fleet, await fleet.pulumi('destroy', '--skip-preview'));
    const status = await fleet.vmplacement('status', 'web-01', '--json');
    expect(status.stdout).toContain('running');
  });

  test('another VM in the same resource replaces the resource and touches neither VM', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web: { vm: 'db-01', host: 'a1' } } });
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect(up.text).toContain('1 replaced');
    expect((await fleet.placement('web')).outputs).toMatchObject({ vm: 'db-01', host: 'a1', power: 'running' });
  });
});

describe('the configuration', () => {
  test('given another configuration, then no placement is replaced or updated', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web }, config: { datacenterFile: 'datacenter.yaml', memoryReserve: '1GiB' } });
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.code, preview.text).toBe(0);
    expect(preview.text).not.toContain('replace');
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect(up.text).not.toContain('replaced');
  });

  test('a secret in it is never in clear in the state', async () => {
    const fleet = await stack({ placements: { web } });
    await fleet.write({ placements: { web }, config: {} });
    const secret = await fleet.pulumi('config', 'set', '--secret', 'vmplacement:datacenterFile', './datacenter.yaml');
    expect(secret.code, secret.text).toBe(0);
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect(await fleet.exported()).not.toContain('./datacenter.yaml');
    expect(await fleet.exported()).toContain('ciphertext');
  });

  test('a secret input stays one in inputs and outputs', async () => {
    const fleet = await deployed({ placements: { web: { vm: 'web-01', host: { 'fn::secret': 'a1' } } } });
    const state = await fleet.exported();
    expect(state).not.toMatch(/"host": "a1"/);
  });
});

describe('functions', () => {
  test('read a placement and a plan', async () => {
    const fleet = await stack({
      placements: {},
      variables: {
        now: { 'fn::invoke': { function: 'vmplacement:getPlacement', arguments: { vm: 'web-01' } } },
        plan: { 'fn::invoke': { function: 'vmplacement:getPlan', arguments: { vm: 'web-01', host: 'b1' } } },
      },
      outputs: { host: '${now.host}', summary: '${plan.summary}' },
    });
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect(up.text).toMatch(/host *: "a1"/);
    expect(up.text).toContain('hot: a/a1 -> b/b1');
  });
});

test('given ignoreChanges on the host, then an update of another option does not move the VM back', async () => {
  const options = { ignoreChanges: ['host'] };
  const fleet = await deployed({ placements: { web: { properties: web, options } } });
  await fleet.outside('move', 'web-01', 'a/a2');
  await fleet.write({ placements: { web: { properties: { ...web, bandwidth: '1GiB/s' }, options } } });
  const preview = await fleet.pulumi('preview', '--diff');
  expect(preview.text).toContain('+ bandwidth: "1GiB/s"');
  expect(preview.text).not.toMatch(/plan|moves/);
  const up = await fleet.pulumi('up', '--skip-preview');
  expect(up.code, up.text).toBe(0);
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
});
