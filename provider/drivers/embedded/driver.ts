/** The embedded datacenter behind the SPI. */
import type { AnnotationChange, Capabilities, Driver, Expected, Lease, Move, Run, SurveyScope } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { CopyRef, Inventory } from '../../core/inventory.js';
import type { Claim, MigrationRecord } from '../../core/record.js';
import { modelClock, refuseAborted } from './clock.js';
import { cancel, copyOff, finish, replicate } from './driven.js';
import { migrate } from './hot.js';
import { needCopy, type Model, type View } from './model.js';
import type { Parts } from './pump.js';
import { changePool, needLease, releaseLease, takeLease, writeAnnotation, writeClaim, writeRecord } from './records.js';
import { surveyWorld } from './survey.js';
import { cancelJob, copyOffByTask, finishByTask, replicateByTask } from './task.js';
import { START_MS } from './timing.js';
import { isUp, uuidOfCopy } from './vm-state.js';
import { askShutdown, blockCopy, keepCopy, powerOff, refuseStart, retireCopy, startCopy, unblockCopy } from './verbs.js';

export function embeddedDriver(model: Model): Driver {
  const clock = modelClock(model);
  const task = model.dc.config.style === 'task';
  const capabilities = task ? asTask : asDriven;

  /** Changes of this VM, each refused in its own update unless the holder has the lease then. */
  const fenced = (vm: string, holder: string): Model['update'] => {
    return (change) =>
      model.update((view) => {
        needLease(view, model.wall.now(), vm, holder);
        return change(view);
      });
  };
  /** A run that was told to stop does not begin another change. */
  const partsOf = (move: Move, run: Run): Parts => {
    const update: Model['update'] = async (change) => {
      refuseAborted(run.signal);
      return fenced(move.vm.uuid, run.holder)(change);
    };
    return { model: { ...model, update }, clock };
  };
  const act = async <T>(copy: CopyRef, run: Run, change: (view: View) => T): Promise<T> => {
    refuseAborted(run.signal);
    await run.checkLease();
    return fenced(uuidOfCopy(copy.platformId), run.holder)(change);
  };
  const canBlock = (): void => {
    if (!capabilities.blocksStart) throw new PlacementError('not-possible', 'This platform cannot block the start of a VM.');
  };

  return {
    capabilities,
    clock,

    async survey(scope: SurveyScope, signal?: AbortSignal): Promise<Inventory> {
      refuseAborted(signal);
      return model.survey((view) => surveyWorld(view, model.wall.now(), scope));
    },

    migrate: (move, run) => migrate(partsOf(move, run), move, run),
    copyOff: (move, run) => (task ? copyOffByTask(partsOf(move, run), move, run) : copyOff(partsOf(move, run), move, run)),
    replicate: (move, run) => (task ? replicateByTask(partsOf(move, run), move, run) : replicate(partsOf(move, run), move, run)),
    finish: (move, run) => (task ? finishByTask(partsOf(move, run), move, run) : finish(partsOf(move, run), move, run)),
    async cancel(move: Move, run: Run): Promise<void> {
      await cancelJob(partsOf(move, run), move, run);
      await cancel(partsOf(move, run), move, run);
    },

    shutdown: (copy, how, run) =>
      act(copy, run, (view) => {
        const found = needCopy(view, copy);
        switch (how) {
          case 'graceful':
            return askShutdown(view, found);
          case 'power-off':
            return powerOff(view, found);
        }
      }),
    async start(copy: CopyRef, run: Run): Promise<void> {
      const runs = await act(copy, run, (view) => {
        const found = needCopy(view, copy);
        if (!isUp(found.copy)) refuseStart(view, found);
        return isUp(found.copy);
      });
      if (runs) return;
      await clock.sleep(START_MS, 'work', run.signal);
      const failure = await act(copy, run, (view) => startCopy(view, needCopy(view, copy)));
      if (failure !== null) throw failure;
    },
    async block(copy: CopyRef, moveId: string, run: Run): Promise<void> {
      canBlock();
      await act(copy, run, (view) => blockCopy(view, copy, moveId));
    },
    async unblock(copy: CopyRef, run: Run): Promise<void> {
      canBlock();
      await act(copy, run, (view) => unblockCopy(view, copy));
    },
    autostart: (copy, value, run) =>
      act(copy, run, (view) => {
        needCopy(view, copy).copy.autostart = value;
      }),
    keep: (copy, moveId, run) => act(copy, run, (view) => keepCopy(view, copy, moveId)),
    retire: (copy, moveId, run) => act(copy, run, (view) => retireCopy(view, copy, moveId)),

    annotate: (vm: string, change: AnnotationChange) => model.update((view) => writeAnnotation(view, vm, change)),
    record: (vm: string, next: MigrationRecord | null, { ifEpoch, holder }: Expected) =>
      (holder === undefined ? model.update : fenced(vm, holder))((view) => writeRecord(view, vm, next, ifEpoch)),
    claim: (vm: string, next: Claim | null, holder: string) => fenced(vm, holder)((view) => writeClaim(view, vm, next)),
    lease: (vm: string, holder: string, { expireMs }): Promise<Lease> =>
      model.update((view) => takeLease(view, model.wall.now(), vm, holder, expireMs)),
    release: (vm: string, holder: string) => model.update((view) => releaseLease(view, vm, holder)),
    pool: (change) => model.update((view) => changePool(view, model.wall.now(), change)),
    close: () => Promise.resolve(),
  };
}

const shared = {
  methods: ['hot', 'cold', 'staged'],
  networkMap: true,
  keepsSource: true,
  readsSharing: true,
  encryptsHot: true,
  reachability: 'declared',
  stateFiles: ['nvram', 'tpm'],
  fencesEffects: true,
  pool: 'shared',
} as const;

const asDriven: Capabilities = {
  ...shared,
  platform: 'embedded (driven)',
  increments: 'driven',
  holdsCutover: true,
  separateStart: true,
  blocksStart: true,
  verify: true,
  verifiesCold: true,
  bandwidth: true,
  postCopy: true,
  suspend: true,
  storageMap: true,
  detach: 'each',
  record: 'full',
};

/** As AOC (aoc-facts.md §2): the task decides by itself; the record is kept in full, since a store is at hand. */
const asTask: Capabilities = {
  ...shared,
  platform: 'embedded (task)',
  increments: 'platform',
  holdsCutover: false,
  separateStart: false,
  blocksStart: false,
  verify: false,
  verifiesCold: false,
  bandwidth: false,
  postCopy: false,
  suspend: false,
  storageMap: false,
  detach: 'all',
  record: 'full',
};
