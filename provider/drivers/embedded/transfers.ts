/** Copies that a process of ours drives: one pass after the other, each block once, resumable at every tick. */
import { PlacementError } from '../../core/errors.js';
import type { Move } from '../../core/driver.js';
import { placeText } from '../../core/inventory.js';
import type { ResolvedVm } from '../../../schema/embedded.js';
import { BLOCK, blocksOf, dirtySpans, emptyImage, flush, intersect, overlay, spanBlocks, takeBlocks } from './contents.js';
import { addIncoming, incomingDisk, refuseBusy } from './definition.js';
import { needCopy, reachable, type View } from './model.js';
import { isFull, noRoomText } from './troubles.js';
import { copyOf, isUp, writesOf } from './vm-state.js';
import type { CopyDisk, CopyWorld, Pass, SentDisk, Transfer, VmWorld, Work } from './world.js';

export interface Open {
  readonly view: View;
  readonly vm: ResolvedVm;
  readonly state: VmWorld;
  readonly source: CopyWorld;
  readonly target: CopyWorld;
  readonly transfer: Transfer;
  /** Blocks that the guest has written so far. */
  readonly writes: number;
}

/** The transfer of this move, made when there is none; its target images too. */
export function openTransfer(view: View, move: Move, kind: Transfer['kind']): Open {
  const { vm, state, copy: source } = needCopy(view, move.source);
  reachable(view, move.target);
  const moveId = move.record.moveId;
  const known = view.world.transfers[moveId];
  let target = known === undefined ? undefined : copyOf(state, known.target);
  if (known === undefined) refuseBusy(view, vm, state);
  const writes = writesOf(vm, state, view.now);
  if (known !== undefined && target !== undefined) return { view, vm, state, source, target, transfer: known, writes };

  target = addIncoming(view, vm, state, source, move.target, moveId, move.record.options);
  const transfer: Transfer = known ?? {
    moveId,
    vm: vm.id,
    kind,
    source: source.id,
    target: target.id,
    cap: move.record.options.bandwidthBytesPerSecond,
    n: 0,
    generation: 0,
    disks: {},
    pass: null,
    last: null,
    distrust: '',
    complete: null,
    sent: 0,
    sentBefore: move.record.bytes,
    startedAt: view.now,
    activeUntil: 0,
  };
  if (known !== undefined) {
    transfer.target = target.id;
    transfer.distrust = `its images on ${move.target.host} are gone`;
    transfer.pass = null;
  }
  view.world.transfers[moveId] = transfer;
  return { view, vm, state, source, target, transfer, writes };
}

/** The transfer under way; a run whose transfer was taken away (cancelled by another one) stops. */
export function resumeTransfer(view: View, move: Move): Open {
  const transfer = view.world.transfers[move.record.moveId];
  if (transfer === undefined) {
    throw new PlacementError('conflict', `The copy of VM ${move.vm.name} was cancelled by somebody else.`, { vm: move.vm.name });
  }
  return openTransfer(view, move, transfer.kind);
}

/** Begins the next pass: everything, or what was written since the last acknowledged one. */
export function beginPass(open: Open, distrust: string, named = 0): Pass {
  const { view, state, source, target, transfer, writes } = open;
  const previous = checkpointOf(source, transfer.moveId, transfer.n);
  const everything = transfer.n === 0 || distrust !== '';
  if (everything) {
    transfer.generation += 1;
    source.checkpoints = source.checkpoints.filter((checkpoint) => checkpoint.moveId !== transfer.moveId);
  }
  alignDisks(open, everything);
  const all: Work[] = state.disks.flatMap((truth) => {
    const disk = target.disks.find((one) => one.name === truth.name);
    if (disk === undefined || disk.shared) return [];
    const full = everything || previous === undefined || !truth.tracked || transfer.disks[truth.name] === undefined;
    const whole = { from: 0, to: blocksOf(truth.allocatedBytes) };
    const spans = full ? [whole] : dirtySpans(view.dc.ring(transfer.vm, truth.name), previous.at, writes);
    return spanBlocks(spans) === 0 ? [] : [{ disk: truth.name, spans }];
  });
  // Never a number that the record has used for another image.
  const n = Math.max(transfer.n, named) + 1;
  if (transfer.kind === 'staged') {
    source.checkpoints = source.checkpoints.filter((checkpoint) => checkpoint.moveId !== transfer.moveId || checkpoint.n !== n);
    const chains = Object.fromEntries(state.disks.map((disk) => [disk.name, disk.chain]));
    source.checkpoints.push({ moveId: transfer.moveId, n, at: writes, broken: false, chains });
  }
  transfer.source = source.id;
  transfer.distrust = '';
  transfer.complete = null;
  transfer.pass = {
    disks: sentDisks(open),
    n,
    kind: everything ? 'full' : 'increment',
    distrust,
    at: writes,
    boots: source.boots,
    work: all,
    all,
    total: BLOCK * all.reduce((sum, work) => sum + spanBlocks(work.spans), 0),
    sent: 0,
    startedAt: view.now,
  };
  return transfer.pass;
}

/** The disks as they are now, as a pass that begins now sends them. */
function sentDisks({ state, source, target }: Open): Record<string, SentDisk> {
  return Object.fromEntries(
    target.disks.map((disk) => {
      const truth = state.disks.find((one) => one.name === disk.name);
      const path = source.disks.find((one) => one.name === disk.name)?.path ?? '';
      return [disk.name, { image: disk.image, path, chain: truth?.chain ?? 0, virtualBytes: disk.virtualBytes }];
    }),
  );
}

