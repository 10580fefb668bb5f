import { expect, test } from 'vitest';
import type { Claim } from '../../../provider/core/record.js';
import type { Part } from '../driver.js';
import { begin, describeWhere, holder, leaseMs, maybeCopyAt, save, testRun, vmNamed } from './kit.js';

export const recordContract: Part = ({ capabilities }, h) => {
  test('given a stored record, then it is read back by another process as it was written', async () => {
    const { another, runner, far } = h();
    const move = await begin(h(), runner, far, 'staged');
    const read = (await vmNamed(await another(), runner)).record;
    if (capabilities.record === 'full') expect(read).toEqual(move.record);
    else expect(read?.moveId).toBe(move.record.moveId);
  });

  test('a write on another epoch is a conflict and changes nothing', async () => {
    const { driver, runner, far } = h();
    const move = await begin(h(), runner, far, 'staged');
    const next = await save(driver, move, { step: 'await-go' });
    const { uuid } = next.vm;
    for (const ifEpoch of [null, move.record.epoch, 99]) {
      expect(await driver.record(uuid, { ...next.record, step: 'lost', epoch: 100 }, { ifEpoch })).toBe('conflict');
      expect(await driver.record(uuid, null, { ifEpoch })).toBe('conflict');
    }
    expect((await vmNamed(driver, runner)).record?.step).toBe('await-go');
    expect(await driver.record(uuid, null, { ifEpoch: next.record.epoch })).toBe('ok');
    expect((await vmNamed(driver, runner)).record).toBeNull();
  });

  test('given a source that does not answer, then the record is a problem before the point of no return, and mirrored after it', async ({
    skip,
  }) => {
    const { driver, sleeper, far, from, outside } = h();
    if (outside.setHost === undefined) return skip('nothing can do this to the platform from outside');
    const move = await begin(h(), sleeper, far, 'cold');
    await driver.copyOff(move, testRun());
    await outside.setHost(from.host, 'unreachable');
    expect(await vmNamed(driver, sleeper)).toMatchObject({ record: null, recordProblem: expect.stringContaining(from.host) });
    await outside.setHost(from.host, 'connected');
    await save(driver, move, { targetStarting: true });
    await outside.setHost(from.host, 'unreachable');
    expect((await vmNamed(driver, sleeper)).record?.moveId).toBe(move.record.moveId);
  });

  test('the claim is kept with the VM', async () => {
    const { driver, another, runner } = h();
    const claim: Claim = { v: 1, stack: 'org/project/stack', urn: 'urn:1', spentGo: 'now', lastMove: null, cancelled: null };
    await driver.lease(runner, holder, { expireMs: 60_000 });
    await driver.claim(runner, claim, holder);
    expect((await vmNamed(await another(), runner)).claim).toEqual(claim);
    await driver.claim(runner, null, holder);
    expect((await vmNamed(driver, runner)).claim).toBeNull();
  });

  test('the annotation is set with its giver, replaced, and removed', async () => {
    const { driver, runner } = h();
    await driver.annotate(runner, { shutdown: 'now', giver: 'alice' });
    await driver.annotate(runner, { shutdown: 'hold', giver: 'bob' });
    expect((await vmNamed(driver, runner)).annotation).toMatchObject([{ value: 'hold', giver: 'bob' }]);
    await driver.annotate(runner, { shutdown: null, giver: 'bob' });
    expect((await vmNamed(driver, runner)).annotation).toEqual([]);
  });

  test('given a lease, then another holder is refused by name, its own renews, and a release frees it', async () => {
    const { driver, another, runner } = h();
    const other = await another();
    const first = await driver.lease(runner, 'one@here', { expireMs: 60_000 });
    expect(first.holder).toBe('one@here');
    expect((await vmNamed(other, runner)).lease).toMatchObject({ holder: 'one@here' });
    await expect(other.lease(runner, 'two@there', { expireMs: 60_000 })).rejects.toMatchObject({
      code: 'lease-lost',
      message: expect.stringContaining('one@here'),
    });
    await driver.lease(runner, 'one@here', { expireMs: 60_000 });
    await other.release(runner, 'two@there');
    await expect(other.lease(runner, 'two@there', { expireMs: 60_000 })).rejects.toMatchObject({ code: 'lease-lost' });
    await driver.release(runner, 'one@here');
    expect((await other.lease(runner, 'two@there', { expireMs: 60_000 })).holder).toBe('two@there');
  });

  test('given two that ask at once, then one gets the lease', async () => {
    const { driver, another, runner } = h();
    const drivers = [driver, await another(), await another()];
    const asked = await Promise.allSettled(drivers.map((one, index) => one.lease(runner, `holder-${index}`, { expireMs: 60_000 })));
    expect(asked.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  test('given a holder that died, when its lease has run out, then the next one gets it', async ({ skip }) => {
    const { driver, runner, outside } = h();
    if (outside.advance === undefined) return skip('nothing can do this to the platform from outside');
    await driver.lease(runner, 'dead@here', { expireMs: 60_000 });
    await outside.advance(60_001);
    expect((await driver.lease(runner, 'two@there', { expireMs: 60_000 })).holder).toBe('two@there');
    await expect(driver.lease(runner, 'dead@here', { expireMs: 60_000 })).rejects.toMatchObject({ code: 'lease-lost' });
  });

  describeWhere(capabilities.fencesEffects, 'a process that slept through its lease', () => {
    test('changes nothing any more, although it has just found its lease valid', async ({ skip }) => {
      const { driver, another, sleeper, runner, from, far, outside } = h();
      if (outside.advance === undefined) return skip('nothing can do this to the platform from outside');
      const cold = await begin(h(), sleeper, far, 'cold');
      const staged = await begin(h(), runner, far, 'staged');
      await outside.advance(leaseMs + 1);
      const other = await another();
      for (const vm of [sleeper, runner]) {
        await other.lease(vm, 'two@there', { expireMs: 60_000 });
        if (vm === sleeper) await other.release(vm, 'two@there');
      }
      const [off, on] = [cold.source, staged.source];
      const before = JSON.stringify((await driver.survey({})).vms);
      const effects: Readonly<Record<string, () => Promise<unknown>>> = {
        copyOff: () => driver.copyOff(cold, testRun()),
        replicate: () => driver.replicate(staged, testRun()),
        finish: () => driver.finish(staged, testRun()),
        migrate: () => driver.migrate(staged, testRun()),
        cancel: () => driver.cancel(cold, testRun()),
        shutdown: () => driver.shutdown(on, 'graceful', testRun()),
        'power off': () => driver.shutdown(on, 'power-off', testRun()),
        start: () => driver.start(off, testRun()),
        ...(capabilities.blocksStart
          ? { block: () => driver.block(off, 'move-1', testRun()), unblock: () => driver.unblock(off, testRun()) }
          : {}),
        autostart: () => driver.autostart(on, false, testRun()),
        keep: () => driver.keep(off, 'move-1', testRun()),
        retire: () => driver.retire(off, 'move-1', testRun()),
        record: () => driver.record(cold.vm.uuid, { ...cold.record, epoch: 2 }, { ifEpoch: 1, holder }),
        'no record': () => driver.record(cold.vm.uuid, null, { ifEpoch: 1, holder }),
        claim: () => driver.claim(cold.vm.uuid, null, holder),
      };
      for (const [name, effect] of Object.entries(effects)) {
        await expect(effect(), name).rejects.toMatchObject({ code: 'lease-lost' });
        expect(JSON.stringify((await driver.survey({})).vms), name).toBe(before);
      }
      expect(await maybeCopyAt(driver, sleeper, from)).toMatchObject({ power: 'off' });
    });
  });
};
