import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { datacenter } from './datacenter.js';
import { expectGolden } from './golden.js';
import { deployed, stack } from './harness.js';

const web = { vm: 'web-01', host: 'a1' };

describe('blockers', () => {
  test('are an error of the preview, with every reason', async () => {
    const fleet = await deployed({ placements: { db: { vm: 'db-01', host: 'a1' } } });
    await fleet.write({ placements: { db: { vm: 'db-01', host: 'c1', method: 'hot' } } });
    const preview = await fleet.pulumi('preview');
    expect(preview.code).not.toBe(0);
    await expectGolden('blocked-preview', fleet, preview);
  });

  test('stop their own placement only, when others move with --continue-on-error', async () => {
    const fleet = await deployed({ placements: { web, db: { vm: 'db-01', host: 'a1' } } });
    await fleet.write({ placements: { web: { ...web, host: 'a2' }, db: { vm: 'db-01', host: 'c1', method: 'hot' } } });
    const up = await fleet.pulumi('up', '--skip-preview', '--continue-on-error');
    expect(up.code).not.toBe(0);
    await expectGolden('blocked-up', fleet, up);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
    const { inputs, outputs } = await fleet.placement('db');
    expect(inputs).toMatchObject({ host: 'a1' });
    expect(outputs).toMatchObject({ host: 'a1', phase: 'Settled' });
  });

  test('a VM that does not exist cannot be adopted', async () => {
    const fleet = await stack({ placements: { ghost: { vm: 'ghost-01', host: 'a1' } } });
    await expectGolden('missing-preview', fleet, await fleet.pulumi('preview'));
  });
});

describe('wrong input is refused before anything is touched', () => {
  test('in a declaration', async () => {
    const fleet = await stack({ placements: {} });
    const table: [Record<string, unknown>, RegExp][] = [
      [{ vm: 'web-01', host: 'a1', hosts: ['a1'] }, /property hosts /],
      [{ vm: 'web-01', host: 'a1', shutdownGrace: '3 minutes' }, /property shutdownGrace /],
      [
        { vm: 'web-01', host: 'a1', annotations: { 'vmplacement/shutdown': 'tomorrow' } },
        /property annotations\["vmplacement\/shutdown"\] /,
      ],
      [{ vm: 'web-01', host: 'a1', annotations: { other: 'x' } }, /property annotations\["?other"?\]|property annotations.other/],
      [{ vm: '', host: 'a1' }, /property vm /],
    ];
    for (const [properties, says] of table) {
      await fleet.write({ placements: { web: properties } });
      const preview = await fleet.pulumi('preview');
      expect(preview.code, preview.text).not.toBe(0);
      expect(preview.text).toMatch(says);
      expect(preview.text).not.toContain('fault in the vmplacement provider');
    }
  });

  test('a configuration without a datacenter, or with a bad file', async () => {
    const fleet = await stack({ placements: { web }, config: { memoryReserve: 'much', datacenterFile: 'datacenter.yaml' } });
    await expectGolden('config-check', fleet, await fleet.pulumi('preview'));
    await fleet.write({ placements: { web }, config: { datacenterFile: 'nowhere.yaml' } });
    await expectGolden('config-missing-file', fleet, await fleet.pulumi('preview'));
    const file = join(fleet.dir, 'datacenter.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace('clock: manual', 'clock: sundial'));
    await fleet.write({ placements: { web } });
    await expectGolden('config-bad-file', fleet, await fleet.pulumi('preview'));
  });
});

describe('what was previewed is what runs', () => {
  test('given a saved plan, when reality changed since, then the update is refused and nothing is touched', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web: { ...web, host: 'a2' } } });
    const saved = await fleet.pulumi('preview', '--save-plan', 'plan.json');
    expect(saved.code, saved.text).toBe(0);
    await fleet.outside('shutdown', 'web-01');
    const refused = await fleet.pulumi('up', '--plan', 'plan.json', '--skip-preview');
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain('violates plan');
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a1' });
    await fleet.outside('start', 'web-01');
    const runs = await fleet.pulumi('up', '--plan', 'plan.json', '--skip-preview');
    expect(runs.code, runs.text).toBe(0);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
  });

  test('given up --strict, when nothing changed in between, then it runs', async () => {
    const fleet = await deployed({ placements: { web } });
    await fleet.write({ placements: { web: { ...web, host: 'a2' } } });
    const up = await fleet.pulumi('up', '--strict');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
  });
});

describe('values that are only known later', () => {
  const program = (host: string) => ({
    placements: { first: { vm: 'web-01', host }, second: { vm: 'batch-01', host: '${first.host}', keepSource: 'no' } },
  });
  test('a host that comes from a staged move is not known in the preview, and the update decides', async () => {
    const fleet = await deployed(
      { placements: { first: { vm: 'db-01', host: 'a1' }, second: { vm: 'batch-01', host: '${first.host}', keepSource: 'no' } } },
      datacenter(),
    );
    await fleet.write({
      placements: {
        first: { vm: 'db-01', host: 'c1', annotations: { 'vmplacement/shutdown': 'now' } },
        second: { vm: 'batch-01', host: '${first.host}', keepSource: 'no' },
      },
    });
    await expectGolden('unknown-preview', fleet, await fleet.pulumi('preview', '--diff'));
    const up = await fleet.pulumi('up', '--strict');
    expect(up.code, up.text).toBe(0);
    expect((await fleet.placement('second')).outputs).toMatchObject({ host: 'c1' });
  });
  test('a host that comes from a hot move is known', async () => {
    const fleet = await deployed(program('a1'));
    await fleet.write(program('a2'));
    const preview = await fleet.pulumi('preview', '--diff');
    expect(preview.code, preview.text).toBe(0);
    expect(preview.text).toContain('hot: a/a1 -> a/a2');
  });
});
