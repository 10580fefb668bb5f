import { describe, expect, test } from 'vitest';
import type { Move, Outcome } from '../../../provider/core/driver.js';
import type { Part } from '../driver.js';
import { describeWhere, begin, copyAt, maybeCopyAt, pass, save, shutDown, testRun, type Harness } from './kit.js';

/** Phase 2 of a staged move where the start of the target is a step of its own. */
export const cutoverContract: Part = ({ capabilities }, h) => {
  describe('cutover', () => {
    test('given passes and a shutdown, when it is finished and started, then the target runs with every acknowledged write', async () => {
      const { driver, runner, far, from, outside } = h();
      const move = await ready(h());
      const outcome = await finished(h(), move);
      expect(outcome).toMatchObject({ started: false, sourceGone: false, target: far });
      expect((await copyAt(driver, runner, far)).power).toBe('off');
      await save(driver, move, { targetStarting: true });
      await driver.start(outcome.target, testRun());
      expect((await copyAt(driver, runner, far)).power).toBe('running');
      expect(await copyAt(driver, runner, from)).toMatchObject({ power: 'off', blocked: true });
      expect(await outside.violations()).toEqual([]);
    });

    test('the last increment is small', async () => {
      const { driver, runner, far } = h();
      const full = await pass(driver, await begin(h(), runner, far, 'staged'));
      const move = await pass(driver, full);
      await shutDown(driver, move);
      await driver.block(move.source, move.record.moveId, testRun());
      expect((await finished(h(), move)).bytes).toBeLessThan(full.sent / 4);
    });

    test('a second call finds it done', async () => {
      const { another } = h();
      const move = await ready(h());
      const first = await finished(h(), move);
      const run = testRun();
      const again = await (await another()).finish(move, run);
      expect(again).toEqual(first);
      expect(run.events).toEqual([]);
    });

    test('given that the source ran again after it was finished, then what was sent is not taken for complete', async () => {
      const { driver, runner, far, from, outside } = h();
      const move = await ready(h());
      await finished(h(), move);
      await driver.unblock(move.source, testRun());
      await outside.start(runner, from.host);
      await driver.clock.sleep(10_000, 'work');
      await shutDown(driver, move);
      await driver.block(move.source, move.record.moveId, testRun());
      const { target } = await finished(h(), move);
      await driver.start(target, testRun());
      expect((await copyAt(driver, runner, far)).power).toBe('running');
      expect(await outside.violations()).toEqual([]);
    });

    test('given that the VM was powered off hard, then the increment is distrusted and nothing more is done', async () => {
      const { driver, runner, far, outside } = h();
      const move = await pass(driver, await begin(h(), runner, far, 'staged'));
      await outside.shutdown(runner, 'hard');
      await driver.block(move.source, move.record.moveId, testRun());
      const outcome = await driver.finish(move, testRun());
      expect('reason' in outcome && outcome.reason).toMatch(/bitmap|power-off/);
    });

    test('given a power-off that the move itself sent, then the bitmaps are good', async () => {
      const { driver, runner, far, outside } = h();
      const move = await pass(driver, await begin(h(), runner, far, 'staged'));
      await driver.shutdown(move.source, 'power-off', testRun());
      await driver.block(move.source, move.record.moveId, testRun());
      const { target } = await finished(h(), move);
      await driver.start(target, testRun());
      expect(await outside.violations()).toEqual([]);
    });

    test('given a snapshot that was taken after the last increment, then it is distrusted', async ({ skip }) => {
      const { driver, runner, far, outside } = h();
      if (outside.snapshot === undefined) return skip('nothing can do this to the platform from outside');
      const move = await pass(driver, await begin(h(), runner, far, 'staged'));
      await outside.snapshot(runner);
      await shutDown(driver, move);
      await driver.block(move.source, move.record.moveId, testRun());
      expect(await driver.finish(move, testRun())).toHaveProperty('reason');
    });

    test('a VM that runs is refused', async () => {
      const { driver, runner, far } = h();
      const move = await pass(driver, await begin(h(), runner, far, 'staged'));
      await expect(driver.finish(move, testRun())).rejects.toMatchObject({ code: 'not-possible' });
    });

    test('when it is cancelled before the start, then the target is gone and the source starts with everything', async () => {
      const { driver, runner, far, from, outside } = h();
      const move = await ready(h());
      await finished(h(), move);
      await driver.cancel(move, testRun());
      await driver.unblock(move.source, testRun());
      await driver.start(move.source, testRun());
      expect(await maybeCopyAt(driver, runner, far)).toBeUndefined();
      expect((await copyAt(driver, runner, from)).power).toBe('running');
      expect(await outside.violations()).toEqual([]);
    });

    test('once the target has run, a cancel is not possible', async () => {
      const { driver } = h();
      const move = await ready(h());
      const { target } = await finished(h(), move);
      await driver.start(target, testRun());
      await expect(driver.cancel(move, testRun())).rejects.toMatchObject({ code: 'not-possible' });
    });

    describeWhere(capabilities.verify, 'verify', () => {
      test.each(['increment', 'full'] as const)(
        'given a block that turned bad on the target, then %s finds it and the VM is not defined',
        async (verify) => {
          const { driver, runner, far, outside } = h();
          if (outside.corruptIncoming === undefined) return;
          const first = await begin(h(), runner, far, 'staged', { verify });
          const move = await pass(driver, first);
          await shutDown(driver, move);
          await driver.block(move.source, move.record.moveId, testRun());
          if (verify === 'full') await outside.corruptIncoming(runner, far.host, 'quiet');
          const run = testRun({
            onEvent: (event) => {
              // In the middle of the last increment, behind what it has sent.
              if (verify === 'increment' && event.kind === 'progress') void outside.corruptIncoming?.(runner, far.host, 'busy');
            },
          });
          await expect(driver.finish(move, run)).rejects.toMatchObject({ code: 'platform', message: expect.stringContaining('differ') });
          expect(await driver.finish(move, testRun())).toHaveProperty('reason');
        },
      );
    });
  });
};

/** Replicated, off and blocked. */
async function ready(h: Harness): Promise<Move> {
  const move = await pass(h.driver, await pass(h.driver, await begin(h, h.runner, h.far, 'staged')));
  await shutDown(h.driver, move);
  await h.driver.block(move.source, move.record.moveId, testRun());
  return move;
}

async function finished(h: Harness, move: Move): Promise<Outcome> {
  const outcome = await h.driver.finish(move, testRun());
  if ('reason' in outcome) throw new Error(`distrust: ${outcome.reason}`);
  return outcome;
}
