import { describe, expect, test } from 'vitest';
import { samePlace, type Place } from '../../../provider/core/inventory.js';
import type { Part } from '../driver.js';
import { begin, copyAt, maybeCopyAt, stopAfter, testRun, type Harness } from './kit.js';

/** So slow, bytes per second, that a look at its middle finds it there. */
const slowly = { bandwidthBytesPerSecond: 64 * 2 ** 20 };

export const hotContract: Part = (_subject, h) => {
  describe.each(['near', 'far'] as const)('to the host that is %s', (where) => {
    const to = (harness: Harness): Place => harness[where];

    test('given a running VM, when it is migrated, then it runs on the target and only there, and nothing is lost', async () => {
      const { driver, runner, outside } = h();
      const move = await begin(h(), runner, to(h()), 'hot');
      await driver.autostart(move.source, false, testRun());
      const run = testRun();
      const outcome = await driver.migrate(move, run);
      expect(outcome).toMatchObject({ started: true, method: 'hot', target: to(h()) });
      expect(outcome.downtimeMs).toBeGreaterThan(0);
      expect(outcome.bytes).toBeGreaterThan(0);
      expect((await copyAt(driver, runner, to(h()))).power).toBe('running');
      const source = await maybeCopyAt(driver, runner, move.source);
      if (!outcome.sourceGone) expect(source).toMatchObject({ power: 'off', autostart: false, lastChange: { cause: 'migrated' } });
      expect(run.events.some((event) => event.kind === 'progress' && event.total > 0)).toBe(true);
      expect(await outside.violations()).toEqual([]);
    });
  });

  test('a second call finds the job that has ended and tells the same', async () => {
    const { driver, runner, near } = h();
    const move = await begin(h(), runner, near, 'hot');
    const first = await driver.migrate(move, testRun());
    const second = await driver.migrate(move, testRun());
    expect(second.target).toEqual(first.target);
    expect(second.downtimeMs).toBe(first.downtimeMs);
  });

  test('given a watcher that stopped, when another process asks again, then it re-attaches and the VM has moved once', async () => {
    const { driver, another, runner, far, outside } = h();
    const move = await begin(h(), runner, far, 'hot', slowly);
    await expect(driver.migrate(move, stopAfter(2))).rejects.toMatchObject({ code: 'interrupted' });
    const outcome = await (await another()).migrate(move, testRun());
    expect(samePlace(outcome.target, far)).toBe(true);
    expect((await driver.survey({})).vms.find((vm) => vm.name === runner)?.copies.filter((copy) => copy.power === 'running')).toHaveLength(
      1,
    );
    expect(await outside.violations()).toEqual([]);
  });

  test('given a migration under way, when another move of the VM begins late, then the platform refuses it and the first goes on', async () => {
    const { driver, runner, near, far, outside } = h();
    const move = await begin(h(), runner, far, 'hot', slowly);
    await expect(driver.migrate(move, stopAfter(1))).rejects.toMatchObject({ code: 'interrupted' });
    const late = { ...move, target: near, record: { ...move.record, moveId: 'of-another-controller', to: near } };
    await expect(driver.migrate(late, testRun())).rejects.toMatchObject({ code: 'platform', message: expect.stringContaining(runner) });
    expect((await driver.migrate(move, testRun())).target).toMatchObject(far);
    expect(await maybeCopyAt(driver, runner, near)).toBeUndefined();
    expect(await outside.violations()).toEqual([]);
  });

  test('when it is cancelled, then the VM runs on the source and nothing is left on the target', async () => {
    const { driver, runner, far, from, outside } = h();
    const move = await begin(h(), runner, far, 'hot', slowly);
    await expect(driver.migrate(move, stopAfter(1))).rejects.toMatchObject({ code: 'interrupted' });
    await driver.cancel(move, testRun());
    await driver.cancel(move, testRun());
    expect((await copyAt(driver, runner, from)).power).toBe('running');
    expect(await maybeCopyAt(driver, runner, far)).toBeUndefined();
    expect(await outside.violations()).toEqual([]);
  });

  test('given no more time, then it is aborted, the error names the options, and the VM stays', async () => {
    const { driver, runner, far, from } = h();
    const move = await begin(h(), runner, far, 'hot', { maxDurationMs: 1 });
    await expect(driver.migrate(move, testRun())).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/postCopy|suspend/),
    });
    expect((await copyAt(driver, runner, from)).power).toBe('running');
    expect(await maybeCopyAt(driver, runner, far)).toBeUndefined();
  });

  test('a VM that is off is refused, and left alone', async () => {
    const { driver, sleeper, near, from } = h();
    const move = await begin(h(), sleeper, near, 'hot');
    await expect(driver.migrate(move, testRun())).rejects.toMatchObject({ code: 'platform' });
    expect((await copyAt(driver, sleeper, from)).power).toBe('off');
  });
};
