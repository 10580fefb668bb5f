import { describe, expect, it } from 'vitest';
import type { Driver } from '../../../provider/core/driver.js';
import { PlacementError } from '../../../provider/core/errors.js';
import type { PlacementState } from '../../../provider/core/state.js';
import {
  MoveFailed,
  applyPlacement,
  cancelMove,
  confirmMove,
  previewPlacement,
  releasePlacement,
} from '../../../provider/core/placement.js';
import { Lab, urn, want } from './lab.js';

const GiB = 1024 ** 3;
const moved = { phase: 'AwaitingConfirmation', power: 'running', place: { cluster: 'far', host: 'f1' } };
const home = { phase: 'Settled', power: 'running', place: { cluster: 'a', host: 'a1' }, pending: null };
const clean = { record: null, lease: null };

async function failure(run: Promise<PlacementState>): Promise<MoveFailed> {
  const error: unknown = await run.then(
    (state) => new Error(`did not fail: ${JSON.stringify(state)}`),
    (one: unknown) => one,
  );
  if (!MoveFailed.isMoveFailed(error)) throw error;
  return error;
}

/** The platform refuses this verb, `times` times. */
const refusing =
  (verb: keyof Driver, times = Infinity) =>
  (driver: Driver): Driver => {
    let left = times;
    return new Proxy(driver, {
      get(target, name: string) {
        const value: unknown = Reflect.get(target, name);
        if (name !== verb || typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          left -= 1;
          if (left >= 0) throw new PlacementError('platform', `the platform refuses ${name}`);
          return (value as (...all: unknown[]) => Promise<unknown>).apply(target, args);
        };
      },
    });
  };

