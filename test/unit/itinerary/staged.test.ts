import { describe, expect, it } from 'vitest';
import { MoveFailed, applyPlacement, cancelMove, releasePlacement, resumeMove } from '../../../provider/core/placement.js';
import type { Vm } from '../../../provider/core/inventory.js';
import { Lab, stack, urn, want } from './lab.js';

const at = (vm: Vm): readonly string[] =>
  vm.copies.map((copy) => `${copy.ref.host} ${copy.role} ${copy.power}${copy.blocked ? ' blocked' : ''}`);
const moved = { phase: 'AwaitingConfirmation', power: 'running', place: { cluster: 'far', host: 'f1' } };
const waiting = { phase: 'AwaitingShutdown', power: 'running', place: { cluster: 'a', host: 'a1' } };
const minute = 60_000;

describe('while a staged move waits', () => {
  it('every further up sends exactly one more increment', async () => {
    const lab = new Lab();
    const first = await lab.up(want('f1'));
    await lab.advance(minute);
    const second = await lab.up(want('f1'));
    expect(second).toMatchObject(waiting);
    expect(second.replication!.increments).toBe(first.replication!.increments + 1);
    expect(second.replication!.lastIncrementBytes).toBeGreaterThan(0);
    expect(await lab.journal()).toEqual([]);
  });

  it('onPending: fail ends with an error that carries the state', async () => {
    const lab = new Lab();
    const error: unknown = await lab.up(want('f1', { onPending: 'fail' })).catch((one: unknown) => one);
    expect(MoveFailed.isMoveFailed(error) && error.state).toMatchObject(waiting);
  });

  it('onPending: wait sends increments until the go comes at the VM', async () => {
    const lab = new Lab();
    const up = lab.up(want('f1', { onPending: 'wait' }));
    await until(async () => (await lab.vm()).record?.phase === 'AwaitingShutdown');
    const before = (await lab.vm()).record!.increment!.n;
    await lab.advance(minute);
    await until(async () => ((await lab.vm()).record?.increment?.n ?? 0) > before);
    await lab.annotate('now');
    await lab.advance(minute);
    expect(await up).toMatchObject(moved);
    expect((await lab.vm()).annotation).toEqual([]);
  });

  it('onPending: wait ends as succeed after waitTimeout', async () => {
    const lab = new Lab();
    const up = lab.up(want('f1', { onPending: 'wait', waitTimeoutMs: 90_000 }));
    await until(async () => (await lab.vm()).record?.phase === 'AwaitingShutdown');
    await lab.advance(minute);
    await until(async () => ((await lab.vm()).record?.increment?.n ?? 0) > 1);
    await lab.advance(minute);
    expect(await up).toMatchObject(waiting);
  });
});

