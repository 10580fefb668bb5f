import { expect, test } from 'vitest';
import { realWall } from '../../../provider/drivers/embedded/index.js';
import { sim } from './kit.js';
import { moveOf, run } from './moves.js';

const clusters = { a: { hosts: { a1: {} } }, b: { hosts: { b1: {} } } };
const b1 = { cluster: 'b', host: 'b1' };

test('given the wall clock at a high speed, then copies take model time, and a staged move loses nothing', async () => {
  const vms = { web: { host: 'a1', shutdown: { takes: '1s' }, disks: [{ name: 'vda', allocated: '2GiB' }] } };
  const world = sim({ clock: 'wall', speed: 300, clusters, relayBandwidth: '100MiB/s', vms }, realWall);
  const { driver } = world;
  const move = await moveOf(world, 'web', b1, 'staged');
  const full = await driver.replicate(move, run());
  expect(full.durationMs).toBeGreaterThanOrEqual(20_000);
  const next = { ...move, record: { ...move.record, increment: { n: 1, images: full.images, at: '', bytes: 0, projectedDowntimeMs: 0 } } };
  await driver.shutdown(move.source, 'graceful', run());
  await driver.clock.sleep(2000, 'work');
  await driver.block(move.source, move.record.moveId, run());
  const outcome = await driver.finish(next, run());
  if ('reason' in outcome) throw new Error(outcome.reason);
  await driver.start(outcome.target, run());
  expect((await driver.survey({})).vms[0]?.copies.map(({ power }) => power)).toEqual(['off', 'running']);
  expect((await world.outside.show()).violations).toEqual([]);
});
