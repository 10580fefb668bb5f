/** Style `task`: the platform runs a task of its own for every method; this process starts it, finds it again, and watches. */
import type { Move, Outcome, Replication, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import { refuseAborted } from './clock.js';
import { jobOutcome, newJob, watch } from './hot.js';
import { abortJob, dirtyBytes } from './jobs.js';
import { needCopy, reachable, type View } from './model.js';
import type { Parts } from './pump.js';
import { bestRate } from './throughput.js';
import { imagesOf } from './transfers.js';
import { copyOf, isUp, touch, writesOf } from './vm-state.js';
import type { Job, VmWorld } from './world.js';

/** Starts the task or finds it again, and watches until it waits for the source's shutdown. */
export async function replicateByTask(parts: Parts, move: Move, run: Run): Promise<Replication> {
  await begin(parts, move, run, 'staged');
  await watch(parts, move, run, stuck(move), (job) => job.n > 0 && job.stage !== 'disks');
  return parts.model.update((view) => replication(view, move));
}

/** The source is off, so the task has begun its cutover: watched until the target runs. */
export async function finishByTask(parts: Parts, move: Move, run: Run): Promise<Outcome> {
  refuseAborted(run.signal);
  await run.checkLease();
  await parts.model.update((view) => {
    const job = view.world.jobs[move.record.moveId];
    const { vm, copy } = needCopy(view, move.source);
    if (job === undefined) throw new PlacementError('platform', `There is no migration task for VM ${vm.name}.`, { vm: vm.name });
    if (isUp(copy)) {
      throw new PlacementError('not-possible', `VM ${vm.name} runs on ${placeText(move.source)}: its task waits for the shutdown.`, {
        vm: vm.name,
      });
    }
  });
  return watch(parts, move, run, stuck(move));
}

export async function copyOffByTask(parts: Parts, move: Move, run: Run): Promise<Outcome> {
  await begin(parts, move, run, 'cold');
  return watch(parts, move, run, stuck(move));
}

/** Ends the platform's job of this move (hot in both styles); what it built goes. */
export async function cancelJob(parts: Parts, move: Move, run: Run): Promise<void> {
  await run.checkLease();
  await parts.model.update((view) => {
    const job = view.world.jobs[move.record.moveId];
    if (job === undefined) return;
    // What it has built there has to go, and whether the VM runs there already has to be known.
    reachable(view, move.target);
    const target = copyOf(touch(view.dc, view.world, job.vm), job.target);
    if (target !== undefined && isUp(target)) {
      throw new PlacementError(
        'not-possible',
        `VM ${move.vm.name} already runs on ${placeText(move.target)}: this move cannot be cancelled any more.`,
        {
          vm: move.vm.name,
          next: 'move it back with a new move',
        },
      );
    }
    abortJob(view.dc, view.world, job);
    delete view.world.jobs[job.moveId];
  });
}

async function begin(parts: Parts, move: Move, run: Run, kind: 'cold' | 'staged'): Promise<void> {
  refuseAborted(run.signal);
  await run.checkLease();
  await parts.model.update((view) => {
    const { vm, state, copy } = needCopy(view, move.source);
    const known = view.world.jobs[move.record.moveId];
    if (known !== undefined && known.stage !== 'aborted' && !isOutdated(state, known)) return;
    // Complete, and the VM has got other disks since: what it built goes.
    if (known !== undefined) state.copies = state.copies.filter(({ id }) => id !== known.target);
    if (kind === 'cold' && isUp(copy)) {
      throw new PlacementError('not-possible', `VM ${vm.name} runs on ${placeText(move.source)}, it must be off.`, { vm: vm.name });
    }
    const job = newJob(view, move, kind);
    job.passAt = writesOf(vm, state, view.now);
  });
}

function isOutdated(state: VmWorld, job: Job): boolean {
  const target = copyOf(state, job.target);
  if (job.stage !== 'done' || target === undefined || target.boots > 0) return false;
  const held = (name: string): number | undefined => target.disks.find((disk) => disk.name === name)?.virtualBytes;
  return state.disks.length !== target.disks.length || state.disks.some((disk) => held(disk.name) !== disk.virtualBytes);
}

const stuck =
  (move: Move) =>
  (_job: Job, _now: number, stillMs: number): string | null =>
    stillMs >= move.record.options.noProgressTimeoutMs ? `made no progress for ${Math.round(stillMs / 1000)} s` : null;

function replication(view: View, move: Move): Replication {
  const job = view.world.jobs[move.record.moveId];
  const outcome = job === undefined ? null : jobOutcome(view, move, job);
  if (job === undefined || outcome === null) {
    throw new PlacementError('platform', `The migration task of VM ${move.vm.name} is gone.`, { vm: move.vm.name });
  }
  const state = touch(view.dc, view.world, job.vm);
  const target = copyOf(state, job.target);
  const isNew = (move.record.increment?.n ?? 0) < job.n;
  return {
    n: job.n,
    images: target === undefined ? {} : imagesOf(target),
    bytes: isNew ? job.lastBytes : 0,
    durationMs: isNew ? job.lastMs : 0,
    dirtyBytes: dirtyBytes(view.dc, job, job.heldAt, writesOf(view.dc.vm(job.vm), state, view.now)),
    bytesPerSecond: bestRate(view.dc, view.world, move.source.host, move.target.host, job.cap),
    kind: job.n === 1 ? 'full' : 'increment',
    distrust: '',
    waiting: job.stage === 'waiting' || job.stage === 'increment',
  };
}
