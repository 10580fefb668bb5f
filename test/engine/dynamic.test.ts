import { expect, test } from 'vitest';
import { deployed } from './harness.js';

const web = { vm: 'web-01', host: 'a1' };

test('a changed host moves the VM', async () => {
  const fleet = await deployed({ placements: { web } }, undefined, undefined, 'DynamicPlacement');
  const placed = await fleet.placement('web');
  console.log(JSON.stringify(placed, null, 1));
  await fleet.write({ placements: { web: { ...web, host: 'a2' } } });
  const preview = await fleet.pulumi('preview', '--diff');
  console.log(preview.text);
  const up = await fleet.pulumi('up');
  console.log(up.text);
  expect(up.code, up.text).toBe(0);
  expect((await fleet.placement('web')).outputs).toMatchObject({ host: 'a2' });
  const refresh = await fleet.pulumi('refresh');
  console.log(refresh.text);
  console.log((await fleet.pulumi('destroy')).text);
});
