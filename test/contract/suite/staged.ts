import { expect, test } from 'vitest';
import type { Part } from '../driver.js';
import { describeWhere, begin, copyAt, maybeCopyAt, pass, stopAfter, testRun } from './kit.js';

/** Phase 1 where a process of ours drives the increments. */
export const stagedContract: Part = ({ capabilities }, h) => {
  describeWhere(capabilities.increments === 'driven', 'driven increments', () => {
    test('given a running VM, when it is replicated, then the first pass is a full copy and the VM runs on', async () => {
      const { driver, runner, far, from } = h();
      const move = await begin(h(), runner, far, 'staged');
      const run = testRun();
      const first = await driver.replicate(move, run);
      expect(first).toMatchObject({ n: 1, kind: 'full', distrust: '', waiting: false });
      expect(first.bytes).toBeGreaterThan(0);
      expect(first.bytesPerSecond).toBeGreaterThan(0);
      expect(Object.values(first.images).every((image) => image !== '')).toBe(true);
      expect((await copyAt(driver, runner, from)).power).toBe('running');
      expect(await copyAt(driver, runner, far)).toMatchObject({ role: 'incoming', power: 'off' });
      expect(run.events.every((event) => event.kind !== 'progress' || event.pass === 1)).toBe(true);
    });

    test('each further pass sends only what was written since, to the same image', async () => {
      const { driver, runner, far } = h();
      const full = await pass(driver, await begin(h(), runner, far, 'staged'));
      const next = await pass(driver, full);
      expect(next.record.increment?.n).toBe(2);
      expect(next.kind).toBe('increment');
      expect(next.sent).toBeGreaterThan(0);
      expect(next.sent).toBeLessThan(full.sent / 4);
      expect(next.record.increment?.images).toEqual(full.record.increment?.images);
    });

    test('a pass whose end the record does not know yet is told again, and nothing is sent', async () => {
      const { driver, another, runner, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      const first = await driver.replicate(move, testRun());
      const run = testRun();
      const again = await (await another()).replicate(move, run);
      expect(again).toMatchObject({ n: first.n, images: first.images, bytes: first.bytes, distrust: '' });
      expect(run.events).toEqual([]);
    });

    test('given an interrupt in the middle of the full copy, when another process goes on, then no block is sent twice', async () => {
      const { driver, another, runner, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      const first = stopAfter(5);
      await expect(driver.replicate(move, first)).rejects.toMatchObject({ code: 'interrupted' });
      const before = first.events.findLast((event) => event.kind === 'progress');
      const run = testRun();
      const done = await (await another()).replicate(move, run);
      const after = run.events.find((event) => event.kind === 'progress');
      if (before?.kind !== 'progress' || after?.kind !== 'progress') throw new Error('no progress was told');
      expect(after.bytes).toBeGreaterThan(before.bytes);
      expect(after.total).toBe(before.total);
      expect(done).toMatchObject({ n: 1, kind: 'full', distrust: '' });
    });

    test('what is dirty is told, and never more than the guest writes to', async () => {
      const { driver, runner, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      const first = await driver.replicate(move, testRun());
      await driver.clock.sleep(3_600_000, 'work');
      const later = await driver.replicate(move, testRun());
      expect(later.dirtyBytes).toBeGreaterThan(first.dirtyBytes);
      expect(later.dirtyBytes).toBeLessThan(first.bytes);
    });

    describeWhere(capabilities.bandwidth, 'a declared bandwidth', () =>
      test('is kept', async () => {
        const { driver, runner, far } = h();
        const limit = 8 * 1024 * 1024;
        const run = testRun();
        const move = await begin(h(), runner, far, 'staged', { bandwidthBytesPerSecond: limit });
        const { bytes, durationMs, bytesPerSecond } = await driver.replicate(move, run);
        expect(bytesPerSecond).toBeLessThanOrEqual(limit);
        expect(bytes / (durationMs / 1000)).toBeLessThanOrEqual(limit * 1.01);
        expect(run.events.every((event) => event.kind !== 'progress' || event.rate <= limit)).toBe(true);
      }),
    );
  });

  test('when it is cancelled, then nothing is left on the target, the VM runs, and a new move begins from nothing', async () => {
    const { driver, runner, far, from, outside } = h();
    const move = await begin(h(), runner, far, 'staged');
    await driver.replicate(move, testRun());
    await driver.cancel(move, testRun());
    await driver.cancel(move, testRun());
    expect(await maybeCopyAt(driver, runner, far)).toBeUndefined();
    expect((await copyAt(driver, runner, from)).power).toBe('running');
    expect(await driver.replicate(move, testRun())).toMatchObject({ n: 1, kind: 'full' });
    expect(await outside.violations()).toEqual([]);
  });
};
