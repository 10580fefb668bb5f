import { describe, expect, it } from 'vitest';
import { confirmMove } from '../../../provider/core/placement.js';
import { Lab, want } from './lab.js';

describe.each(['driven', 'task'] as const)('each method ends to end (style %s)', (style) => {
  it('hot: the VM runs on the target, its source is gone, its autostart is as before', async () => {
    const lab = new Lab({ style });
    const state = await lab.up(want('n1'));
    expect(state).toMatchObject({
      phase: 'Settled',
      power: 'running',
      place: { cluster: 'near', host: 'n1' },
      keptSource: null,
      pending: null,
    });
    expect(state.lastMove).toMatchObject({ method: 'hot', from: { cluster: 'a', host: 'a1' }, go: '' });
    expect(state.lastMove!.downtimeMs).toBeGreaterThan(0);
    expect(state.lastMove!.downtimeMs).toBeLessThan(1000);
    const vm = await lab.vm();
    expect(vm.copies).toHaveLength(1);
    expect(vm.copies[0]!.autostart).toBe(true);
    expect(vm).toMatchObject({ record: null, lease: null, claim: { stack: 'org/project/dev' } });
    expect(await lab.journal()).toEqual([]);
  });

  it('cold: a VM that is off is copied and stays off, its source is kept until it is confirmed', async () => {
    const lab = new Lab({ style, vm: { power: 'off' } });
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject({ phase: 'AwaitingConfirmation', power: 'off', place: { cluster: 'far', host: 'f1' }, pending: null });
    expect(state.keptSource?.place).toEqual({ cluster: 'a', host: 'a1' });
    expect(state.lastMove).toMatchObject({ method: 'cold', downtimeMs: 0, bytes: 4 * 1024 ** 3 });
    // Another up changes nothing, a confirmation removes the source.
    expect((await lab.up(want('f1'))).phase).toBe('AwaitingConfirmation');
    expect(await confirmMove(lab.session(), 'web-01', lab.run())).toContain('confirmed');
    expect(await lab.vm()).toMatchObject({ copies: [{ ref: { host: 'f1' }, power: 'off' }], record: null, lease: null });
    expect(await lab.journal()).toEqual([]);
  });

  it('cold with allowShutdown: the running VM is shut down, copied and started on the target', async () => {
    const lab = new Lab({ style });
    const state = await lab.up(want('f1', { method: 'cold', allowShutdown: true, keepSource: 'no' }));
    expect(state).toMatchObject({ phase: 'Settled', power: 'running', place: { cluster: 'far', host: 'f1' } });
    expect(state.lastMove!.downtimeMs).toBeGreaterThan(10_000);
    expect(state.lastMove!.go).toContain('allowShutdown');
    expect((await lab.vm()).copies).toHaveLength(1);
    expect(await lab.journal()).toEqual([]);
  });

  it('staged: pauses, then with a go the VM restarts on the target', async () => {
    const lab = new Lab({ style });
    const pending = await lab.up(want('f1'));
    expect(pending).toMatchObject({
      phase: 'AwaitingShutdown',
      power: 'running',
      place: { cluster: 'a' },
      pending: { cluster: 'far', host: 'f1' },
    });
    expect(pending.replication!.increments).toBeGreaterThanOrEqual(1);
    const state = await lab.up(want('f1', { shutdown: 'now', keepSource: 'no' }));
    expect(state).toMatchObject({ phase: 'Settled', power: 'running', place: { cluster: 'far', host: 'f1' }, spentGo: 'now' });
    expect(state.lastMove).toMatchObject({ method: 'staged', go: expect.stringContaining('declared: now') });
    expect(state.lastMove!.downtimeMs).toBeLessThan(30_000);
    expect(state.lastMove!.bytes).toBeGreaterThanOrEqual(4 * 1024 ** 3);
    const vm = await lab.vm();
    expect(vm).toMatchObject({ record: null, annotation: [], claim: { spentGo: 'now' } });
    expect(vm.copies).toHaveLength(1);
    expect(vm.copies[0]!.autostart).toBe(true);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('what becomes of the VM and of its source', () => {
  it('hot with keepSource: confirm keeps the source, off and blocked', async () => {
    const lab = new Lab();
    const state = await lab.up(want('n1', { keepSource: 'confirm' }));
    expect(state).toMatchObject({ phase: 'AwaitingConfirmation', power: 'running', place: { host: 'n1' } });
    expect((await lab.vm()).copies).toMatchObject([
      { role: 'kept', power: 'off', blocked: true },
      { role: 'live', power: 'running' },
    ]);
    // Declaring keepSource: no is a confirmation.
    expect(await lab.up(want('n1', { keepSource: 'no' }))).toMatchObject({ phase: 'Settled', keptSource: null });
    expect((await lab.vm()).copies).toHaveLength(1);
  });

  it('startAfter: never leaves it complete and off', async () => {
    const lab = new Lab();
    const state = await lab.up(want('f1', { shutdown: 'now', startAfter: 'never' }));
    expect(state).toMatchObject({ phase: 'AwaitingConfirmation', power: 'off', place: { host: 'f1' } });
    await lab.outside.start('web-01');
    expect(await lab.journal()).toEqual([]);
  });

  it('startAfter: always starts one that was off', async () => {
    const lab = new Lab({ vm: { power: 'off' } });
    expect(await lab.up(want('f1', { startAfter: 'always' }))).toMatchObject({ power: 'running', place: { host: 'f1' } });
    expect(await lab.journal()).toEqual([]);
  });

  it('cold on shared storage copies nothing and keeps no source by default', async () => {
    const lab = new Lab({ vm: { power: 'off' }, sharedStorage: true });
    const state = await lab.up(want('a2'));
    expect(state).toMatchObject({ phase: 'Settled', power: 'off', place: { host: 'a2' }, lastMove: { bytes: 0 } });
    expect((await lab.vm()).copies).toHaveLength(1);
    await lab.outside.start('web-01');
    expect(await lab.journal()).toEqual([]);
  });
});