/** The VM still has the disks that were sent, and no other: same images, same chains, same sizes. */
export function areSent({ state, source, target }: Open, sent: Readonly<Record<string, SentDisk>>): boolean {
  if (state.disks.length !== Object.keys(sent).length) return false;
  return state.disks.every(({ name, chain, virtualBytes }) => {
    const [then, path] = [sent[name], source.disks.find((disk) => disk.name === name)?.path];
    const image = target.disks.find((disk) => disk.name === name)?.image;
    return then?.chain === chain && then.virtualBytes === virtualBytes && then.path === path && then.image === image;
  });
}

/** Puts what was sent by now onto the target; unfinished blocks are sent again by whoever goes on. */
export function land(open: Open, bytes: number): void {
  const { view, source, target, transfer, writes } = open;
  const pass = transfer.pass;
  if (pass === null) return;
  const full =
    bytes > 0 ? target.disks.find((disk) => isWritten(pass, disk) && isFull(view.dc, view.world, target.host, disk.pool)) : undefined;
  if (full !== undefined) throw noRoom(open, full);
  const before = Math.floor(pass.sent / BLOCK);
  const reached = Math.min(pass.total, pass.sent + bytes);
  const sent = pass.total - reached < 1 ? pass.total : reached;
  transfer.sent += sent - pass.sent;
  pass.sent = sent;
  let blocks = Math.floor(pass.sent / BLOCK) - before;
  // While the guest runs on, the pass reads a frozen view of the disk; later it reads what is there.
  const at = isUp(source) && source.boots === pass.boots ? pass.at : writes;
  const rest: Work[] = [];
  for (const work of pass.work) {
    const part = takeBlocks(work.spans, blocks);
    const disk = target.disks.find((one) => one.name === work.disk);
    for (const span of part.taken) {
      blocks -= span.to - span.from;
      if (disk === undefined) continue;
      disk.segments = overlay(disk.segments, span, at);
      disk.corrupt = disk.corrupt.filter((bad) => intersect(bad, span) === null);
    }
    if (part.rest.length > 0) rest.push({ disk: work.disk, spans: part.rest });
  }
  pass.work = rest;
}

const isWritten = ({ work }: Pass, { name }: CopyDisk): boolean => work.some(({ disk }) => disk === name);

const noRoom = ({ view, vm, target }: Open, disk: CopyDisk): PlacementError =>
  new PlacementError('platform', `The copy of VM ${vm.name} failed: ${noRoomText(view.dc, target, disk)}. What was copied is kept.`, {
    vm: vm.name,
    next: 'free space there, then run again: it goes on where it stopped',
  });

/** The target flushed: the pass counts. One that its target has lost meanwhile (see `loseHostPower`) was never sent. */
export function acknowledge(open: Open, phase: 'increment' | 'final'): void {
  const { view, vm, target, transfer } = open;
  const pass = transfer.pass;
  if (pass === null) {
    const where = placeText(view.dc.place(target.host));
    throw new PlacementError(
      'platform',
      `The copy of VM ${vm.name} was cut off: ${where} has booted anew, what it had not flushed is lost.`,
      {
        vm: vm.name,
        next: 'run again: it goes on from what was flushed',
      },
    );
  }
  for (const disk of target.disks) disk.segments = flush(disk.segments);
  transfer.n = pass.n;
  transfer.disks = pass.disks;
  const { n, kind, distrust, boots, at, all, total } = pass;
  transfer.last = {
    n,
    bytes: total,
    ms: view.now - pass.startedAt,
    kind,
    distrust,
    work: all,
    boots,
    writes: at,
    final: phase === 'final',
  };
  transfer.pass = null;
  transfer.activeUntil = 0;
}

/** Bytes sent that the record does not count yet: also those of a run that died before it could write them down. */
export const uncounted = ({ transfer }: Open, move: Move): number =>
  Math.max(0, Math.round(transfer.sentBefore + transfer.sent) - move.record.bytes);

/** Bytes that an increment would send if it began now. */
export function dirtyNow(open: Open): number {
  const { view, state, source, target, transfer, writes } = open;
  const checkpoint = checkpointOf(source, transfer.moveId, transfer.n);
  return state.disks.reduce((sum, truth) => {
    if (target.disks.find((disk) => disk.name === truth.name)?.shared === true) return sum;
    if (checkpoint === undefined || transfer.disks[truth.name] === undefined) return sum + truth.allocatedBytes;
    return sum + BLOCK * spanBlocks(dirtySpans(view.dc.ring(transfer.vm, truth.name), checkpoint.at, writes));
  }, 0);
}

export const checkpointOf = (source: CopyWorld, moveId: string, n: number): CopyWorld['checkpoints'][number] | undefined =>
  source.checkpoints.find((checkpoint) => checkpoint.moveId === moveId && checkpoint.n === n);

export const imagesOf = (target: CopyWorld): Readonly<Record<string, string>> =>
  Object.fromEntries(target.disks.map((disk) => [disk.name, disk.image]));

/** The target gets the disks that the VM has now: new ones, grown ones, none that are gone. */
function alignDisks(open: Open, everything: boolean): void {
  const { view, state, source, target, transfer } = open;
  target.disks = state.disks.map((truth) => {
    const known = target.disks.find((disk) => disk.name === truth.name);
    const options = { networks: {}, storage: {}, detach: [] };
    const disk = known ?? incomingDisk(view, truth, source, target.host, transfer.moveId, options);
    if (everything || known === undefined) disk.image = `${transfer.moveId}/${truth.name}/${transfer.generation}`;
    if (!disk.shared && blocksOf(truth.allocatedBytes) !== (disk.segments.at(-1)?.to ?? 0))
      disk.segments = emptyImage(blocksOf(truth.allocatedBytes));
    disk.virtualBytes = truth.virtualBytes;
    return disk;
  });
}
