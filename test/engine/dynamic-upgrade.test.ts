/** A newer version of the package takes the place of the older one: the state stays as it is, and the new code runs. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { install } from '../../tools/installed.js';
import { stack } from './harness.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const told = 'the newer version is at work';

/** Packed and installed like the real one, with another version and other code. */
async function newer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vmplacement-newer-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [from, to] = [join(folder, 'checkout'), join(folder, 'installed')];
  await cp(inject('installed'), to, { recursive: true, verbatimSymlinks: true });
  for (const file of ['dist', 'docs', 'dynamic.cjs', 'package.json', 'CHANGELOG.md', 'README.md', 'LICENSE'])
    await cp(join(root, file), join(from, file), { recursive: true, verbatimSymlinks: true });
  const manifest = JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as Record<string, unknown>;
  await writeFile(join(from, 'package.json'), JSON.stringify({ ...manifest, version: '0.2.0' }));
  const main = join(from, 'dist/provider/dynamic/main.js');
  await writeFile(main, `${await readFile(main, 'utf8')}\nconsole.log('${told}');\n`);
  await install(from, to);
  return to;
}

test('after an upgrade the state is the same to the byte, and refresh, update and destroy run the new code', async () => {
  const web = { vm: 'web-01', host: 'a1' };
  const fleet = await stack({ placements: { web } }, undefined, undefined, 'DynamicPlacement');
  const up = await fleet.pulumi('up');
  expect(up.code, up.text).toBe(0);
  expect(up.text).not.toContain(told);
  const before = await fleet.placement('web');

  await rm(join(fleet.dir, 'node_modules'));
  await cp(join(await newer(), 'node_modules'), join(fleet.dir, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  const same = await fleet.pulumi('preview', '--expect-no-changes');
  expect(same.code, same.text).toBe(0);
  const refreshed = await fleet.pulumi('refresh');
  expect(refreshed.code, refreshed.text).toBe(0);
  expect(refreshed.text).toContain(told);
  const unchanged = await fleet.pulumi('up');
  expect(unchanged.code, unchanged.text).toBe(0);
  const after = await fleet.placement('web');
  for (const [earlier, later] of [
    [before.inputs, after.inputs],
    [before.outputs, after.outputs],
  ] as const) {
    expect(later['__provider']).toBe(earlier['__provider']);
    expect(Buffer.byteLength(later['__provider'] as string)).toBeLessThan(600);
  }
  expect(after.outputs).toEqual(before.outputs);

  await fleet.write({ placements: { web: { ...web, host: 'a2' } } });
  const moved = await fleet.pulumi('up');
  expect(moved.code, moved.text).toBe(0);
  expect(moved.text).toContain(told);
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
  const gone = await fleet.pulumi('destroy', '--skip-preview');
  expect(gone.code, gone.text).toBe(0);
  expect(gone.text).toContain(told);
});
