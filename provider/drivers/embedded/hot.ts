/** Hot, in both styles: the platform's job does the work, this process watches it. A job goes on when its watcher dies. */
import type { Move, Outcome, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { HOT_DOWNTIME_LIMIT_MS } from '../../core/physics.js';
import { placeText } from '../../core/inventory.js';
import { refuseAborted } from './clock.js';
import { addIncoming, refuseBusy, refuseHot } from './definition.js';
import { abortJob, dueOf, enter, isOver } from './jobs.js';
import { needCopy, refOf, type View } from './model.js';
import type { Parts } from './pump.js';
import { rateOf } from './throughput.js';
import { isUp, touch } from './vm-state.js';
import type { Job } from './world.js';

const wallPollMs = 250;
const stalledPollMs = 1000;

export async function migrate(parts: Parts, move: Move, run: Run): Promise<Outcome> {
  refuseAborted(run.signal);
  await run.checkLease();
  const startedAt = await parts.model.update((view) => attach(view, move).startedAt);
  const { noProgressTimeoutMs, maxDurationMs } = move.record.options;
  return watch(parts, move, run, (job, now, stillMs) => {
    if (job.stage === 'postcopy') return null;
    if (stillMs >= noProgressTimeoutMs) return `made no progress for ${seconds(noProgressTimeoutMs)}`;
    if (now - startedAt >= maxDurationMs) return `did not converge within ${seconds(maxDurationMs)}`;
    return null;
  });
}

export interface Seen {
  readonly job: Job;
  readonly now: number;
  readonly pollMs: number;
  readonly rate: number;
  readonly outcome: Outcome | null;
}

/** Until the job is done. `giveUp` says why it is to be aborted; the VM then stays on the source. */
export async function watch(
  parts: Parts,
  move: Move,
  run: Run,
  giveUp: (job: Job, now: number, stillMs: number) => string | null,
  until: (job: Job) => boolean = (job) => job.stage === 'done',
): Promise<Outcome> {
  let sent = -1;
  let movedAt = 0;
  for (;;) {
    refuseAborted(run.signal);
    const seen = await parts.model.read((view) => look(view, move));
    const { job, now } = seen;
    if (job.sent !== sent || job.stage === 'switch' || job.stage === 'define') [sent, movedAt] = [job.sent, now];
    report(move, run, seen);
    if (until(job) && seen.outcome !== null) return seen.outcome;
    const why = giveUp(job, now, now - movedAt);
    if (why !== null) await abandon(parts, move, run, why);
    await parts.clock.sleep(seen.pollMs, 'work', run.signal);
  }
}

export function jobOutcome(view: View, move: Move, job: Job): Outcome | null {
  const { copies } = touch(view.dc, view.world, job.vm);
  // One that has arrived may have been taken further since.
  const target = copies.find((copy) => copy.id === job.target) ?? copies.find((copy) => copy.moveId === job.moveId && isUp(copy));
  if (target === undefined) return null;
  return {
    target: refOf(view.dc, target),
    bytes: Math.round(job.sent),
    durationMs: (job.endedAt ?? view.now) - job.startedAt,
    started: isUp(target),
    ...(job.kind === 'hot' ? { downtimeMs: job.downtimeMs } : {}),
    sourceGone: false,
    method: move.method,
    warnings: [],
  };
}

export function newJob(view: View, move: Move, kind: Job['kind']): Job {
  const { vm, state, copy: source } = needCopy(view, move.source);
  refuseBusy(view, vm, state);
  const how = move.record.options;
  const target = addIncoming(view, vm, state, source, move.target, move.record.moveId, kind === 'hot' ? { ...how, detach: [] } : how);
  const job: Job = {
    moveId: move.record.moveId,
    vm: vm.id,
    kind,
    source: source.id,
    target: target.id,
    cap: how.bandwidthBytesPerSecond,
    postCopy: how.postCopy,
    suspend: how.suspend,
    stage: 'disks',
    stageSince: view.now,
    stageBytes: 0,
    left: 0,
    until: null,
    disks: target.disks.filter((disk) => !disk.shared).map((disk) => disk.name),
    passAt: 0,
    heldAt: 0,
    n: 0,
    round: 0,
    sent: 0,
    lastBytes: 0,
    lastMs: 0,
    startedAt: view.now,
    endedAt: null,
    downtimeMs: 0,
  };
  const bytes = state.disks.filter((disk) => job.disks.includes(disk.name)).reduce((sum, disk) => sum + disk.allocatedBytes, 0);
  enter(view.world, job, 'disks', bytes);
  view.world.jobs[job.moveId] = job;
  return job;
}

function attach(view: View, move: Move): Job {
  const known = view.world.jobs[move.record.moveId];
  if (known !== undefined && known.stage !== 'aborted') return known;
  const { vm, copy } = needCopy(view, move.source);
  if (!isUp(copy)) {
    throw new PlacementError(
      'platform',
      `VM ${vm.name} is ${copy.power} on ${placeText(move.source)}: only a running VM is migrated live.`,
      { vm: vm.name, next: 'start it, then run again' },
    );
  }
  refuseHot(view, vm, copy, move.target);
  return newJob(view, move, 'hot');
}

function look(view: View, move: Move): Seen {
  const job = view.world.jobs[move.record.moveId];
  if (job === undefined || job.stage === 'aborted') {
    throw new PlacementError(
      'platform',
      `The migration of VM ${move.vm.name} to ${placeText(move.target)} was aborted${job?.why === undefined ? '' : `: ${job.why}`}; it is still on ${placeText(move.source)}.`,
      { vm: move.vm.name, next: job?.why === undefined ? 'run again: it decides anew' : 'remove the cause, then run again' },
    );
  }
  const rate = rateOf(view.dc, view.world, job);
  return { job: { ...job }, now: view.now, pollMs: pollMs(view, job), rate, outcome: jobOutcome(view, move, job) };
}

/** Often enough for progress, seldom enough for moves that take hours of model time. */
function pollMs(view: View, job: Job): number {
  const clock = view.world.clock;
  if (clock.kind === 'wall') return wallPollMs * clock.speed;
  const due = dueOf(view.dc, view.world, job);
  if (due === null) return stalledPollMs;
  const rate = rateOf(view.dc, view.world, job);
  const stage = rate === 0 ? stalledPollMs : ((job.stageBytes / rate) * 1000) / 10;
  return Math.ceil(Math.max(1, Math.min(due - view.now, Math.max(stage, 1)), (view.now - job.startedAt) / 100));
}

async function abandon(parts: Parts, move: Move, run: Run, why: string): Promise<never> {
  await run.checkLease();
  await parts.model.update((view) => {
    const job = view.world.jobs[move.record.moveId];
    if (job === undefined || isOver(job) || job.stage === 'postcopy') return;
    abortJob(view.dc, view.world, job);
    delete view.world.jobs[move.record.moveId];
  });
  const isHot = move.method === 'hot';
  throw new PlacementError(
    'timeout',
    `The migration of VM ${move.vm.name} to ${placeText(move.target)} ${why} and was aborted; the VM ${isHot ? 'runs' : 'is still'} on ${placeText(move.source)}.`,
    {
      vm: move.vm.name,
      next: isHot
        ? 'raise maxDuration or bandwidth, declare postCopy or suspend, or move it with method: staged or cold'
        : 'look at both hosts and the network between them, then run again',
    },
  );
}

function report(move: Move, run: Run, { job, rate }: Seen): void {
  const left = job.kind === 'hot' && rate > 0 ? Math.round((job.left / rate) * 1000) : null;
  run.emit({
    kind: 'progress',
    vm: move.vm.name,
    step: move.record.step,
    bytes: Math.round(job.stageBytes - job.left),
    total: Math.round(job.stageBytes),
    rate,
    pass: job.kind === 'hot' ? job.round + 1 : job.n + 1,
    ...(left === null || job.stage !== 'memory' ? {} : { projectedDowntimeMs: Math.max(left, HOT_DOWNTIME_LIMIT_MS) }),
  });
}

const seconds = (milliseconds: number): string => `${Math.round(milliseconds / 1000)} s`;
