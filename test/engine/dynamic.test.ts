/** The dynamic provider on the real engine, from the installed package, in programs that the Automation API runs. */
import { describe, expect, test } from 'vitest';
import { deployed, done, stack, type Program, type Stack } from './harness.js';

const web = { vm: 'web-01', host: 'a1' };
const db = { vm: 'db-01', host: 'a1' };
const place = (program: Program, datacenter?: object): Promise<Stack> => deployed(program, datacenter, undefined, 'DynamicPlacement');

describe('a dynamic placement', () => {
  test('adopts, moves hot, moves cold, and is destroyed without its VM', async () => {
    const fleet = await place({ placements: { web, batch: { vm: 'batch-01', host: 'a2' } } });
    const adopted = await fleet.placement('web');
    expect(adopted.outputs).toMatchObject({ vm: 'web-01', vmId: adopted.id, host: 'a1', cluster: 'a', power: 'running', phase: 'Settled' });
    for (const text of [adopted.inputs['__provider'], adopted.outputs['__provider']]) {
      expect(text).toContain('require("pulumi-vmplacement/dynamic.cjs")');
      expect(Buffer.byteLength(text as string)).toBeLessThan(600);
    }
    await done(fleet.pulumi('preview', '--expect-no-changes'));
    await done(fleet.pulumi('refresh', '--preview-only', '--expect-no-changes'));

    await fleet.write({ placements: { web: { ...web, host: 'a2' }, batch: { vm: 'batch-01', host: 'b1', keepSource: 'no' } } });
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.text).toMatch(/~ host {5}: "a1" => "a2"/);
    expect(preview.text).toContain('+ plan     : "hot: a/a1 -> a/a2; vm-running, hot-possible"');
    expect(preview.text).toMatch(/VM web-01 moves hot from a\/a1 to a\/a2/);
    expect(preview.text).toMatch(/\+ plan {5,}: "cold: a\/a2 -> b\/b1/);
    const up = await done(fleet.pulumi('up'));
    expect(up.text).toMatch(/Placement web .*updated/);
    expect(up.text).toContain('web-01: moved hot a/a1 -> a/a2');
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2', power: 'running', lastMove: { method: 'hot' } });
    expect((await fleet.placement('batch')).outputs).toMatchObject({
      host: 'b1',
      cluster: 'b',
      power: 'off',
      lastMove: { method: 'cold' },
    });
    await done(fleet.pulumi('preview', '--expect-no-changes'));

    const gone = await done(fleet.pulumi('destroy', '--skip-preview'));
    expect(gone.text).toContain('web-01: left as it is, no longer managed');
    const status = JSON.parse((await fleet.vmplacement('status', 'web-01', '--json')).stdout) as unknown;
    expect(JSON.stringify(status)).toContain('a/a2');
  });

  test('an option that changes nothing is stored, and nothing moves', async () => {
    const fleet = await place({ placements: { web } });
    await fleet.write({ placements: { web: { ...web, bandwidth: '100MiB/s' } } });
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.text).toContain('+ bandwidth: "100MiB/s"');
    expect(preview.text).not.toContain('plan');
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('web')).inputs).toMatchObject({ bandwidth: '100MiB/s' });
  });

  test('another VM under the same name is a replacement, which moves neither', async () => {
    const fleet = await place({ placements: { web } });
    await fleet.write({ placements: { web: { vm: 'app-01', host: 'a1' } } });
    expect((await fleet.pulumi('preview')).text).toMatch(/replace/);
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('web')).outputs).toMatchObject({ vm: 'app-01', host: 'a1' });
  });
});

