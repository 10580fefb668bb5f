/** Moves the data of a pass, tick by tick, as long as this process lives and is wanted. */
import type { Clock } from '../../core/clock.js';
import type { Move, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { DEFINE_AND_START_MS } from '../../core/physics.js';
import { refuseAborted } from './clock.js';
import type { Model } from './model.js';
import { rateOf } from './throughput.js';
import { dirtyNow, land, resumeTransfer, type Open } from './transfers.js';

export interface Parts {
  readonly model: Model;
  readonly clock: Clock;
}

const ticksPerPass = 20;
const shortestTickMs = 250;
const wallTickMs = 250;
const stalledTickMs = 1000;

interface Tick {
  readonly at: number;
  readonly ms: number;
  readonly rate: number;
  readonly sent: number;
  readonly total: number;
  readonly pass: number;
  readonly dirty: number;
}

/** Until the pass is sent. Throws `interrupted`, `lease-lost`, or `timeout` when nothing moves any more. */
export async function pump(parts: Parts, move: Move, run: Run): Promise<void> {
  let tick = await parts.model.update((view) => nextTick(resumeTransfer(view, move)));
  let moved = tick?.at ?? 0;
  while (tick !== null) {
    refuseAborted(run.signal);
    await run.checkLease();
    const slept: Tick = tick;
    await parts.clock.sleep(slept.ms, 'work', run.signal);
    await run.checkLease();
    const landed = await parts.model.update((view) => {
      const open = resumeTransfer(view, move);
      // Cut off meanwhile: what was in flight is lost.
      const arrives = slept.rate > 0 && rateOf(view.dc, view.world, open.transfer) > 0;
      if (arrives) land(open, (slept.rate * Math.max(0, view.now - slept.at)) / 1000);
      return { arrives, next: nextTick(open) };
    });
    tick = landed.next;
    report(move, run, slept, tick);
    if (landed.arrives) moved = tick?.at ?? slept.at;
    else if (tick !== null && tick.at - moved >= move.record.options.noProgressTimeoutMs) throw stalled(move);
  }
}

/** Returns once the network between the two hosts carries data; throws `timeout` when it does not in time. */
export async function awaitNetwork(parts: Parts, move: Move, run: Run): Promise<void> {
  const rateNow = (): Promise<number> => parts.model.read((view) => rateOf(view.dc, view.world, resumeTransfer(view, move).transfer));
  for (let waited = 0; (await rateNow()) === 0; waited += stalledTickMs) {
    if (waited >= move.record.options.noProgressTimeoutMs) throw stalled(move);
    await parts.clock.sleep(stalledTickMs, 'work', run.signal);
    await run.checkLease();
  }
}

/** Plans the next stretch of copying; null when the pass is sent. */
function nextTick(open: Open): Tick | null {
  const { view, transfer } = open;
  const pass = transfer.pass;
  if (pass === null || pass.sent >= pass.total) {
    transfer.activeUntil = 0;
    return null;
  }
  const rate = rateOf(view.dc, view.world, transfer);
  const clock = view.world.clock;
  const needed = rate === 0 ? stalledTickMs : Math.ceil(((pass.total - pass.sent) / rate) * 1000);
  const longest =
    clock.kind === 'wall' ? wallTickMs * clock.speed : Math.max(shortestTickMs, Math.ceil(((pass.total / rate) * 1000) / ticksPerPass));
  const ms = rate === 0 ? stalledTickMs : Math.max(1, Math.min(needed, Math.ceil(longest)));
  // In wall time a tick may end late; others should not see the network free in between.
  transfer.activeUntil = rate === 0 ? 0 : view.now + ms * (clock.kind === 'wall' ? 2 : 1);
  return {
    at: view.now,
    ms,
    rate,
    sent: pass.sent,
    total: pass.total,
    pass: pass.n,
    dirty: transfer.kind === 'staged' ? dirtyNow(open) : 0,
  };
}

function report(move: Move, run: Run, slept: Tick, next: Tick | null): void {
  const rate = slept.rate;
  run.emit({
    kind: 'progress',
    vm: move.vm.name,
    step: move.record.step,
    bytes: next?.sent ?? slept.total,
    total: slept.total,
    rate,
    pass: slept.pass,
    ...(move.method === 'staged' && rate > 0 ? { projectedDowntimeMs: Math.round((slept.dirty / rate) * 1000) + DEFINE_AND_START_MS } : {}),
  });
}

function stalled(move: Move): PlacementError {
  const seconds = Math.round(move.record.options.noProgressTimeoutMs / 1000);
  return new PlacementError(
    'timeout',
    `The copy of VM ${move.vm.name} from ${move.source.host} to ${move.target.host} made no progress for ${seconds} s.`,
    { vm: move.vm.name, next: 'look at both hosts and the network between them, then run again: it goes on where it stopped' },
  );
}