describe('an error of the platform', () => {
  it('hot: the VM stays on the source with its autostart, nothing is left', async () => {
    const lab = new Lab();
    const error = await failure(lab.up(want('n1'), undefined, lab.session(refusing('migrate'))));
    expect(error.message).toContain('refuses migrate');
    expect(error.state).toMatchObject(home);
    const vm = await lab.vm();
    expect(vm).toMatchObject(clean);
    expect(vm.copies).toMatchObject([{ autostart: true, blocked: false }]);
    expect(await lab.up(want('n1'))).toMatchObject({ phase: 'Settled', place: { host: 'n1' } });
  });

  it('hot that does not converge is aborted, and the error names the options', async () => {
    const lab = new Lab({ vm: { memoryDirtyRate: '2GiB/s', memoryWorkingSet: '2GiB' } });
    const error = await failure(lab.up(want('n1', { maxDurationMs: 120_000 })));
    expect(error).toMatchObject({ code: 'timeout', state: home });
    expect(error.message).toContain('postCopy');
    expect(await lab.vm()).toMatchObject(clean);
  });

  it('cold after our shutdown: the VM is started again on the source', async () => {
    const lab = new Lab();
    const desired = want('f1', { method: 'cold', allowShutdown: true });
    const error = await failure(lab.up(desired, undefined, lab.session(refusing('copyOff'))));
    expect(error.state).toMatchObject(home);
    const vm = await lab.vm();
    expect(vm).toMatchObject(clean);
    expect(vm.copies).toMatchObject([{ power: 'running', blocked: false }]);
    expect(await lab.journal()).toEqual([]);
  });

  it('cold with a guest that ignores the shutdown: never powered off, stays running', async () => {
    const lab = new Lab({ vm: { shutdown: { ignores: true } } });
    const error = await failure(lab.up(want('f1', { method: 'cold', allowShutdown: true })));
    expect(error).toMatchObject({ code: 'timeout', state: home });
    expect(await lab.vm()).toMatchObject(clean);
  });

  it('cold of a VM that was off: Failed with the reason, the next up goes on', async () => {
    const lab = new Lab({ vm: { power: 'off' } });
    const error = await failure(lab.up(want('f1'), undefined, lab.session(refusing('copyOff'))));
    expect(error.state).toMatchObject({ phase: 'Failed', power: 'off', place: { host: 'a1' } });
    expect(error.state.message).toContain('refuses copyOff');
    expect(await lab.up(want('f1'))).toMatchObject({ ...moved, power: 'off' });
  });

  it('staged, in the cutover: rolled back, the VM runs on the source and the move waits again', async () => {
    const lab = new Lab();
    const error = await failure(lab.up(want('f1', { shutdown: 'now' }), undefined, lab.session(refusing('finish'))));
    expect(error.state).toMatchObject({ phase: 'AwaitingShutdown', power: 'running', place: { host: 'a1' } });
    expect(error.state.message).toContain('refuses finish');
    expect((await lab.vm()).copies[0]).toMatchObject({ blocked: false, autostart: true });
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('staged, bad storage on the target: verify finds it before the VM is started there', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    await lab.outside.corrupt('web-01', 'f1', 'vda', 60_000);
    const error = await failure(lab.up(want('f1', { verify: 'full', downtimeBudgetMs: 600_000 })));
    expect(error.message).toContain('verifying found');
    expect(error.state).toMatchObject({ phase: 'AwaitingShutdown', power: 'running', place: { host: 'a1' } });
    expect(await lab.up(want('f1', { verify: 'full', downtimeBudgetMs: 600_000 }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('after the point of no return: forward only, Failed with the reason, the next up starts it', async () => {
    const lab = new Lab();
    const error = await failure(lab.up(want('f1', { shutdown: 'now' }), undefined, lab.session(refusing('start'))));
    expect(error.state).toMatchObject({ phase: 'Failed', power: 'off' });
    expect(error.state.message).toContain('refuses start');
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toMatchObject({ code: 'not-possible' });
    await expect(releasePlacement(lab.session(), urn, 'web-01', lab.run())).rejects.toMatchObject({ code: 'not-possible' });
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  const losing = async (host: string, after: string): Promise<Lab> => {
    const lab = new Lab();
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind === 'end' && event.step === after) void lab.outside.setHost(host, 'unreachable');
    };
    await failure(applyPlacement(lab.session(), urn, want('f1', { shutdown: 'now', keepSource: 'no' }), null, { ...run, emit }));
    await lab.outside.setHost(host, null);
    return lab;
  };

  it.each([
    ['a1', 'point-of-no-return'],
    ['a1', 'start-target'],
    ['a1', 'block-source'],
    ['f1', 'block-source'],
    ['f1', 'finish'],
    ['f1', 'point-of-no-return'],
  ])('host %s is lost after %s: when it is back, the next up ends it', async (host, after) => {
    const lab = await losing(host, after);
    expect(await lab.up(want('f1', { shutdown: 'now', keepSource: 'no' }))).toMatchObject({ ...moved, phase: 'Settled' });
    expect((await lab.vm()).copies).toHaveLength(1);
    expect(await lab.journal()).toEqual([]);
  });

  it('an undo that fails is reported and does not hide the first error; the next up does the rest', async () => {
    const lab = new Lab();
    const desired = want('f1', { method: 'cold', allowShutdown: true });
    const wrap = (driver: Driver): Driver => refusing('copyOff')(refusing('unblock')(driver));
    const error = await failure(lab.up(desired, undefined, lab.session(wrap)));
    expect(error.message).toContain('refuses copyOff');
    expect(error.state.phase).toBe('Failed');
    expect(error.state.message).toContain('refuses unblock');
    expect(lab.warnings()).toContain('refuses unblock');
    expect(await lab.up(want('a1'))).toMatchObject(home);
    expect((await lab.vm()).copies).toMatchObject([{ power: 'running', blocked: false }]);
  });
});

describe('an interrupt', () => {
  const during = (lab: Lab, step: string): AbortSignal => {
    const stop = new AbortController();
    let seen = 0;
    const push = lab.events.push.bind(lab.events);
    lab.events.push = (...events) => {
      for (const event of events) if (event.kind === 'progress' && event.step === step && (seen += 1) === 5) stop.abort();
      return push(...events);
    };
    return stop.signal;
  };

  it('before anything was done: nothing is left', async () => {
    const lab = new Lab();
    await expect(lab.up(want('f1'), AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' });
    expect(await lab.vm()).toMatchObject({ ...clean, claim: null });
  });

  it('in the full copy: parks, the next up goes on and copies nothing twice', async () => {
    const lab = new Lab();
    const error = await failure(lab.up(want('f1'), during(lab, 'replicate')));
    expect(error).toMatchObject({ code: 'interrupted', state: { phase: 'Parked', power: 'running', pending: { host: 'f1' } } });
    expect(error.state.message).toContain('replicate');
    const state = await lab.up(want('f1'));
    expect(state.phase).toBe('AwaitingShutdown');
    expect(state.replication!.bytes).toBeLessThan(4.2 * GiB);
  });

  it('in a cold copy of a VM that was off: parks, and copies nothing twice', async () => {
    const lab = new Lab({ vm: { power: 'off' } });
    const error = await failure(lab.up(want('f1'), during(lab, 'copy')));
    expect(error.state).toMatchObject({ phase: 'Parked', power: 'off', place: { host: 'a1' } });
    const state = await lab.up(want('f1'));
    expect(state.lastMove!.bytes).toBeLessThan(4.2 * GiB);
  });

  it('in a cold copy after our shutdown: it is finished first', async () => {
    const lab = new Lab();
    const state = await lab.up(want('f1', { method: 'cold', allowShutdown: true }), during(lab, 'copy'));
    expect(state).toMatchObject(moved);
    expect(lab.warnings()).toContain('finished first');
  });

  it('in a hot migration: waits for its end and says so', async () => {
    const lab = new Lab();
    expect(await lab.up(want('n1'), during(lab, 'migrate'))).toMatchObject({ phase: 'Settled', place: { host: 'n1' } });
    expect(lab.warnings()).toContain('waiting for its end');
  });
});

describe('one controller at a time', () => {
  it('a run that lost its lease stops before its next effect: the VM is not shut down', async () => {
    const lab = new Lab();
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind !== 'end' || event.step !== 'await-go') return;
      void lab.model.update(({ world, now }) => {
        for (const id of Object.keys(world.leases)) world.leases[id] = { holder: 'thief@elsewhere', expiresAt: now + 3_600_000 };
      });
      void lab.advance(20_000);
    };
    const error = await failure(applyPlacement(lab.session(), urn, want('f1', { shutdown: 'now' }), null, { ...run, emit }));
    expect(error).toMatchObject({ code: 'lease-lost', state: { power: 'running', place: { host: 'a1' } } });
    expect(error.message).toContain('thief@elsewhere');
    expect((await lab.vm()).lease?.holder).toBe('thief@elsewhere');
  });

  it('a lease that ran out while its holder slept: it goes on only when nobody acted in between', async () => {
    const lab = new Lab();
    const run = lab.run();
    let asleep = false;
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      asleep ||= event.kind === 'end' && event.step === 'await-go';
    };
    const wrap = (driver: Driver): Driver => ({
      ...driver,
      survey: async (...args) => {
        if (asleep) {
          asleep = false;
          await lab.advance(300_000);
          await lab.model.update(({ world }) => {
            const vm = world.vms['web-01']!;
            vm.record = { ...vm.record!, epoch: vm.record!.epoch + 1, bytes: 0 };
          });
        }
        return driver.survey(...args);
      },
    });
    const error = await failure(applyPlacement(lab.session(wrap), urn, want('f1', { shutdown: 'now' }), null, { ...run, emit }));
    expect(error).toMatchObject({ code: 'conflict', state: { power: 'running', place: { host: 'a1' } } });
  });

  it('vmplacement cancel is handed to the run that holds the lease, which obeys it', async () => {
    const lab = new Lab();
    const up = lab.up(want('f1', { onPending: 'wait' }));
    await until(async () => (await lab.vm()).record?.phase === 'AwaitingShutdown');
    const message = await cancelMove(lab.session(), 'web-01', lab.run());
    expect(message).toContain('run-1@machine');
    await lab.advance(60_000);
    expect(await up).toMatchObject(home);
    expect((await lab.vm()).claim?.cancelled).toMatchObject({ to: { host: 'f1' } });
    expect((await lab.up(want('f1', { onPending: 'wait' }))).message).toContain('vmplacement resume');
  });
});

describe('what is refused, with nothing done', () => {
  it('another plan than the one that was promised', async () => {
    const lab = new Lab();
    const session = lab.session();
    const { summary } = await previewPlacement(session, urn, want('n1'));
    await lab.outside.shutdown('web-01', 'clean');
    await expect(applyPlacement(session, urn, want('n1'), summary, lab.run())).rejects.toThrow(
      /reality changed since the preview: promised 'hot: .*', now 'cold: .*'. Nothing was done/,
    );
    expect(await lab.vm()).toMatchObject({ ...clean, claim: null });
  });

  it('a VM that runs twice', async () => {
    const lab = new Lab({ vm: { alsoOn: 'a2' } });
    await expect(lab.up(want('n1'))).rejects.toMatchObject({ code: 'blocked' });
    expect((await lab.vm()).copies).toHaveLength(2);
  });

  it('a VM that stays busy; one that is only busy for a while is waited for', async () => {
    const lab = new Lab({ vm: { locks: [{ by: 'backup', for: '1m' }] } });
    const session = lab.session();
    const { summary } = await previewPlacement(session, urn, want('n1'));
    expect(summary).toBe('blocked: vm-busy');
    expect(await applyPlacement(session, urn, want('n1'), summary, lab.run())).toMatchObject({ phase: 'Settled', place: { host: 'n1' } });
    const forever = new Lab({ vm: { locks: [{ by: 'backup' }] } });
    await expect(forever.up(want('n1'))).rejects.toThrow('backup');
  });
});

describe('a platform that cuts over by itself', () => {
  it('goes on when the operator shut the guest down between two runs', async () => {
    const lab = new Lab({ style: 'task' });
    expect(await lab.up(want('f1'))).toMatchObject({ phase: 'AwaitingShutdown' });
    await lab.outside.shutdown('web-01', 'clean');
    await lab.advance(600_000);
    expect(await lab.up(want('f1'))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('reality changed by others in a staged move', () => {
  it('moved by hand to a third host: copied in full again from there', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.move('web-01', 'a2');
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'running', place: { host: 'a2' } });
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('moved by hand to the target itself: what was prepared is removed', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.move('web-01', 'f1');
    expect(await lab.up(want('f1'))).toMatchObject({ phase: 'Settled', power: 'running', place: { host: 'f1' } });
    expect(await lab.vm()).toMatchObject({ ...clean, copies: [{ ref: { host: 'f1' }, role: 'live' }] });
    expect(await lab.journal()).toEqual([]);
  });

  it('the half-built target is deleted: copied in full again', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.removeIncoming('web-01');
    expect(await lab.up(want('f1', { shutdown: 'now' }))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('release', () => {
  const release = (lab: Lab): Promise<string> => releasePlacement(lab.session(), urn, 'web-01', lab.run());

  it('idle: the claim goes, the VM stays as it is', async () => {
    const lab = new Lab();
    await lab.up(want('a1'));
    expect((await lab.vm()).claim).toMatchObject({ urn });
    expect(await release(lab)).toContain('no longer managed');
    expect(await lab.vm()).toMatchObject({ ...clean, claim: null, copies: [{ power: 'running' }] });
  });

  it('before the point of no return: cancels first', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    expect(await release(lab)).toContain('cancelled');
    expect(await lab.vm()).toMatchObject({ ...clean, claim: null, copies: [{ ref: { host: 'a1' }, power: 'running' }] });
  });

  it('awaiting confirmation: both copies and the block stay, the claim goes, and confirm still works', async () => {
    const lab = new Lab();
    await lab.up(want('f1', { shutdown: 'now' }));
    expect(await release(lab)).toContain('vmplacement confirm web-01');
    const vm = await lab.vm();
    expect(vm).toMatchObject({ claim: null });
    expect(vm.copies).toMatchObject([{ role: 'kept', blocked: true }, { power: 'running' }]);
    await confirmMove(lab.session(), 'web-01', lab.run());
    expect((await lab.vm()).copies).toHaveLength(1);
  });

  it('a cancel that cannot reach the target is done again, and then leaves nothing there', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.setHost('f1', 'unreachable');
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('does not answer');
    await lab.outside.setHost('f1', null);
    await cancelMove(lab.session(), 'web-01', lab.run());
    expect(await lab.vm()).toMatchObject({ ...clean, copies: [{ ref: { host: 'a1' }, power: 'running' }] });
  });

  it('a source whose host does not answer is not taken for removed', async () => {
    const lab = new Lab();
    await lab.up(want('f1', { shutdown: 'now' }));
    await lab.outside.setHost('a1', 'unreachable');
    await expect(confirmMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('a/a1 cannot be read');
    expect((await lab.vm()).record).toMatchObject({ phase: 'AwaitingConfirmation' });
    await lab.outside.setHost('a1', null);
    await confirmMove(lab.session(), 'web-01', lab.run());
    expect(await lab.vm()).toMatchObject({ ...clean, copies: [{ ref: { host: 'f1' } }] });
  });

  it('a VM that is gone: fine', async () => {
    const lab = new Lab();
    expect(await releasePlacement(lab.session(), urn, 'web-99', lab.run())).toContain('does not exist');
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('did not become true');
}
