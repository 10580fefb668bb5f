import { describe, expect, test } from 'vitest';
import type { Part } from '../driver.js';
import { begin, copyAt, maybeCopyAt, save, shutDown, stopAfter, testRun } from './kit.js';

/** Staged where the platform runs a task of its own that is only watched. */
export const platformTaskContract: Part = (_subject, h) => {
  describe('staged by a task of the platform', () => {
    test('given a running VM, then the task copies it and waits for the shutdown', async () => {
      const { driver, runner, far, from } = h();
      const move = await begin(h(), runner, far, 'staged');
      const first = await driver.replicate(move, testRun());
      expect(first).toMatchObject({ n: 1, kind: 'full', waiting: true, distrust: '' });
      expect((await copyAt(driver, runner, from)).power).toBe('running');
    });

    test('given a watcher that stopped, when another process asks again, then it finds the same task', async () => {
      const { driver, another, runner, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      await expect(driver.replicate(move, stopAfter(1))).rejects.toMatchObject({ code: 'interrupted' });
      expect(await (await another()).replicate(move, testRun())).toMatchObject({ n: 1, waiting: true });
      expect((await driver.survey({})).vms.find((vm) => vm.name === runner)?.copies).toHaveLength(2);
    });

    test('while it waits, a task of another move of the VM is refused: one power-off starts one target', async () => {
      const { driver, runner, near, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      await driver.replicate(move, testRun());
      const late = { ...move, target: near, record: { ...move.record, moveId: 'of-another-controller', to: near } };
      await expect(driver.replicate(late, testRun())).rejects.toMatchObject({
        code: 'platform',
        message: expect.stringContaining(runner),
      });
      expect(await maybeCopyAt(driver, runner, near)).toBeUndefined();
    });

    test('while it waits, the platform sends increments by itself', async () => {
      const { driver, runner, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      await driver.replicate(move, testRun());
      await driver.clock.sleep(600_000, 'work');
      const later = await driver.replicate(move, testRun());
      expect(later.n).toBeGreaterThan(2);
      expect(later.kind).toBe('increment');
    });

    test.each(['asked by us', 'clean by the guest', 'hard by somebody'] as const)(
      'given a power-off, %s, then the target starts by itself with every acknowledged write',
      async (how) => {
        const { driver, runner, far, from, outside } = h();
        const move = await begin(h(), runner, far, 'staged');
        await driver.replicate(move, testRun());
        if (how === 'asked by us') await shutDown(driver, move);
        else await outside.shutdown(runner, how === 'hard by somebody' ? 'hard' : 'clean');
        await driver.clock.sleep(30_000, 'work');
        const outcome = await driver.finish(await save(driver, move, { targetStarting: true }), testRun());
        expect(outcome).toMatchObject({ started: true, target: far });
        expect((await copyAt(driver, runner, far)).power).toBe('running');
        expect((await copyAt(driver, runner, from)).power).toBe('off');
        expect(await driver.finish(move, testRun())).toMatchObject({ started: true });
        expect(await outside.violations()).toEqual([]);
      },
    );

    test('when the task is ended before the shutdown, then the VM lives on', async () => {
      const { driver, runner, far, from } = h();
      const move = await begin(h(), runner, far, 'staged');
      await driver.replicate(move, testRun());
      await driver.cancel(move, testRun());
      await shutDown(driver, move);
      await driver.clock.sleep(60_000, 'work');
      expect(await maybeCopyAt(driver, runner, far)).toBeUndefined();
      expect((await copyAt(driver, runner, from)).power).toBe('off');
    });

    test('finishing a VM that runs is refused', async () => {
      const { driver, runner, far } = h();
      const move = await begin(h(), runner, far, 'staged');
      await driver.replicate(move, testRun());
      await expect(driver.finish(move, testRun())).rejects.toMatchObject({ code: 'not-possible' });
    });
  });
};