describe('a staged move', () => {
  const toC = (more: object = {}): Program => ({ placements: { db: { ...db, host: 'c1', ...more } } });
  const paused = async (): Promise<Stack> => {
    const fleet = await place({ placements: { db } });
    await fleet.write(toC());
    const up = await done(fleet.pulumi('up'));
    expect(up.text).toContain('waits for its shutdown');
    expect((await fleet.placement('db')).outputs).toMatchObject({
      host: 'a1',
      phase: 'AwaitingShutdown',
      pendingHost: 'c1',
      power: 'running',
    });
    return fleet;
  };
  const increments = async (fleet: Stack): Promise<number> =>
    ((await fleet.placement('db')).outputs['replication'] as { increments: number }).increments;

  test('pauses, sends one more increment with each up, takes the go of the stack, and is confirmed', async () => {
    const fleet = await paused();
    const first = await increments(fleet);
    expect((await fleet.pulumi('preview', '--expect-no-changes')).code).not.toBe(0);
    await fleet.outside('advance', '1m');
    await done(fleet.pulumi('up'));
    expect(await increments(fleet)).toBe(first + 1);
    await done(fleet.pulumi('refresh'));
    await fleet.write(toC({ annotations: { 'vmplacement/shutdown': 'now' } }));
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.text).toMatch(/plan .*will-stop-vm/s);
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('db')).outputs).toMatchObject({ host: 'c1', power: 'running', phase: 'AwaitingConfirmation' });
    await done(fleet.vmplacement('confirm', 'db-01'));
    await done(fleet.pulumi('up', '--refresh'));
    expect((await fleet.placement('db')).outputs).toMatchObject({
      host: 'c1',
      phase: 'Settled',
      spentShutdown: expect.anything() as unknown,
    });
    await done(fleet.pulumi('preview', '--expect-no-changes'));
  });

  test('takes the go that was given at the VM', async () => {
    const fleet = await paused();
    await done(fleet.vmplacement('annotate', 'db-01', 'shutdown=now', '--giver', 'alice'));
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('db')).outputs).toMatchObject({
      host: 'c1',
      power: 'running',
      lastMove: { go: expect.stringContaining('alice') as unknown },
    });
  });

  test('takes a shutdown by hand as the go', async () => {
    const fleet = await paused();
    await fleet.outside('shutdown', 'db-01');
    await done(fleet.pulumi('up'));
    expect((await fleet.placement('db')).outputs).toMatchObject({ host: 'c1', power: 'running' });
  });

  test('is cancelled by a revert', async () => {
    const fleet = await paused();
    await fleet.write({ placements: { db } });
    expect((await fleet.pulumi('preview', '--diff')).text).toMatch(/plan .*cancel/s);
    await done(fleet.pulumi('up'));
    const { outputs } = await fleet.placement('db');
    expect(outputs).toMatchObject({ host: 'a1', phase: 'Settled', power: 'running' });
    expect(outputs['pendingHost']).toBeUndefined();
    await done(fleet.pulumi('preview', '--expect-no-changes'));
  });

  test('with onPending: fail keeps its true state through a refresh, and is retried', async () => {
    const fleet = await place({ placements: { db } });
    await fleet.write(toC({ onPending: 'fail' }));
    const up = await fleet.pulumi('up');
    expect(up.code, up.text).not.toBe(0);
    expect(up.text).toContain('waits for its shutdown');
    const failed = await fleet.placement('db');
    expect(failed.initErrors).toHaveLength(1);
    expect(failed.outputs).toMatchObject({ host: 'a1', phase: 'AwaitingShutdown', pendingHost: 'c1' });
    expect(failed.outputs['__provider']).toBe(failed.inputs['__provider']);
    await done(fleet.pulumi('refresh'));
    expect((await fleet.placement('db')).outputs).toMatchObject({ host: 'a1', phase: 'AwaitingShutdown', pendingHost: 'c1' });
    await fleet.write(toC({ onPending: 'fail', keepSource: 'no', annotations: { 'vmplacement/shutdown': 'now' } }));
    await done(fleet.pulumi('up'));
    const moved = await fleet.placement('db');
    expect(moved.outputs).toMatchObject({ host: 'c1', phase: 'Settled', power: 'running' });
    expect(moved.initErrors ?? []).toEqual([]);
  });
});

test('a move that fails keeps its true state through a refresh, and the next up makes it', async () => {
  const fleet = await place({ placements: { db } });
  await fleet.outside('fault', 'start-fails', 'db-01', 'c1', 'refused');
  await fleet.write({ placements: { db: { ...db, host: 'c1', keepSource: 'no', annotations: { 'vmplacement/shutdown': 'now' } } } });
  const up = await fleet.pulumi('up');
  expect(up.code, up.text).not.toBe(0);
  const failed = await fleet.placement('db');
  expect(failed.outputs).toMatchObject({ phase: 'Failed' });
  expect(failed.initErrors).toHaveLength(1);
  await done(fleet.pulumi('refresh'));
  const refreshed = await fleet.placement('db');
  expect(refreshed.outputs).toMatchObject({ phase: 'Failed' });
  expect(refreshed.outputs['__provider']).toBe(failed.inputs['__provider']);
  expect((await fleet.pulumi('preview', '--expect-no-changes')).code).not.toBe(0);
  await done(fleet.pulumi('up'));
  expect((await fleet.placement('db')).outputs).toMatchObject({ host: 'c1', phase: 'Settled', power: 'running' });
});

