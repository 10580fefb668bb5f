import { describe, expect, test } from 'vitest';
import { expectGolden } from './golden.js';
import { deployed, stack } from './harness.js';

const web = { vm: 'web-01', host: 'a1' };

describe('adopting', () => {
  test('given VMs that are where they are declared, when the stack comes up, then they are adopted and nothing moves', async () => {
    const fleet = await stack(
      {
        placements: { web, db: { vm: 'db-01', cluster: 'a' }, batch: { vm: 'batch-01', hosts: ['a1', 'a2'] }, any: { vm: 'app-01' } },
        outputs: { web: '${web.host}', phase: '${web.phase}', power: '${batch.power}' },
      },
      undefined,
    );
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    const { id, inputs, outputs, refreshBeforeUpdate } = await fleet.placement('web');
    expect(inputs).toEqual({ ...web, onDestroy: 'leaves the VM as it is, where it is' });
    expect(inputs).not.toHaveProperty('plan');
    expect(outputs).toMatchObject({ vm: 'web-01', vmId: id, host: 'a1', cluster: 'a', power: 'running', phase: 'Settled', findings: [] });
    expect(refreshBeforeUpdate).toBeUndefined();
    expect((await fleet.placement('batch')).outputs).toMatchObject({ power: 'off', host: 'a2' });
    const again = await fleet.pulumi('preview', '--expect-no-changes', '--diff');
    expect(again.code, again.text).toBe(0);
    const drift = await fleet.pulumi('refresh', '--preview-only', '--expect-no-changes');
    expect(drift.code, drift.text).toBe(0);
  });

  test('given a VM that is elsewhere, when it is created, then the preview says the move and the update makes it', async () => {
    const fleet = await stack({ placements: { web: { vm: 'web-01', host: 'b1' } }, outputs: { host: '${web.host}' } });
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.text).toContain('hot: a/a1 -> b/b1; vm-running, hot-possible');
    expect(preview.text).toMatch(/host: "b1"/);
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'b1', cluster: 'b', phase: 'Settled' });
  });
});

describe('a changed place', () => {
  test('given a running VM, when its host is edited, then it moves hot inside its cluster', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web: { ...web, host: 'a2' } } });
    await expectGolden('hot-preview', fleet, await fleet.pulumi('preview'));
    await expectGolden('hot-preview-diff', fleet, await fleet.pulumi('preview', '--diff'));
    await expectGolden('hot-up', fleet, await fleet.pulumi('up', '--skip-preview'));
    const { outputs } = await fleet.placement('web');
    expect(outputs).toMatchObject({ host: 'a2', cluster: 'a', power: 'running', phase: 'Settled' });
    expect(outputs['lastMove']).toMatchObject({ method: 'hot', from: 'a/a1', to: 'a/a2', go: '' });
    const again = await fleet.pulumi('preview', '--expect-no-changes');
    expect(again.code, again.text).toBe(0);
  });

  test('given clusters that reach each other, when only the cluster is edited, then it moves hot to a host of it', async () => {
    const fleet = await deployed({ placements: { web: { vm: 'web-01', cluster: 'a' } } });
    await fleet.write({ placements: { web: { vm: 'web-01', cluster: 'b' } } });
    await expectGolden('cluster-preview-diff', fleet, await fleet.pulumi('preview', '--diff'));
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'b1', cluster: 'b' });
  });

  test('given a VM that is off, when its host is edited, then it moves cold and stays off', async () => {
    const fleet = await deployed({ placements: { batch: { vm: 'batch-01', host: 'a2' } } });
    await fleet.write({ placements: { batch: { vm: 'batch-01', host: 'b1', keepSource: 'no' } } });
    await expectGolden('cold-preview-diff', fleet, await fleet.pulumi('preview', '--diff'));
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    const { outputs } = await fleet.placement('batch');
    expect(outputs).toMatchObject({ host: 'b1', cluster: 'b', power: 'off', phase: 'Settled' });
    expect(outputs['lastMove']).toMatchObject({ method: 'cold' });
  });

  test('given a set of hosts, when the VM is outside of it, then it moves in, and inside it stays', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web: { vm: 'web-01', hosts: ['a2', 'b1'] } } });
    await expectGolden('hosts-preview-diff', fleet, await fleet.pulumi('preview', '--diff'));
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    const { outputs } = await fleet.placement('web');
    expect(['a2', 'b1']).toContain(outputs['host']);
    await fleet.write({ placements: { web: { vm: 'web-01', hosts: ['b1', 'a2', 'a1'] } } });
    const inside = await fleet.pulumi('preview', '--expect-no-changes');
    expect(inside.code, inside.text).toBe(0);
  });

  test('given an option that changes nothing now, when it is edited, then it is stored and nothing moves', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web: { ...web, onPending: 'wait', bandwidth: '100MiB/s' } } });
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.text).toMatch(/\+ bandwidth: "100MiB\/s"/);
    expect(preview.text).not.toContain('plan');
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.text).toContain('~ 1 updated');
    expect((await fleet.placement('web')).inputs).toMatchObject({ onPending: 'wait' });
  });
});
