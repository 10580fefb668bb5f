/** Each setting is obeyed: another value leads to another end, in the time of the model. */
import { describe, expect, it } from 'vitest';
import type { Desired } from '../../../provider/core/desired.js';
import { embeddedDriver } from '../../../provider/drivers/embedded/index.js';
import { Lab, want } from './lab.js';

const second = 1000;
const minute = 60 * second;

/** How long an `up` took, ms, and what it said at the end. */
async function took(lab: Lab, desired: Desired): Promise<{ readonly ms: number; readonly end: string }> {
  const { clock } = embeddedDriver(lab.model);
  const start = await clock.now();
  const end = await lab.up(desired).then(
    (state) => state.phase,
    (error: unknown) => String(error),
  );
  return { ms: (await clock.now()) - start, end };
}

async function waitingDeaf(): Promise<Lab> {
  const lab = new Lab({ vm: { shutdown: { ignores: true } } });
  await lab.up(want('f1'));
  return lab;
}

describe('shutdownGrace', () => {
  it.each([30 * second, 10 * minute])('of %d ms is how long a guest may take before "force" powers it off', async (shutdownGraceMs) => {
    const { ms, end } = await took(await waitingDeaf(), want('f1', { shutdown: 'force', shutdownGraceMs }));
    expect(end).toBe('AwaitingConfirmation');
    expect(ms).toBeGreaterThanOrEqual(shutdownGraceMs);
    expect(ms).toBeLessThan(shutdownGraceMs + 2 * minute);
  });
});

describe('lateShutdown', () => {
  it.each([0, 20 * minute])('of %d ms is how long a late shutdown is watched for after the grace', async (lateShutdownMs) => {
    const { ms, end } = await took(await waitingDeaf(), want('f1', { shutdown: 'now', shutdownGraceMs: minute, lateShutdownMs }));
    expect(end).toBe('AwaitingShutdown');
    expect(ms).toBeGreaterThanOrEqual(minute + lateShutdownMs);
    expect(ms).toBeLessThan(minute + lateShutdownMs + 2 * minute);
  });
});

describe('noProgressTimeout', () => {
  it.each([20 * second, 15 * minute])('of %d ms is how long a VM that others hold is waited for', async (noProgressTimeoutMs) => {
    const lab = new Lab();
    await lab.outside.lock('web-01', 'backup', null);
    const { ms, end } = await took(lab, want('a2', { noProgressTimeoutMs }));
    expect(end).toContain('backup');
    expect(ms).toBeGreaterThanOrEqual(noProgressTimeoutMs);
    expect(ms).toBeLessThan(noProgressTimeoutMs + minute);
  });
});

describe('incrementEvery', () => {
  it.each([
    [2 * minute, 5],
    [20 * minute, 0],
  ])('of %d ms: %d increments in ten minutes of waiting', async (incrementEveryMs, expected) => {
    const lab = new Lab();
    const sent = async (): Promise<number> => (await lab.vm()).record?.increment?.n ?? 0;
    const up = lab.up(want('f1', { onPending: 'wait', incrementEveryMs, waitTimeoutMs: 11 * minute }));
    while ((await lab.vm()).record?.phase !== 'AwaitingShutdown') await pause();
    const before = await sent();
    for (let minutes = 0; minutes < 10; minutes += 1) {
      await lab.advance(minute);
      const due = Math.floor(((minutes + 1) * minute) / incrementEveryMs);
      while ((await sent()) - before < due) await pause();
    }
    expect((await sent()) - before).toBe(expected);
    await lab.advance(5 * minute);
    expect((await up).phase).toBe('AwaitingShutdown');
  });
});

/** One look of the waiting run at the clock. */
const pause = (): Promise<void> => new Promise((done) => setTimeout(done, 60));

describe('maxDuration', () => {
  it.each([minute, 5 * minute])('of %d ms ends a hot move that does not converge; the VM stays', async (maxDurationMs) => {
    const lab = new Lab({ vm: { memory: '8GiB', memoryDirtyRate: '8GiB/s', memoryWorkingSet: '8GiB' } });
    const { ms, end } = await took(lab, want('a2', { maxDurationMs, noProgressTimeoutMs: 60 * minute }));
    expect(end).toMatch(/a\/a1/);
    expect(ms).toBeGreaterThanOrEqual(maxDurationMs);
    expect(ms).toBeLessThan(maxDurationMs + minute);
    expect((await lab.vm()).copies).toMatchObject([{ ref: { host: 'a1' }, power: 'running' }]);
  });
});

describe('downtimeBudget', () => {
  it('decides how many increments end phase 1', async () => {
    const increments = async (downtimeBudgetMs: number): Promise<number> => {
      const lab = new Lab({
        vm: { disks: [{ name: 'vda', size: '200GiB', allocated: '100GiB' }], dirtyRate: '80MiB/s', workingSet: '50GiB' },
      });
      return (await lab.up(want('f1', { downtimeBudgetMs }))).replication!.increments;
    };
    expect(await increments(10 * minute)).toBe(1);
    expect(await increments(30 * second)).toBeGreaterThan(1);
  });
});

describe('startAfter', () => {
  it.each([
    ['asBefore', 'off'],
    ['always', 'running'],
    ['never', 'off'],
  ] as const)('%s: a VM that was off ends %s', async (startAfter, power) => {
    const lab = new Lab({ vm: { power: 'off' } });
    expect((await lab.up(want('n1', { startAfter }))).power).toBe(power);
  });
});
