import { expect, test } from 'vitest';
import { PlacementError } from '../../../provider/core/errors.js';
import { isKnown, samePlace } from '../../../provider/core/inventory.js';
import type { Part } from '../driver.js';
import { begin, copyAt, maybeCopyAt, save, stopAfter, testRun, vmNamed, type OutsideWorld } from './kit.js';

/** What somebody does to a VM that is off, between its copy and the start on the target. */
const changes: Readonly<Record<string, (outside: OutsideWorld, vm: string) => Promise<void> | undefined>> = {
  'a disk was added': (outside, vm) => outside.addDisk?.(vm),
  'a disk was grown': (outside, vm) => outside.growDisk?.(vm),
  'a disk was replaced': (outside, vm) => outside.replaceDisk?.(vm),
};

export const coldContract: Part = ({ capabilities }, h) => {
  test('given a VM that is off, when it was copied, then the target is complete and off, the source is as it was', async () => {
    const { driver, sleeper, far, from } = h();
    const move = await begin(h(), sleeper, far, 'cold');
    if (capabilities.blocksStart) await driver.block(move.source, move.record.moveId, testRun());
    const outcome = await driver.copyOff(move, testRun());
    expect(outcome.started).toBe(false);
    expect(outcome.bytes).toBeGreaterThan(0);
    expect(samePlace(outcome.target, far)).toBe(true);
    expect((await copyAt(driver, sleeper, far)).power).toBe('off');
    expect((await copyAt(driver, sleeper, from)).power).toBe('off');
  });

  test('from the point of no return on the target is the VM, and its start loses nothing', async () => {
    const { driver, sleeper, far, outside } = h();
    const move = await begin(h(), sleeper, far, 'cold');
    const { target } = await driver.copyOff(move, testRun());
    expect((await copyAt(driver, sleeper, far)).role).toBe('incoming');
    const past = await save(driver, move, { targetStarting: true });
    expect((await copyAt(driver, sleeper, far)).role).toBe('live');
    // Taken back before it was started; then for good.
    const back = await save(driver, past, { targetStarting: false });
    expect((await copyAt(driver, sleeper, far)).role).toBe('incoming');
    await save(driver, back, { targetStarting: true });
    await driver.start(target, testRun());
    await driver.start(target, testRun());
    expect((await copyAt(driver, sleeper, far)).power).toBe('running');
    expect(await outside.violations()).toEqual([]);
  });

  test('state files and the definition travel along', async () => {
    const { driver, sleeper, far } = h();
    const before = (await driver.survey({})).vms.find((vm) => vm.name === sleeper);
    const move = await begin(h(), sleeper, far, 'cold');
    await driver.copyOff(move, testRun());
    const settled = await save(driver, move, { targetStarting: true });
    await driver.retire(move.source, settled.record.moveId, testRun()).catch(() => undefined);
    const after = (await driver.survey({})).vms.find((vm) => vm.name === sleeper);
    expect(after?.nics).toEqual(before?.nics);
    expect(after?.stateFiles).toEqual(before?.stateFiles);
  });

  test('a second call finds it done and sends nothing', async () => {
    const { driver, sleeper, far } = h();
    const move = await begin(h(), sleeper, far, 'cold');
    const first = await driver.copyOff(move, testRun());
    const run = testRun();
    const second = await driver.copyOff(move, run);
    expect(second.target).toEqual(first.target);
    expect(run.events.filter((event) => event.kind === 'progress' && event.bytes < event.total)).toEqual([]);
  });

  test.each(Object.entries(changes))(
    'given that %s after it was copied, then a second call copies it as it is now',
    async (_what, change) => {
      const { driver, sleeper, far, from, outside } = h();
      const move = await begin(h(), sleeper, far, 'cold');
      await driver.copyOff(move, testRun());
      const changed = change(outside, sleeper);
      if (changed === undefined) return;
      await changed;
      const disks = async (): Promise<unknown> => {
        const { disks: all } = await vmNamed(driver, sleeper);
        return isKnown(all) ? all.map(({ name, virtualBytes, format }) => ({ name, virtualBytes, format })) : all;
      };
      const wanted = await disks();
      const run = testRun();
      const { target } = await driver.copyOff(move, run);
      expect(run.events.some((event) => event.kind === 'progress')).toBe(true);
      await save(driver, move, { targetStarting: true });
      await driver.start(target, testRun());
      expect(await copyAt(driver, sleeper, far)).toMatchObject({ power: 'running', role: 'live' });
      expect((await copyAt(driver, sleeper, from)).power).toBe('off');
      expect(await disks()).toEqual(wanted);
      expect(await outside.violations()).toEqual([]);
    },
  );

  test('given an interrupt in the middle, when another process goes on, then nothing is sent twice', async () => {
    const { driver, another, sleeper, far, outside } = h();
    const move = await begin(h(), sleeper, far, 'cold');
    const first = stopAfter(2);
    await expect(driver.copyOff(move, first)).rejects.toMatchObject({ code: 'interrupted' });
    const before = first.events.findLast((event) => event.kind === 'progress');
    const run = testRun();
    const { target } = await (await another()).copyOff(move, run);
    const after = run.events.find((event) => event.kind === 'progress');
    if (before?.kind !== 'progress' || after?.kind !== 'progress') throw new Error('no progress was told');
    expect(before.bytes).toBeGreaterThan(0);
    expect(after.bytes).toBeGreaterThanOrEqual(before.bytes);
    await save(driver, move, { targetStarting: true });
    await driver.start(target, testRun());
    expect(await outside.violations()).toEqual([]);
  });

  test('a running VM is refused', async () => {
    const { driver, runner, far } = h();
    const move = await begin(h(), runner, far, 'cold');
    await expect(driver.copyOff(move, testRun())).rejects.toMatchObject({ code: 'not-possible' });
  });

  test('given a lost lease, then the verb stops before its next effect', async () => {
    const { driver, sleeper, far } = h();
    const move = await begin(h(), sleeper, far, 'cold');
    const run = testRun({ checkLease: () => Promise.reject(new PlacementError('lease-lost', 'taken over')) });
    await expect(driver.copyOff(move, run)).rejects.toMatchObject({ code: 'lease-lost' });
    expect(await maybeCopyAt(driver, sleeper, far)).toBeUndefined();
  });

  test('when it is cancelled, then nothing is left on the target', async () => {
    const { driver, sleeper, far, from } = h();
    const move = await begin(h(), sleeper, far, 'cold');
    await expect(driver.copyOff(move, stopAfter(2))).rejects.toMatchObject({ code: 'interrupted' });
    await driver.cancel(move, testRun());
    expect(await maybeCopyAt(driver, sleeper, far)).toBeUndefined();
    expect((await copyAt(driver, sleeper, from)).power).toBe('off');
  });
};
