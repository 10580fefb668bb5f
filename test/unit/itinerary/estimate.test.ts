import { describe, expect, it } from 'vitest';
import type { EmbeddedVm } from '../../../schema/generated/types.js';
import type { Desired } from '../../../provider/core/desired.js';
import type { Estimate } from '../../../provider/core/plan.js';
import type { LastMove } from '../../../provider/core/record.js';
import { previewPlacement } from '../../../provider/core/placement.js';
import { Lab, urn, want } from './lab.js';

interface Case {
  readonly method: 'hot' | 'cold' | 'staged';
  readonly desired: Desired;
  readonly vm?: Partial<EmbeddedVm>;
}
const cases: readonly Case[] = [
  { method: 'hot', desired: want('a2') },
  { method: 'hot', desired: want('n1') },
  { method: 'cold', desired: want('n1', { method: 'cold', allowShutdown: true }) },
  { method: 'cold', desired: want('f1'), vm: { power: 'off' } },
  { method: 'cold', desired: want('a2', { verify: 'full' }), vm: { power: 'off' } },
  { method: 'staged', desired: want('f1', { shutdown: 'now' }) },
  { method: 'staged', desired: want('f1', { shutdown: 'now', verify: 'full', downtimeBudgetMs: 1e9 }) },
  { method: 'staged', desired: want('f1', { shutdown: 'now', bandwidthBytesPerSecond: 100 * 1024 ** 2 }) },
  { method: 'staged', desired: want('f1', { shutdown: 'force', downtimeBudgetMs: 2_000 }) },
];
const sizes = ['1GiB', '20GiB', '300GiB'];
const dirtyRates = ['1MiB/s', '40MiB/s'];

describe('what the preview estimates is what the move takes, in the time of the model', () => {
  for (const { method, desired, vm } of cases)
    for (const allocated of sizes)
      for (const dirtyRate of dirtyRates) {
        const text = `${method} to ${desired.hosts[0]!}, verify ${desired.verify}, budget ${desired.downtimeBudgetMs / 1000}s, ${allocated}, ${dirtyRate}`;
        it(text, async () => {
          const lab = new Lab({
            vm: { ...vm, disks: [{ name: 'vda', size: '400GiB', allocated }], dirtyRate, memory: '8GiB', memoryDirtyRate: dirtyRate },
          });
          const plan = await previewPlacement(lab.session(), urn, desired);
          expect(plan.method).toBe(method);
          const { lastMove } = await lab.up(desired);

          const running = vm?.power !== 'off';
          const estimate = plan.estimate!;
          expect(lastMove?.method).toBe(method);
          close('downtime', running ? lastMove!.downtimeMs : whole(lastMove!), estimate.downtimeMs);
          if (method === 'hot') close('copy', whole(lastMove!), estimate.copyMs + estimate.downtimeMs);
          if (method === 'staged') close('copy', whole(lastMove!), estimate.copyMs + estimate.downtimeMs + shutdownMs);
          close('bytes', lastMove!.bytes, bytes(estimate));
        });
      }
});

/** The embedded guest's default time from the request to off. */
const shutdownMs = 5_000;
const whole = (move: LastMove): number => Date.parse(move.end) - Date.parse(move.start);
const bytes = (estimate: Estimate): number => estimate.copyBytes + estimate.downBytes;

/** Within 25 %, or 300 ms of a downtime that is shorter than a poll. */
function close(what: string, actual: number, estimated: number): void {
  const slack = Math.max(0.25 * Math.max(actual, estimated), 50);
  expect(Math.abs(actual - estimated), `${what}: estimated ${Math.round(estimated)}, actual ${Math.round(actual)}`).toBeLessThanOrEqual(
    slack,
  );
}
