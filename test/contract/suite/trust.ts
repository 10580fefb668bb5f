import { describe, expect, test } from 'vitest';
import type { Part } from '../driver.js';
import { begin, pass, shutDown, testRun, type Harness, type OutsideWorld } from './kit.js';

type Disturbance = (outside: OutsideWorld, h: Harness) => Promise<void> | undefined;

/** rules.md §6.3: what makes an increment a silent gap, and must lead to a new full copy. */
const voids: Readonly<Record<string, Disturbance>> = {
  'a forced power-off broke the bitmaps': (outside, { runner }) => outside.shutdown(runner, 'hard').then(() => outside.start(runner)),
  'somebody took a snapshot': (outside, { runner }) => outside.snapshot?.(runner),
  'a disk was replaced': (outside, { runner }) => outside.replaceDisk?.(runner),
  'a disk was shrunk': (outside, { runner }) => outside.shrinkDisk?.(runner),
  'the VM was moved away and back by hand': (outside, { runner, near, from }) =>
    outside.moveByHand?.(runner, near.host).then(() => outside.moveByHand?.(runner, from.host)),
  'the images on the target are gone': (outside, { runner }) => outside.removeIncoming?.(runner),
};

export const trustContract: Part = (_subject, h) => {
  describe('trust', () => {
    test.each(Object.entries(voids))('given that %s, then a full copy is made again and says why', async (_what, disturb) => {
      const { driver, runner, far, from, outside } = h();
      const first = await pass(driver, await begin(h(), runner, far, 'staged'));
      const done = disturb(outside, h());
      if (done === undefined) return;
      await done;
      const source = (await driver.survey({})).vms.find((vm) => vm.name === runner)?.copies.find((copy) => copy.ref.host === from.host);
      if (source === undefined) throw new Error('the source is gone');
      const second = await pass(driver, { ...first, source: source.ref });
      expect(second.kind).toBe('full');
      expect(second.distrust).not.toBe('');
      expect(second.sent).toBeGreaterThanOrEqual(first.sent / 2);
      const third = await pass(driver, { ...second, source: source.ref });
      expect(third).toMatchObject({ kind: 'increment', distrust: '' });
      expect(await outside.violations()).toEqual([]);
    });

    test('given a record that names another image, then a full copy is made', async () => {
      const { driver, runner, far } = h();
      const first = await pass(driver, await begin(h(), runner, far, 'staged'));
      const increment = first.record.increment;
      if (increment === null) throw new Error('no increment');
      const images = Object.fromEntries(Object.keys(increment.images).map((disk) => [disk, 'another image']));
      const next = await driver.replicate({ ...first, record: { ...first.record, increment: { ...increment, images } } }, testRun());
      expect(next.kind).toBe('full');
      expect(next.distrust).not.toBe('');
    });

    test('given a disk that was added, then the increment carries all of it and trust in the others stays', async () => {
      const { driver, runner, far, outside } = h();
      const first = await pass(driver, await begin(h(), runner, far, 'staged'));
      if (outside.addDisk === undefined) return;
      await outside.addDisk(runner);
      const second = await pass(driver, first);
      expect(second).toMatchObject({ kind: 'increment', distrust: '' });
      expect(Object.keys(second.record.increment?.images ?? {})).toHaveLength(Object.keys(first.record.increment?.images ?? {}).length + 1);
      const third = await pass(driver, second);
      expect(third.sent).toBeLessThan(second.sent);
    });

    test('given a disk that was grown, then the target grows with it and nothing is sent again', async () => {
      const { driver, runner, far, outside } = h();
      const first = await pass(driver, await begin(h(), runner, far, 'staged'));
      if (outside.growDisk === undefined) return;
      await outside.growDisk(runner);
      const second = await pass(driver, first);
      expect(second).toMatchObject({ kind: 'increment', distrust: '' });
      await shutDown(driver, second);
      await driver.block(second.source, second.record.moveId, testRun());
      const outcome = await driver.finish(second, testRun());
      if ('reason' in outcome) throw new Error(outcome.reason);
      await driver.start(outcome.target, testRun());
      expect(await outside.violations()).toEqual([]);
    });

    test('given a clean shutdown and a start, then increments go on: bitmaps survive it', async () => {
      const { driver, runner, far, outside } = h();
      const first = await pass(driver, await begin(h(), runner, far, 'staged'));
      await outside.shutdown(runner, 'clean');
      await shutDown(driver, first);
      await outside.start(runner);
      expect(await pass(driver, first)).toMatchObject({ kind: 'increment', distrust: '' });
    });

    test('given a host that lost power in the middle of a pass, then what was not flushed is sent again', async () => {
      const { driver, runner, far, outside } = h();
      if (outside.losePower === undefined) return;
      const first = await pass(driver, await begin(h(), runner, far, 'staged'));
      await outside.losePower(far.host);
      const second = await pass(driver, first);
      await shutDown(driver, second);
      await driver.block(second.source, second.record.moveId, testRun());
      const outcome = await driver.finish(second, testRun());
      if ('reason' in outcome) throw new Error(outcome.reason);
      await driver.start(outcome.target, testRun());
      expect(await outside.violations()).toEqual([]);
    });
  });
};
