/** What comes at the wrong moment: a process that slept, a hold at the last second, a shutdown that is still on its way. */
import { describe, expect, it } from 'vitest';
import { applyPlacement, cancelMove, previewPlacement } from '../../../provider/core/placement.js';
import type { Driver } from '../../../provider/core/driver.js';
import type { Vm } from '../../../provider/core/inventory.js';
import { Lab, urn, want } from './lab.js';

const at = (vm: Vm): readonly string[] => vm.copies.map((copy) => `${copy.ref.host} ${copy.role} ${copy.power}`);
const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 20));

/** A process that can be suspended: its waits and its lease calls end only when it is awake. */
function suspendable(change: (driver: Driver) => Partial<Driver> = () => ({})) {
  let awake: Promise<void> = Promise.resolve();
  let wake: () => void = () => undefined;
  return {
    suspend: () => {
      awake = new Promise((done) => (wake = done));
    },
    wake: () => wake(),
    wrap: (driver: Driver): Driver => ({
      ...driver,
      clock: {
        now: () => driver.clock.now(),
        sleep: async (ms, why, signal) => {
          await driver.clock.sleep(ms, why, signal);
          if (why === 'operator') await awake;
        },
      },
      lease: async (...args) => {
        await awake;
        return driver.lease(...args);
      },
      ...change(driver),
    }),
  };
}

describe('a controller that slept while another one ended its move', () => {
  it('starts no source beside the running target, not even when its first reading fails', async () => {
    const lab = new Lab();
    const go = want('f1', { shutdown: 'now' });
    let failing = 0;
    const a = suspendable((driver) => ({
      survey: async (...args) => {
        if (failing > 0) {
          failing -= 1;
          throw new Error('network is unreachable');
        }
        return driver.survey(...args);
      },
      finish: async () => {
        a.suspend();
        await lab.advance(70_000);
        await lab.up(go);
        failing = 1;
        a.wake();
        for (let turns = 0; turns < 10; turns += 1) await turn();
        throw new Error('connection reset');
      },
    }));
    await expect(lab.up(go, undefined, lab.session(a.wrap))).rejects.toThrow();
    expect(at(await lab.vm())).toEqual(['a1 kept off', 'f1 live running']);
    expect(await lab.journal()).toEqual([]);
  });

  it('does not take the record of the next move for its own', async () => {
    const lab = new Lab();
    const a = suspendable();
    const ended = lab.up(want('f1', { onPending: 'wait', waitTimeoutMs: 400_000 }), undefined, lab.session(a.wrap)).catch(String);
    while ((await lab.vm()).record?.phase !== 'AwaitingShutdown') await turn();
    a.suspend();
    await lab.advance(70_000);
    await turn();
    await cancelMove(lab.session(), 'web-01', lab.run());
    await lab.up(want('f2'));
    a.wake();
    for (let turns = 0; turns < 10; turns += 1) await turn();
    await lab.advance(500_000);
    expect(await ended).toContain('changed by another controller');
    expect((await lab.vm()).record?.to.host).toBe('f2');
    expect(at(await lab.vm())).toEqual(['a1 live running', 'f2 incoming off']);
  });
});

