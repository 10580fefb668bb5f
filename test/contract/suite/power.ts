import { expect, test } from 'vitest';
import { isUnknown } from '../../../provider/core/inventory.js';
import type { Part } from '../driver.js';
import { describeWhere, begin, copyAt, heldCopy, shutDown, testRun } from './kit.js';

export const powerContract: Part = ({ capabilities }, h) => {
  test('given a running VM, when it is asked to shut down, then it reads off later: clean, with the time it began', async () => {
    const { driver, runner, from, far } = h();
    const move = await begin(h(), runner, far, 'cold');
    const asked = await driver.clock.now();
    await driver.shutdown(move.source, 'graceful', testRun());
    await driver.shutdown(move.source, 'graceful', testRun());
    await shutDown(driver, move);
    const { lastChange } = await copyAt(driver, runner, from);
    if (isUnknown(lastChange)) throw new Error(lastChange.unknown);
    expect(lastChange.cause).toBe('guest-shutdown');
    expect(Date.parse(lastChange.began ?? '')).toBeGreaterThanOrEqual(asked - 1000);
    expect(Date.parse(lastChange.at)).toBeGreaterThan(asked);
  });

  test('given a guest that ignores it, then it runs on until it is powered off', async ({ skip }) => {
    const { driver, deaf, from } = h();
    if (deaf === undefined) return skip('nothing can do this to the platform from outside');
    const { ref } = await heldCopy(h(), deaf);
    await driver.shutdown(ref, 'graceful', testRun());
    await driver.clock.sleep(600_000, 'work');
    expect((await copyAt(driver, deaf, from)).power).toBe('running');
    await driver.shutdown(ref, 'power-off', testRun());
    expect(await copyAt(driver, deaf, from)).toMatchObject({ power: 'off', lastChange: { cause: 'destroyed' } });
  });

  test('when a VM that is off is started, then it runs, and a second start changes nothing', async () => {
    const { driver, sleeper, from } = h();
    const { ref } = await heldCopy(h(), sleeper);
    await driver.start(ref, testRun());
    const since = (await copyAt(driver, sleeper, from)).lastChange;
    await driver.start(ref, testRun());
    expect(await copyAt(driver, sleeper, from)).toMatchObject({ power: 'running', lastChange: since });
  });

  test('autostart is switched and read back', async () => {
    const { driver, runner, from } = h();
    const { ref } = await heldCopy(h(), runner);
    for (const value of [false, false, true]) {
      await driver.autostart(ref, value, testRun());
      expect((await copyAt(driver, runner, from)).autostart).toBe(value);
    }
  });

  describeWhere(capabilities.blocksStart, 'block', () => {
    test('given a blocked copy, then nobody can start it, until it is unblocked', async () => {
      const { driver, sleeper, from, outside } = h();
      const { ref } = await heldCopy(h(), sleeper);
      await driver.block(ref, 'move-1', testRun());
      await driver.block(ref, 'move-1', testRun());
      expect((await copyAt(driver, sleeper, from)).blocked).toBe(true);
      await expect(driver.start(ref, testRun())).rejects.toMatchObject({ code: 'platform' });
      await expect(outside.start(sleeper, from.host)).rejects.toThrow();
      expect((await copyAt(driver, sleeper, from)).power).toBe('off');
      await driver.unblock(ref, testRun());
      await driver.unblock(ref, testRun());
      await outside.start(sleeper, from.host);
      expect(await copyAt(driver, sleeper, from)).toMatchObject({ power: 'running', blocked: false });
    });

    test('a running copy cannot be blocked', async () => {
      const { driver, runner } = h();
      await expect(driver.block((await heldCopy(h(), runner)).ref, 'move-1', testRun())).rejects.toMatchObject({
        code: 'not-possible',
      });
    });
  });
};
