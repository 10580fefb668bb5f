import { describe, expect, test } from 'vitest';
import type { Move } from '../../../provider/core/driver.js';
import type { Part } from '../driver.js';
import { begin, copyAt, heldCopy, maybeCopyAt, save, testRun, type Harness } from './kit.js';

/** What becomes of the source after a move. */
export const sourceContract: Part = (_subject, h) => {
  describe('kept source', () => {
    test('given a moved VM, when its source is kept, then it reads so, and is removed only on demand', async () => {
      const { driver, runner, far, from, outside } = h();
      const move = await moved(h());
      await driver.keep(move.source, move.record.moveId, testRun());
      await driver.keep(move.source, move.record.moveId, testRun());
      expect(await copyAt(driver, runner, from)).toMatchObject({ role: 'kept', power: 'off', ref: { moveId: move.record.moveId } });
      await driver.retire(move.source, move.record.moveId, testRun());
      await driver.retire(move.source, move.record.moveId, testRun());
      expect(await maybeCopyAt(driver, runner, from)).toBeUndefined();
      expect((await copyAt(driver, runner, far)).power).toBe('running');
      expect(await outside.violations()).toEqual([]);
    });

    test('a source with the label of another move is not removed', async () => {
      const { driver, runner, from } = h();
      const move = await moved(h());
      await driver.keep(move.source, move.record.moveId, testRun());
      await expect(driver.retire(move.source, 'another-move', testRun())).rejects.toMatchObject({ code: 'not-possible' });
      expect((await copyAt(driver, runner, from)).role).toBe('kept');
    });

    test('a source without any label is not removed', async () => {
      const { driver, sleeper, from } = h();
      const { ref } = await heldCopy(h(), sleeper);
      await expect(driver.retire(ref, 'some-move', testRun())).rejects.toMatchObject({ code: 'not-possible' });
      expect((await copyAt(driver, sleeper, from)).power).toBe('off');
    });

    test('a source whose VM does not run elsewhere, as far as was read, is not removed', async ({ skip }) => {
      const { driver, runner, far, from, outside } = h();
      if (outside.setHost === undefined) return skip('nothing can do this to the platform from outside');
      const move = await moved(h());
      await driver.keep(move.source, move.record.moveId, testRun());
      await outside.setHost(far.host, 'unreachable');
      await expect(driver.retire(move.source, move.record.moveId, testRun())).rejects.toMatchObject({ code: 'not-possible' });
      expect((await copyAt(driver, runner, from)).role).toBe('kept');
    });
  });
};

async function moved(h: Harness): Promise<Move> {
  const { driver } = h;
  const move = await begin(h, h.runner, h.far, 'hot');
  await driver.migrate(move, testRun());
  if (driver.capabilities.blocksStart) await driver.block(move.source, move.record.moveId, testRun());
  return save(driver, move, { targetStarting: true });
}