describe('a hold', () => {
  it('counts also when the guest goes off during the last increment before the shutdown', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    let passes = 0;
    const wrap = (driver: Driver): Driver => ({
      ...driver,
      replicate: async (...args) => {
        const pass = await driver.replicate(...args);
        if ((passes += 1) === 2) {
          await lab.annotate('hold');
          await lab.outside.shutdown('web-01', 'clean');
        }
        return pass;
      },
    });
    const state = await lab.up(want('f1'), undefined, lab.session(wrap));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'off', place: { host: 'a1' } });
    expect(state.message).toMatch(/hold is set on the VM/i);
  });

  it('that comes while the guest does not obey keeps it from being powered off, whatever force allows', async () => {
    const lab = new Lab({ vm: { shutdown: { ignores: true } } });
    await lab.up(want('f1'));
    await lab.annotate('force');
    const wrap = (driver: Driver): Driver => ({
      ...driver,
      shutdown: async (...args) => {
        await driver.shutdown(...args);
        await lab.annotate('hold');
      },
    });
    const state = await lab.up(want('f1'), undefined, lab.session(wrap));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'running', place: { host: 'a1' } });
    expect(lab.warnings()).toContain('"hold" was set meanwhile');
  });

  it('on the VM outlives a change of target: the move that follows does not stop the VM either', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('hold');
    const cold = want('f2', { method: 'cold', allowShutdown: true });
    await expect(lab.up(cold)).rejects.toThrow('hold');
    expect(at(await lab.vm())).toContain('a1 live running');
    expect((await lab.vm()).annotation.map(({ value }) => value)).toEqual(['hold']);
  });

  it('that stopped a cold move stands on the VM afterwards, and stops the next one', async () => {
    const lab = new Lab();
    const cold = want('f1', { method: 'cold', allowShutdown: true });
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind === 'end' && event.step === 'claim') void lab.annotate('hold');
    };
    await expect(applyPlacement(lab.session(), urn, cold, null, { ...run, emit })).rejects.toThrow('hold');
    await expect(lab.up(cold)).rejects.toThrow('hold');
    const vm = await lab.vm();
    expect(vm.annotation.map(({ value }) => value)).toEqual(['hold']);
    expect(at(vm)).toEqual(['a1 live running']);
  });
});

describe('a shutdown that is still on its way', () => {
  it.each([
    ['cold', want('f1', { method: 'cold', allowShutdown: true, keepSource: 'no' })],
    ['staged', want('f1', { shutdown: 'now', keepSource: 'no' })],
  ])(
    '%s: the run was halted after the request; what the next one promised holds when the guest goes off before it acts',
    async (_method, desired) => {
      const lab = new Lab({ vm: { shutdown: { takes: '2m' } } });
      const halt = new AbortController();
      const wrap = (driver: Driver): Driver => ({
        ...driver,
        shutdown: async (...args) => {
          await driver.shutdown(...args);
          halt.abort(new Error('the engine is gone'));
        },
      });
      await expect(applyPlacement(lab.session(wrap), urn, desired, null, { ...lab.run(), halt: halt.signal })).rejects.toThrow(
        'the engine is gone',
      );
      const next = lab.session();
      const { summary } = await previewPlacement(next, urn, desired);
      expect(summary).toContain('will-stop-vm');
      await lab.advance(180_000);
      expect(await applyPlacement(next, urn, desired, summary, lab.run())).toMatchObject({ phase: 'Settled', power: 'running' });
      expect(at(await lab.vm())).toEqual(['f1 live running']);
    },
  );

  it.each([
    ['cold', want('f1', { method: 'cold', allowShutdown: true })],
    ['staged', want('f1', { shutdown: 'now' })],
  ])('%s: the run died right after the request; a revert waits for it and leaves the VM running', async (_method, desired) => {
    const lab = new Lab({ vm: { shutdown: { takes: '2m' } } });
    let dead = false;
    const wrap = (driver: Driver): Driver =>
      new Proxy(driver, {
        get: (target, key: keyof Driver) => {
          const verb = target[key];
          if (typeof verb !== 'function') return verb;
          return async (...args: unknown[]) => {
            if (dead) throw new Error('this process is dead');
            const result: unknown = await (verb as (...given: unknown[]) => unknown).call(target, ...args);
            if (key === 'shutdown') dead = true;
            return result;
          };
        },
      });
    await expect(lab.up(desired, undefined, lab.session(wrap))).rejects.toThrow();
    await lab.advance(61_000);
    expect(await lab.up(want('a1'))).toMatchObject({ phase: 'Settled', power: 'running' });
    await lab.advance(300_000);
    expect(at(await lab.vm())).toEqual(['a1 live running']);
  });
});
