/** Cold: the images, the firmware variables and the definition of a VM that is off, through the machine that runs this. */
import { performance } from 'node:perf_hooks';
import type { Driver, Outcome } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import { abortJob, forget } from './hot.js';
import { MoveOnTarget, type Parts } from './move-on-target.js';
import { cancelPasses } from './staged.js';

export function cold(parts: Parts): Pick<Driver, 'copyOff' | 'cancel'> {
  return {
    async copyOff(move, run) {
      const begun = performance.now();
      const work = new MoveOnTarget(parts, move, run, await parts.read());
      const outcome = (): Outcome => ({
        target: work.targetRef,
        bytes: Math.max(0, work.sent - move.record.bytes),
        durationMs: Math.round(performance.now() - begun),
        started: false,
        sourceGone: false,
        method: 'cold',
        warnings: [],
      });
      if (await work.isComplete()) return outcome();
      work.refuseUnlessPossible();
      if (work.power !== 'off')
        throw new PlacementError(
          'not-possible',
          `VM ${move.vm.name} reads as ${work.power} on ${placeText(move.source)}: its disks are copied only while it is off.`,
          { vm: move.vm.name },
        );
      await run.checkLease();
      await work.removeDefinition();
      await work.makeImages();
      await work.copyImages();
      await run.checkLease();
      await work.copyState();
      await run.checkLease();
      await work.define();
      return outcome();
    },

    async cancel(move, run) {
      await run.checkLease();
      const read = async (): Promise<MoveOnTarget> => new MoveOnTarget(parts, move, run, await parts.read());
      const work = await read();
      if (move.method === 'staged') await cancelPasses(work, move, run);
      if (move.method !== 'hot') return work.remove();
      if (work.hasJob) await abortJob(work.from, move);
      await (work.hasJob ? await read() : work).remove();
      await forget(work, move);
    },
  };
}
