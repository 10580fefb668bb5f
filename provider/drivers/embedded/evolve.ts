/** Lets the world go on up to `now`, event by event; between two events all rates are constant. */
import type { Datacenter } from './datacenter.js';
import { dueOf, failWithoutRoom, fire, isDue, isOver } from './jobs.js';
import { stopCopy } from './power.js';
import { isMoving, rateOf } from './throughput.js';
import type { CopyWorld, World } from './world.js';

export function evolve(dc: Datacenter, world: World, now: number): void {
  if (now <= world.at) return;
  for (;;) {
    failWithoutRoom(dc, world);
    const next = Math.min(now, ...dueTimes(dc, world));
    moveData(dc, world, next - world.at);
    world.at = next;
    const stopped = finishShutdowns(dc, world);
    const fired = Object.values(world.jobs).filter((job) => isDue(dc, world, job));
    for (const job of fired) fire(dc, world, job);
    if (next >= now && !stopped && fired.length === 0) return;
  }
}

/** Nothing is under way that time alone would change. */
export const isQuiet = (world: Readonly<World>): boolean => Object.values(world.jobs).every(isOver) && shutdowns(world).length === 0;

/** Less than what moves in the smallest step of time: what is left then is a rounding error. */
const roundingBytes = 256;

function dueTimes(dc: Datacenter, world: World): number[] {
  const later = (times: readonly (number | null)[]): number[] => times.filter((time): time is number => time !== null);
  return [
    ...later(shutdowns(world).map(({ copy }) => copy.shutdown?.offAt ?? null)),
    ...later(Object.values(world.jobs).map((job) => dueOf(dc, world, job))),
    ...Object.values(world.transfers)
      .map((transfer) => transfer.activeUntil)
      .filter((until) => until > world.at),
  ].map((time) => Math.max(time, world.at));
}

function moveData(dc: Datacenter, world: World, milliseconds: number): void {
  if (milliseconds <= 0) return;
  const moved = Object.values(world.jobs)
    .filter(isMoving)
    .map((job) => ({ job, bytes: Math.min(job.left, (rateOf(dc, world, job) * milliseconds) / 1000) }));
  for (const { job, bytes } of moved) {
    const whole = job.left - bytes < roundingBytes ? job.left : bytes;
    job.left -= whole;
    job.sent += whole;
  }
}

function finishShutdowns(dc: Datacenter, world: World): boolean {
  let stopped = false;
  for (const { id, copy } of shutdowns(world)) {
    const shutdown = copy.shutdown;
    if (shutdown?.offAt === undefined || shutdown.offAt === null || shutdown.offAt > world.at) continue;
    stopCopy(dc, world, id, copy, shutdown.offAt, { cause: 'guest-shutdown', began: shutdown.began, bitmaps: 'kept' });
    stopped = true;
  }
  return stopped;
}

function shutdowns(world: Readonly<World>): { id: string; copy: CopyWorld }[] {
  return Object.entries(world.vms).flatMap(([id, state]) =>
    state.copies.filter((copy) => copy.shutdown !== null).map((copy) => ({ id, copy })),
  );
}
