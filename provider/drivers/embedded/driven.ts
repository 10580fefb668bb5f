/** Style `driven`: cold copies and staged passes flow only while a process of ours drives them. */
import type { Distrust, Move, Outcome, Replication, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import { refuseAborted } from './clock.js';
import { spanBlocks, BLOCK } from './contents.js';
import { reachable, refOf } from './model.js';
import { missingOn } from './power.js';
import { awaitNetwork, pump, type Parts } from './pump.js';
import { bestRate } from './throughput.js';
import { DEFINE_MS } from './timing.js';
import { acknowledge, areSent, beginPass, dirtyNow, imagesOf, openTransfer, resumeTransfer, uncounted, type Open } from './transfers.js';
import { distrustOf, newDiskOf, passHolds } from './trust.js';
import { isUp } from './vm-state.js';

export async function replicate(parts: Parts, move: Move, run: Run): Promise<Replication> {
  await ready(run);
  const again = await parts.model.update((view) => {
    const open = openTransfer(view, move, 'staged');
    const { transfer, source } = open;
    const named = move.record.increment?.n ?? 0;
    source.checkpoints = source.checkpoints.filter((checkpoint) => checkpoint.moveId !== transfer.moveId || checkpoint.n >= named);
    if (passHolds(open)) return null;
    const gap = brokenPass(open) || distrustOf(open, move);
    // Sent and flushed, but the record does not say so yet: a crash in between.
    if (gap === '' && transfer.last?.n === named + 1 && !transfer.last.final) return replication(open, move);
    beginPass(open, gap, named);
    return null;
  });
  if (again !== null) return again;
  await pump(parts, move, run);
  await run.checkLease();
  return parts.model.update((view) => {
    const open = resumeTransfer(view, move);
    acknowledge(open, 'increment');
    return replication(open, move);
  });
}

/** Cold: the disks of a VM that is off. */
export async function copyOff(parts: Parts, move: Move, run: Run): Promise<Outcome> {
  await ready(run);
  const complete = await parts.model.update((view) => {
    const open = openTransfer(view, move, 'cold');
    mustBeOff(open, move);
    if (isComplete(open)) return outcome(open, move);
    if (!passHolds(open) && !isHeld(open)) beginPass(open, open.transfer.n === 0 ? '' : 'the VM ran since');
    return null;
  });
  return complete ?? completeTarget(parts, move, run);
}

export async function finish(parts: Parts, move: Move, run: Run): Promise<Outcome | Distrust> {
  await ready(run);
  const first = await parts.model.update((view): Outcome | Distrust | 'open-pass' | 'last-pass' => {
    const open = openTransfer(view, move, 'staged');
    mustBeOff(open, move);
    if (isComplete(open)) return outcome(open, move);
    if (passHolds(open)) return 'open-pass';
    return lastPass(open, move);
  });
  if (typeof first !== 'string') return first;
  if (first === 'open-pass') {
    // Phase 1 was interrupted in a pass: it ends first, nothing is sent twice.
    await pump(parts, move, run);
    const next = await parts.model.update((view) => {
      const open = resumeTransfer(view, move);
      acknowledge(open, 'final');
      return lastPass(open, move);
    });
    if (typeof next !== 'string') return next;
  }
  return completeTarget(parts, move, run);
}

/** Stops what runs for the move and removes what it left on the target and on the source. */
export async function cancel(parts: Parts, move: Move, run: Run): Promise<void> {
  await run.checkLease();
  await parts.model.update((view) => {
    const vm = view.dc.find(move.vm.uuid);
    const state = view.world.vms[vm.id];
    if (state === undefined) return;
    const moveId = move.record.moveId;
    const built = state.copies.filter((copy) => copy.moveId === moveId && copy.host === move.target.host);
    const ran = built.find((copy) => copy.boots > 0);
    if (ran !== undefined) {
      throw new PlacementError(
        'not-possible',
        `VM ${vm.name} has run on ${placeText(view.dc.place(ran.host))}: this move cannot be cancelled any more.`,
        {
          vm: vm.name,
          next: 'move it back with a new move',
        },
      );
    }
    if (built.length > 0) reachable(view, move.target);
    if (state.copies.some((copy) => copy.checkpoints.some((checkpoint) => checkpoint.moveId === moveId))) reachable(view, move.source);
    state.copies = state.copies.filter((copy) => !built.includes(copy));
    for (const copy of state.copies) copy.checkpoints = copy.checkpoints.filter((checkpoint) => checkpoint.moveId !== moveId);
    delete view.world.transfers[moveId];
  });
}

/** Sends the pass under way, proves it, and defines the VM on the target. */
async function completeTarget(parts: Parts, move: Move, run: Run): Promise<Outcome> {
  await pump(parts, move, run);
  await run.checkLease();
  const readBack = await parts.model.update((view) => {
    const open = resumeTransfer(view, move);
    if (!isHeld(open)) acknowledge(open, 'final');
    return { bytes: verifyBytes(open, move), rate: bestRate(view.dc, view.world, open.source.host, open.target.host, open.transfer.cap) };
  });
  if (readBack.bytes > 0) {
    await awaitNetwork(parts, move, run);
    await parts.clock.sleep(Math.ceil((readBack.bytes / readBack.rate) * 1000), 'work', run.signal);
    await run.checkLease();
    const bad = await parts.model.update((view) => verify(resumeTransfer(view, move), move));
    if (bad !== null) throw bad;
  }
  await parts.clock.sleep(DEFINE_MS, 'work', run.signal);
  await run.checkLease();
  return parts.model.update((view) => define(resumeTransfer(view, move), move));
}

function define(open: Open, move: Move): Outcome {
  const { view, vm, source, target, transfer, writes } = open;
  mustBeOff(open, move);
  if (!areSent(open, transfer.disks)) {
    const where = placeText(view.dc.place(source.host));
    throw new PlacementError('platform', `A disk of VM ${vm.name} was changed on ${where} while it was copied: the copy is void.`, {
      vm: vm.name,
      next: 'find out who changed it, then pulumi up copies it again',
    });
  }
  if (source.stateFiles.includes('secret')) {
    throw new PlacementError('platform', `VM ${vm.name} has a secret beside its disks, which cannot be copied.`, { vm: vm.name });
  }
  target.stateFiles = [...source.stateFiles];
  target.defined = true;
  transfer.complete = { boots: source.boots, writes, ms: transfer.last?.ms ?? 0 };
  return outcome(open, move);
}

function lastPass(open: Open, move: Move): Distrust | 'last-pass' {
  const nothing = open.transfer.n === 0 ? 'nothing was replicated yet' : '';
  const gap = nothing || brokenPass(open) || distrustOf(open, move) || newDiskOf(open);
  if (gap !== '') return { reason: gap };
  if (!isHeld(open)) beginPass(open, '', move.record.increment?.n ?? 0);
  return 'last-pass';
}

/** A pass that was begun and can no longer go on takes the trust in its target blocks with it only when the older checkpoint is bad too. */
function brokenPass(open: Open): string {
  if (open.transfer.pass === null || open.transfer.n > 0) return '';
  open.transfer.pass = null;
  return 'the full copy was interrupted and the disks have changed since';
}

const isComplete = (open: Open): boolean =>
  open.target.defined &&
  open.transfer.complete?.boots === open.source.boots &&
  open.transfer.complete.writes === open.writes &&
  areSent(open, open.transfer.disks);

/** Everything was sent and flushed (by a run that ended before it could define the VM). */
function isHeld(open: Open): boolean {
  const { transfer, source, writes } = open;
  if (transfer.pass !== null || transfer.distrust !== '' || transfer.last?.final !== true) return false;
  return transfer.last.boots === source.boots && transfer.last.writes === writes && areSent(open, transfer.disks);
}

function outcome(open: Open, move: Move): Outcome {
  const { view, target, transfer } = open;
  return {
    target: refOf(view.dc, target),
    bytes: uncounted(open, move),
    durationMs: transfer.complete?.ms ?? 0,
    started: false,
    sourceGone: false,
    method: move.method,
    warnings: [],
  };
}

function replication(open: Open, move: Move): Replication {
  const { view, source, target, transfer } = open;
  const last = transfer.last;
  return {
    n: transfer.n,
    images: imagesOf(target),
    bytes: uncounted(open, move),
    durationMs: last?.ms ?? 0,
    dirtyBytes: dirtyNow(open),
    bytesPerSecond: bestRate(view.dc, view.world, source.host, target.host, transfer.cap),
    kind: last?.kind ?? 'increment',
    distrust: last?.distrust ?? '',
    waiting: false,
  };
}

function verifyBytes(open: Open, move: Move): number {
  const whole = open.state.disks.reduce((sum, disk) => sum + disk.allocatedBytes, 0);
  switch (move.record.options.verify) {
    case 'off':
      return 0;
    case 'increment':
      return open.transfer.last?.bytes ?? 0;
    case 'full':
      return open.target.disks.every((disk) => disk.shared) ? 0 : whole;
  }
}

function verify(open: Open, move: Move): PlacementError | null {
  const { view, vm, target, transfer, writes } = open;
  for (const disk of target.disks) {
    const sent = transfer.last?.work.find((work) => work.disk === disk.name)?.spans ?? [];
    const bad = missingOn(view.dc, vm.id, disk, writes).filter(
      (span) => move.record.options.verify === 'full' || sent.some((one) => one.from < span.to && span.from < one.to),
    );
    if (bad.length === 0) continue;
    transfer.distrust = `verifying found ${spanBlocks(bad) * BLOCK} bytes of disk ${disk.name} that differ from the source`;
    return new PlacementError('platform', `VM ${vm.name} was not started on ${target.host}: ${transfer.distrust}.`, {
      vm: vm.name,
      next: 'look at the storage of the target; the next run sends everything again',
    });
  }
  return null;
}

function mustBeOff(open: Open, move: Move): void {
  const { view, source } = open;
  if (!isUp(source) && source.power === 'off') return;
  throw new PlacementError(
    'not-possible',
    `VM ${move.vm.name} is ${source.power} on ${placeText(view.dc.place(source.host))}, it must be off.`,
    {
      vm: move.vm.name,
    },
  );
}

async function ready(run: Run): Promise<void> {
  refuseAborted(run.signal);
  await run.checkLease();
}
