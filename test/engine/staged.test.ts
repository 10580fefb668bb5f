import { describe, expect, test } from 'vitest';
import { expectGolden } from './golden.js';
import { deployed, type Stack } from './harness.js';

const db = { vm: 'db-01', host: 'a1' };

/** db-01 needs a CPU that C does not have, and nothing reaches C: staged, with a pause. */
async function paused(): Promise<Stack> {
  const fleet = await deployed({ placements: { db } });
  await fleet.write({ placements: { db: { ...db, host: 'c1' } } });
  const up = await fleet.pulumi('up', '--skip-preview');
  expect(up.code, up.text).toBe(0);
  return fleet;
}

describe('a staged move', () => {
  test('pauses, sends increments, takes a go at the VM, waits for confirmation, and settles', async () => {
    const fleet = await deployed({ placements: { db } });
    await fleet.write({ placements: { db: { ...db, host: 'c1' } } });
    await expectGolden('staged-preview-diff', fleet, await fleet.pulumi('preview', '--diff'));
    await expectGolden('staged-up-first', fleet, await fleet.pulumi('up', '--skip-preview'));
    const first = (await fleet.placement('db')).outputs;
    expect(first).toMatchObject({ host: 'a1', phase: 'AwaitingShutdown', pendingHost: 'c1', pendingCluster: 'c', power: 'running' });

    // pending is a change to come, and no drift
    await expectGolden('staged-pending-preview', fleet, await fleet.pulumi('preview', '--diff', '--expect-no-changes'));
    await expectGolden('staged-pending-refresh', fleet, await fleet.pulumi('refresh', '--preview-only', '--expect-no-changes'));

    // the second up sends one increment
    await fleet.outside('advance', '1m');
    await expectGolden('staged-up-second', fleet, await fleet.pulumi('up', '--skip-preview'));
    const second = (await fleet.placement('db')).outputs;
    const [before, after] = [first, second].map(
      (outputs) => outputs['replication'] as { increments: number; bytes: number; lastIncrementBytes: number },
    );
    expect(after!.increments).toBe(before!.increments + 1);
    expect(after!.bytes).toBe(before!.bytes + after!.lastIncrementBytes);
    expect(after!.lastIncrementBytes).toBeLessThan(before!.bytes / 2);

    const annotated = await fleet.vmplacement('annotate', 'db-01', 'shutdown=now', '--giver', 'alice');
    expect(annotated.code, annotated.text).toBe(0);
    await expectGolden('staged-go-preview', fleet, await fleet.pulumi('preview', '--diff'));
    await expectGolden('staged-up-third', fleet, await fleet.pulumi('up', '--skip-preview'));
    const third = await fleet.placement('db');
    expect(third.outputs).toMatchObject({ host: 'c1', cluster: 'c', power: 'running', phase: 'AwaitingConfirmation' });
    expect(third.outputs['keptSource']).toMatchObject({ place: 'a/a1' });
    expect(third.refreshBeforeUpdate).toBe(true);

    const awaiting = await fleet.pulumi('preview', '--expect-no-changes');
    expect(awaiting.code, awaiting.text).toBe(0);
    const confirmed = await fleet.vmplacement('confirm', 'db-01');
    expect(confirmed.code, confirmed.text).toBe(0);
    const last = await fleet.pulumi('up', '--skip-preview');
    expect(last.code, last.text).toBe(0);
    const settled = await fleet.placement('db');
    expect(settled.outputs).toMatchObject({ phase: 'Settled' });
    expect(settled.outputs['keptSource']).toBeUndefined();
    expect(settled.refreshBeforeUpdate).toBeUndefined();
  });

  test('given a pending move, when the host is set back, then the preview says so and the update cancels it', async () => {
    const fleet = await paused();
    await fleet.write({ placements: { db } });
    await expectGolden('staged-revert-preview', fleet, await fleet.pulumi('preview', '--diff'));
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    const { outputs } = await fleet.placement('db');
    expect(outputs).toMatchObject({ host: 'a1', phase: 'Settled', power: 'running' });
    expect(outputs['pendingHost']).toBeUndefined();
    const again = await fleet.pulumi('preview', '--expect-no-changes');
    expect(again.code, again.text).toBe(0);
  });

  test('given a pending move, when another target is declared, then the old copy is dropped and the new move made', async () => {
    const fleet = await paused();
    await fleet.write({ placements: { db: { ...db, host: 'b1' } } });
    await expectGolden('staged-retarget-preview', fleet, await fleet.pulumi('preview', '--diff'));
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('db')).outputs).toMatchObject({ host: 'b1', phase: 'Settled', power: 'running' });
  });

  test('given onPending: fail, when it pauses, then the update fails, the state is kept, and the next update goes on', async () => {
    const fleet = await deployed({ placements: { db } });
    await fleet.write({ placements: { db: { ...db, host: 'c1', onPending: 'fail' } } });
    await expectGolden('staged-fail-up', fleet, await fleet.pulumi('up', '--skip-preview'));
    const held = await fleet.placement('db');
    expect(held.outputs).toMatchObject({ host: 'a1', phase: 'AwaitingShutdown', pendingHost: 'c1' });
    expect(held.initErrors).toHaveLength(1);
    await fleet.write({
      placements: { db: { ...db, host: 'c1', onPending: 'fail', keepSource: 'no', annotations: { 'vmplacement/shutdown': 'now' } } },
    });
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    const done = await fleet.placement('db');
    expect(done.outputs).toMatchObject({ host: 'c1', phase: 'Settled', power: 'running', spentShutdown: 'now' });
    expect(done.initErrors ?? []).toEqual([]);
  });

  test('given a kept source, when keepSource: no is declared, then the preview shows it and the update removes it', async () => {
    const fleet = await deployed({ placements: { db } });
    const moved = { ...db, host: 'c1', annotations: { 'vmplacement/shutdown': 'now' } };
    await fleet.write({ placements: { db: moved } });
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('db')).outputs).toMatchObject({ phase: 'AwaitingConfirmation' });
    await fleet.write({ placements: { db: { ...moved, keepSource: 'no' } } });
    await expectGolden('staged-retire-preview', fleet, await fleet.pulumi('preview', '--diff'));
    const retired = await fleet.pulumi('up', '--skip-preview');
    expect(retired.code, retired.text).toBe(0);
    expect((await fleet.placement('db')).outputs).toMatchObject({ phase: 'Settled' });
  });

  test('given a pending move, when the stack is destroyed, then the move is cancelled and the VM stays as it is', async () => {
    const fleet = await paused();
    await expectGolden('staged-destroy', fleet, await fleet.pulumi('destroy', '--skip-preview'));
    const status = await fleet.vmplacement('status', 'db-01', '--json');
    expect(status.stdout).toMatch(/"a\/a1"/);
    expect(status.stdout).not.toContain('c/c1');
  });
});