describe('drift', () => {
  test('is shown by a refresh, and put right by an up', async () => {
    const fleet = await place({ placements: { web } });
    await fleet.outside('move', 'web-01', 'a/a2');
    const drift = await fleet.pulumi('refresh', '--preview-only', '--diff', '--expect-no-changes');
    expect(drift.code, drift.text).toBe(7);
    expect(drift.text).toMatch(/host.*"a1" => "a2"/);
    await done(fleet.pulumi('up', '--refresh'));
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a1' });
  });

  test('is accepted where changes of the host are ignored, also when another option is edited', async () => {
    const options = { ignoreChanges: ['host'] };
    const fleet = await place({ placements: { web: { properties: web, options } } });
    await fleet.outside('move', 'web-01', 'a/a2');
    await done(fleet.pulumi('preview', '--expect-no-changes'));
    await done(fleet.pulumi('refresh'));
    await done(fleet.pulumi('preview', '--expect-no-changes'));
    await fleet.write({ placements: { web: { properties: { ...web, host: 'b1', bandwidth: '1GiB/s' }, options } } });
    const up = await done(fleet.pulumi('up'));
    expect(up.text).not.toContain('moved');
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
  });

  test('of a VM that is gone ends the resource', async () => {
    const fleet = await place({ placements: { web } });
    await fleet.outside('fault', 'remove', 'web-01', 'a1').catch(() => undefined);
    const refreshed = await fleet.pulumi('refresh');
    expect(refreshed.code, refreshed.text).toBe(0);
  });
});

describe('what cannot be done is refused before anything is touched', () => {
  test('a plan with blockers fails the preview and the update, with every reason', async () => {
    const fleet = await place({ placements: { db, web } });
    await fleet.write({ placements: { db: { ...db, host: 'c1', method: 'hot' }, web: { ...web, host: 'a2' } } });
    const preview = await fleet.pulumi('preview');
    expect(preview.code, preview.text).not.toBe(0);
    expect(preview.text).toContain('VM db-01 cannot be placed on c/c1:');
    expect(preview.text).toMatch(/- .*no direct network|- .*have none/);
    const up = await fleet.pulumi('up');
    expect(up.code, up.text).not.toBe(0);
    expect(up.text).toContain('VM db-01 cannot be placed on c/c1:');
    expect((await fleet.placement('db')).inputs).toMatchObject({ host: 'a1' });
    expect((await fleet.placement('db')).outputs).toMatchObject({ host: 'a1', phase: 'Settled' });
  });

  test('wrong inputs, by their names', async () => {
    const fleet = await stack({ placements: {} }, undefined, undefined, 'DynamicPlacement');
    const table: [Record<string, unknown>, RegExp][] = [
      [{ ...web, hosts: ['a1'] }, /property hosts /],
      [{ ...web, annotations: { 'vmplacement/shutdown': 'tomorrow' } }, /property annotations\["vmplacement\/shutdown"\] /],
      [{ vm: 'ghost-01', host: 'a1' }, /no VM .*ghost-01|ghost-01/],
    ];
    for (const [properties, says] of table) {
      await fleet.write({ placements: { web: properties } });
      const preview = await fleet.pulumi('preview');
      expect(preview.code, preview.text).not.toBe(0);
      expect(preview.text).toMatch(says);
      expect(preview.text).not.toMatch(/fault in the vmplacement provider|at async|node_modules\/pulumi-vmplacement\/dist/);
    }
  });

  test('a configuration that names no datacenter, or a wrong one', async () => {
    const fleet = await stack({ placements: { web }, config: {} }, undefined, undefined, 'DynamicPlacement');
    const none = await fleet.pulumi('preview');
    expect(none.code, none.text).not.toBe(0);
    expect(none.text).toContain('vmplacement:datacenterFile');
    await fleet.write({ placements: { web }, config: { datacenterFile: 'datacenter.yaml', memoryReserve: 'much' } });
    const wrong = await fleet.pulumi('preview');
    expect(wrong.code, wrong.text).not.toBe(0);
    expect(wrong.text).toContain('memoryReserve');
    expect(wrong.text).not.toMatch(/at async/);
  });
});