describe('the go', () => {
  it('declared before the target counts at once, and the plan says that it stops the VM', async () => {
    const lab = new Lab();
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject({ ...moved, spentGo: 'now' });
    expect(await lab.journal()).toEqual([]);
  });

  it('at the VM is obeyed by the next up, and removed from the VM', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject(moved);
    expect(state.lastMove!.go).toMatch(/^vm: now by alice at /);
    expect((await lab.vm()).annotation).toEqual([]);
  });

  it('at the VM does not count with goFrom: declared', async () => {
    const lab = new Lab();
    await lab.up(want('f1', { goFrom: 'declared' }));
    await lab.annotate('now');
    expect(await lab.up(want('f1', { goFrom: 'declared' }))).toMatchObject(waiting);
  });

  it('as a time counts only from then on', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('2026-05-01T12:00:00Z');
    expect(await lab.up(want('f1'))).toMatchObject(waiting);
    await lab.advance(120 * minute);
    expect(await lab.up(want('f1'))).toMatchObject(moved);
  });

  it('as a window counts inside it, a missed one is a warning and the wait goes on', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('2026-05-01T11:00:00Z/2026-05-01T11:10:00Z');
    expect(await lab.up(want('f1'))).toMatchObject(waiting);
    await lab.advance(120 * minute);
    const missed = await lab.up(want('f1'));
    expect(missed).toMatchObject(waiting);
    expect(missed.message).toContain('missed');
    await lab.annotate('2026-05-01T12:00:00Z/2026-05-01T13:10:00Z');
    expect(await lab.up(want('f1'))).toMatchObject(moved);
  });

  it('by hand: a clean guest shutdown during the pause cuts over, and the VM restarts on the target', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.advance(minute);
    await lab.outside.shutdown('web-01', 'clean');
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject(moved);
    expect(state.lastMove!.go).toMatch(/^guest: shutdown/);
    expect(state.lastMove!.downtimeMs).toBeGreaterThan(0);
    expect(await lab.journal()).toEqual([]);
  });

  it.each(['crash', 'hard'] as const)('%s while it waits is no go: the VM stays off and the state says so', async (how) => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.advance(minute);
    await (how === 'crash' ? lab.outside.crash('web-01') : lab.outside.shutdown('web-01', 'hard'));
    const state = await lab.up(want('f1'));
    expect(state.phase).toBe('AwaitingShutdown');
    expect(state.power).not.toBe('running');
    expect(state.message).toContain('IS NOT RUNNING');
    expect(at(await lab.vm())[0]).toMatch(/^a1 live/);
  });

  it('a VM that crashed and was started again is copied in full again before it is cut over', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.crash('web-01');
    await lab.outside.start('web-01');
    await lab.advance(minute);
    const again = await lab.up(want('f1'));
    expect(again).toMatchObject(waiting);
    expect(again.replication!.bytes).toBeGreaterThan(8 * 1024 ** 3);
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('a clean shutdown during phase 1 cuts nothing over without an explicit go', async () => {
    const lab = new Lab();
    const stop = new AbortController();
    await lab.up(want('f1'), stopDuring(lab, stop, 'replicate')).catch(() => undefined);
    await lab.outside.shutdown('web-01', 'clean');
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject({ phase: 'Replicating', power: 'off', place: { host: 'a1' } });
    expect(state.message).toContain('IS NOT RUNNING');
    await lab.outside.start('web-01');
    expect(await lab.up(want('f1'))).toMatchObject(waiting);
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('force during phase 1 copies a VM that is off in full', async () => {
    const lab = new Lab();
    await lab.up(want('f1'), stopDuring(lab, new AbortController(), 'replicate')).catch(() => undefined);
    await lab.outside.shutdown('web-01', 'clean');
    expect(await lab.up(want('f1', { shutdown: 'force' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('spent by one move is ignored by the next until it changes', async () => {
    const lab = new Lab();
    await lab.up(want('f1', { shutdown: 'now', keepSource: 'no' }));
    const back = await lab.up(want('a1', { shutdown: 'now' }));
    expect(back).toMatchObject({ phase: 'AwaitingShutdown', power: 'running', place: { host: 'f1' } });
    expect(back.findings.map(({ code }) => code)).toContain('go-spent');
    // Removed, then declared again: it has changed.
    await lab.up(want('a1'));
    expect(await lab.up(want('a1', { shutdown: 'now', keepSource: 'no' }))).toMatchObject({ phase: 'Settled', place: { host: 'a1' } });
    expect(await lab.journal()).toEqual([]);
  });
});

describe('a target that cannot take the VM now', () => {
  it('does not stop it: the go waits until the target is there again', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.setHost('f1', 'maintenance');
    const held = await lab.up(want('f1', { shutdown: 'now' }));
    expect(held).toMatchObject(waiting);
    expect(held.message).toContain('the target far/f1 is in maintenance');
    await lab.outside.setHost('f1', null);
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('the brakes', () => {
  it('hold at the VM stops a declared go, until it is removed', async () => {
    const lab = new Lab();
    await lab.annotate('hold');
    const held = await lab.up(want('f1', { shutdown: 'now' }));
    expect(held).toMatchObject(waiting);
    expect(held.message).toContain('hold');
    await lab.annotate(null);
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
  });

  it('hold set after the go, just before the shutdown is sent, still counts', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    const session = lab.session();
    const run = lab.run();
    const plain = run.emit;
    const emit: typeof run.emit = (event) => {
      plain(event);
      if (event.kind === 'end' && event.step === 'shrink') void lab.annotate('hold');
    };
    expect(await applyPlacement(session, 'urn:web-01', want('f1'), null, { ...run, emit })).toMatchObject(waiting);
  });

  it('hold and a shutdown by hand: the VM stays off and is reported', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('hold');
    await lab.advance(minute);
    await lab.outside.shutdown('web-01', 'clean');
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'off', place: { host: 'a1' } });
    expect(state.message).toContain('hold');
    await lab.annotate(null);
    expect(await lab.up(want('f1'))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('a shutdown that the guest ignores: it runs on, the move waits again', async () => {
    const lab = new Lab({ vm: { shutdown: { ignores: true } } });
    const state = await lab.up(want('f1', { shutdown: 'now' }));
    expect(state).toMatchObject(waiting);
    expect(state.message).toContain('. The guest did not obey');
    expect((await lab.vm()).record).toMatchObject({ stoppedByMove: false, go: null });
  });

  it('a shutdown that comes late, after the watch, is still the go', async () => {
    const lab = new Lab({ vm: { shutdown: { takes: '20m' } } });
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(waiting);
    await lab.advance(20 * minute);
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
  });

  it('force powers a guest off that ignores the shutdown, and loses nothing', async () => {
    const lab = new Lab({ vm: { shutdown: { ignores: true } } });
    expect(await lab.up(want('f1', { shutdown: 'force' }))).toMatchObject(moved);
    expect(lab.warnings()).toContain('powered off');
    expect(await lab.journal()).toEqual([]);
  });

  it('over the downtime budget it pauses with the estimate, unless the go is force', async () => {
    const vm = { dirtyRate: '195MiB/s', workingSet: '3GiB' };
    const lab = new Lab({ vm });
    const state = await lab.up(want('f1', { shutdown: 'now', downtimeBudgetMs: 5000 }));
    expect(state).toMatchObject(waiting);
    expect(state.message).toContain('over the downtimeBudget of 5s');
    expect(await lab.up(want('f1', { shutdown: 'force', downtimeBudgetMs: 5000 }))).toMatchObject(moved);
  });

  it('a budget that rounds to the same figure as the projection is told apart from it', async () => {
    const lab = new Lab({ vm: { dirtyRate: '195MiB/s', workingSet: '300MiB' } });
    await lab.up(want('f1'));
    const projected = (await lab.vm()).record!.increment!.projectedDowntimeMs;
    const state = await lab.up(want('f1', { shutdown: 'now', downtimeBudgetMs: projected - 10 }));
    expect(state).toMatchObject(waiting);
    const [, figure, budget] = /The projected downtime is (\S+), over the downtimeBudget of (\S+):/.exec(state.message)!;
    expect(figure).not.toBe(budget);
  });

  it('the projected downtime counts what the guest writes while it shuts down', async () => {
    const lab = new Lab({ vm: { dirtyRate: '100MiB/s' } });
    await lab.up(want('f1'));
    const projected = (await lab.vm()).record!.increment!.projectedDowntimeMs;
    const { lastMove } = await lab.up(want('f1', { shutdown: 'force' }));
    expect(lastMove!.downtimeMs).toBeGreaterThan(4000);
    expect(projected / lastMove!.downtimeMs).toBeGreaterThan(0.75);
    expect(projected / lastMove!.downtimeMs).toBeLessThan(1.25);
  });

  it('startAfter: never: the move says that the VM was left off, not that it was down for a while', async () => {
    const lab = new Lab();
    const state = await lab.up(want('f1', { shutdown: 'now', startAfter: 'never' }));
    expect(state).toMatchObject({ phase: 'AwaitingConfirmation', power: 'off', lastMove: { leftOff: true } });
    const told = lab.events.flatMap((event) => (event.kind === 'notice' ? [event.message] : [])).join('\n');
    expect(told).toContain('web-01: is off on far/f1; its source on a/a1 is kept, blocked.');
    expect(told).not.toContain('runs on far/f1');
  });

  it('a declared go does not stop the VM in an up whose plan did not say so', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    const session = lab.session();
    const error: unknown = await applyPlacement(
      session,
      'urn:web-01',
      want('f1', { shutdown: 'now' }),
      'staged: a/a1 -> far/f1; continues',
      lab.run(),
    ).catch((one: unknown) => one);
    expect(error).toMatchObject({ code: 'plan-changed' });
    expect((await lab.vm()).copies[0]!.power).toBe('running');
  });
});

describe('trust', () => {
  it('an increment that cannot be trusted after off: the source is started again and copied in full', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    const session = lab.session();
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind === 'start' && event.step === 'finish') void lab.outside.snapshot('web-01', 'nightly');
    };
    const state = await applyPlacement(session, 'urn:web-01', want('f1'), null, { ...run, emit });
    expect(state).toMatchObject(waiting);
    expect(state.message).toContain('cannot be trusted');
    expect(at(await lab.vm())[0]).toBe('a1 live running');
    expect(await lab.up(want('f1', { dropSnapshots: true }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('the same under force: a full copy with the VM off', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('force');
    const session = lab.session();
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind === 'start' && event.step === 'finish') void lab.outside.snapshot('web-01', 'nightly');
    };
    const state = await applyPlacement(session, 'urn:web-01', want('f1'), null, { ...run, emit });
    expect(state).toMatchObject(moved);
    expect(state.lastMove!.bytes).toBeGreaterThan(8 * 1024 ** 3);
    expect(await lab.journal()).toEqual([]);
  });

  it('a start of the source by hand between off and the end is refused by the block', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    const session = lab.session();
    const run = lab.run();
    const refused: unknown[] = [];
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind === 'start' && event.step === 'finish')
        void lab.outside.start('web-01', 'a1').catch((error: unknown) => refused.push(error));
    };
    expect(await applyPlacement(session, 'urn:web-01', want('f1'), null, { ...run, emit })).toMatchObject(moved);
    expect(refused).toHaveLength(1);
    await expect(lab.outside.start('web-01', 'a1')).rejects.toThrow('blocked');
    expect(await lab.journal()).toEqual([]);
  });
});

describe('cancel', () => {
  const clean = { record: null, annotation: [], lease: null };

  it('a revert leaves nothing: no target images, no checkpoints, no record, no annotation', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('2030-01-01T00:00:00Z');
    const state = await lab.up(want('a1'));
    expect(state).toMatchObject({ phase: 'Settled', power: 'running', place: { host: 'a1' }, pending: null, lastMove: null });
    const vm = await lab.vm();
    expect(vm).toMatchObject(clean);
    expect(at(vm)).toEqual(['a1 live running']);
    expect(await lab.model.read(({ world }) => world.vms['web-01']!.copies[0]!.checkpoints)).toEqual([]);
  });

  it('a VM that its operator shut down as the go is started again by a cancel', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.advance(minute);
    await lab.outside.shutdown('web-01', 'clean');
    await lab.outside.setHost('f1', 'unreachable');
    await lab.up(want('f1')).catch(() => undefined);
    await lab.outside.setHost('f1', null);
    await lab.up(want('a1'));
    expect(at(await lab.vm())).toEqual(['a1 live running']);
  });

  it('of a task that the platform runs ends the task first: it holds the VM', async () => {
    const lab = new Lab({ style: 'task' });
    await lab.up(want('f1'));
    await lab.outside.shutdown('web-01', 'clean');
    await cancelMove(lab.session(), 'web-01', lab.run());
    const vm = await lab.vm();
    expect(at(vm)).toEqual(['a1 live running']);
    expect(vm.record).toBeNull();
  });

  describe('of a move that waits, whose guest was shut down by hand', () => {
    const shutDown = async (how: 'clean' | 'hard', style: 'driven' | 'task' = 'driven'): Promise<Lab> => {
      const lab = new Lab({ style });
      await lab.up(want('f1'));
      await lab.advance(minute);
      await lab.outside.shutdown('web-01', how);
      return lab;
    };

    it('by vmplacement cancel: that was a go, so it is started again', async () => {
      const lab = await shutDown('clean');
      const said = await cancelMove(lab.session(), 'web-01', lab.run());
      expect(said).toBe(
        'web-01: its move to far/f1 was cancelled; it stays on a/a1. The move is not started again until the declaration changes, or: vmplacement resume web-01',
      );
      expect(at(await lab.vm())).toEqual(['a1 live running']);
      expect(await lab.vm()).toMatchObject(clean);
      // The answer tells it; an event would tell it twice.
      expect(JSON.stringify(lab.events)).not.toContain('was cancelled');
    });

    it('by a revert, also while a hold put its cutover off', async () => {
      const lab = await shutDown('clean');
      await lab.annotate('hold');
      expect(await lab.up(want('f1'))).toMatchObject({ phase: 'AwaitingShutdown', power: 'off' });
      expect(await lab.up(want('a1'))).toMatchObject({ phase: 'Settled', power: 'running', place: { host: 'a1' } });
      expect(await lab.vm()).toMatchObject(clean);
      expect(await lab.journal()).toEqual([]);
    });

    it('by delete', async () => {
      const lab = await shutDown('clean');
      const said = await releasePlacement(lab.session(), urn, 'web-01', lab.run());
      expect(said).toBe('web-01: its move to far/f1 was cancelled; it stays on a/a1. It is no longer managed.');
      expect(at(await lab.vm())).toEqual(['a1 live running']);
      expect(await lab.vm()).toMatchObject({ ...clean, claim: null });
    });

    it('not cleanly: it stays off, and every answer says so and how to start it', async () => {
      const off = /it stays on a\/a1, but IS NOT RUNNING there \(off\)\. .* start it on a\/a1 by hand\./;
      const cancelled = await shutDown('hard');
      expect(await cancelMove(cancelled.session(), 'web-01', cancelled.run())).toMatch(off);
      expect(at(await cancelled.vm())).toEqual(['a1 live off']);
      const released = await shutDown('hard');
      expect(await releasePlacement(released.session(), urn, 'web-01', released.run())).toMatch(off);
      const reverted = await shutDown('hard');
      await reverted.up(want('a1'));
      expect(reverted.warnings()).toMatch(off);
    });
  });

  it('of a VM that crashed while its move waits: it is not started', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.crash('web-01');
    expect(await cancelMove(lab.session(), 'web-01', lab.run())).toContain('IS NOT RUNNING there (crashed)');
    expect(at(await lab.vm())).toEqual(['a1 live crashed']);
  });

  it('of a VM that was off before: it stays off, without alarm', async () => {
    const lab = new Lab({ vm: { power: 'off' } });
    const stop = new AbortController();
    await lab.up(want('f1'), stopDuring(lab, stop, 'copy')).catch(() => undefined);
    expect(await cancelMove(lab.session(), 'web-01', lab.run())).toContain('it stays on a/a1, off as before.');
  });

  it('that could not remove the copy is not forgotten by whatever the move does next', async () => {
    const lab = new Lab({ vm: { power: 'off' } });
    const stop = new AbortController();
    await lab.up(want('f1'), stopDuring(lab, stop, 'copy')).catch(() => undefined);
    await lab.outside.setHost('f1', 'unreachable');
    const error: unknown = await cancelMove(lab.session(), 'web-01', lab.run()).catch((one: unknown) => one);
    expect(error).toMatchObject({ message: expect.stringMatching(/to far\/f1 failed: copy: .*[^.]\. Next:/) });
    expect((await lab.vm()).record).toMatchObject({ phase: 'Failed', notUndone: ['copy'] });
    await lab.outside.setHost('f1', null);
    await lab.up(want('a1'));
    expect(await lab.vm()).toMatchObject(clean);
    expect(at(await lab.vm())).toEqual(['a1 live off']);
  });

  it('another target while replicating drops the old replica', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    const state = await lab.up(want('f2'));
    expect(state).toMatchObject({ ...waiting, pending: { host: 'f2' } });
    expect(at(await lab.vm())).toEqual(['a1 live running', 'f2 incoming off']);
  });

  it('a go newly declared together with another target counts', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    expect(await lab.up(want('f2', { shutdown: 'now' }))).toMatchObject({ ...moved, place: { host: 'f2' } });
  });

  it('a go that was declared for the old target is spent by the retarget', async () => {
    const lab = new Lab();
    await lab.up(want('f1', { shutdown: '2030-01-01T00:00:00Z' }));
    await lab.up(want('f2', { shutdown: '2030-01-01T00:00:00Z' }));
    await lab.advance(10 * 365 * 24 * 60 * minute);
    expect(await lab.up(want('f2', { shutdown: '2030-01-01T00:00:00Z' }))).toMatchObject({ ...waiting, spentGo: '2030-01-01T00:00:00Z' });
  });

  it('a revert after the restart is a new move back', async () => {
    const lab = new Lab();
    await lab.up(want('f1', { shutdown: 'now', keepSource: 'no' }));
    const state = await lab.up(want('a1'));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', place: { host: 'f1' }, pending: { host: 'a1' } });
  });

  it('vmplacement cancel: the same declaration does not start it again, resume does', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    expect(await cancelMove(lab.session(), 'web-01', lab.run())).toContain('cancelled');
    const after = await lab.up(want('f1'));
    expect(after).toMatchObject({ phase: 'Settled', place: { host: 'a1' } });
    expect(after.message).toContain('vmplacement resume');
    expect(at(await lab.vm())).toEqual(['a1 live running']);
    await resumeMove(lab.session(), 'web-01', lab.run());
    expect(await lab.up(want('f1'))).toMatchObject(waiting);
  });

  it('vmplacement cancel, then another declaration: it starts', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await cancelMove(lab.session(), 'web-01', lab.run());
    expect(await lab.up(want('f2'))).toMatchObject(waiting);
    expect((await lab.vm()).claim).toMatchObject({ stack, cancelled: null });
  });
});

/** Aborts when this step starts to send. */
export function stopDuring(lab: Lab, stop: AbortController, step: string): AbortSignal {
  const push = lab.events.push.bind(lab.events);
  lab.events.push = (...events) => {
    if (events.some((event) => event.kind === 'progress' && event.step === step)) stop.abort();
    return push(...events);
  };
  return stop.signal;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('did not become true');
}
