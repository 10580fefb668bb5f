/**
 * Staged, as far as a process of ours drives it: passes while the VM runs, each a backup of libvirt with a checkpoint that the next one builds
 * on, then the last increment from the images of a VM that is off (rules.md §6).
 */
import { performance } from 'node:perf_hooks';
import type { Distrust, Driver, Move, Outcome, Replication, Run } from '../../core/driver.js';
import { isControlLost, PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import { backupOf, beginBackup, endBackup, scratchOf, type Backup } from './backup.js';
import { dirtyBytes, isOwnCheckpoint, newCheckpoint, removeCheckpoints, removeCheckpointsOff } from './checkpoints.js';
import { hostClock } from './domain-state.js';
import { imageName, type BegunPass, type CopiedImage, type LastPass, type SentDisk, type StagedWork } from './metadata.js';
import { MoveOnTarget, type Parts } from './move-on-target.js';
import { disksNow, distrustOf, isSent } from './trust.js';
import { removeVolume } from './volumes.js';

export function staged(parts: Parts): Pick<Driver, 'replicate' | 'finish'> {
  const open = async (move: Move, run: Run): Promise<StagedMove> => {
    const read = async (): Promise<MoveOnTarget> => new MoveOnTarget(parts, move, run, await parts.read());
    return new StagedMove(await read(), move, run, read);
  };
  return {
    replicate: async (move, run) => (await begun(run, () => open(move, run))).replicate(),
    finish: async (move, run) => (await begun(run, () => open(move, run))).finish(),
  };
}

/** What it has left on the source; a target that has run is refused first. */
export async function cancelPasses(work: MoveOnTarget, move: Move, run: Run): Promise<void> {
  const { sourceReading: source, staged: sent } = work;
  if (source === null) return;
  work.refuseWhereItRan();
  const isUp = !['off', 'crashed', 'saved'].includes(source.copy.power);
  if (isUp) await endBackup(work.from, move);
  // A list that could not be read is empty.
  const known = [sent?.checkpoint, sent?.pass?.checkpoint].filter((name) => name !== undefined && name !== '');
  const names = [...new Set([...source.checkpoints.filter(isOwnCheckpoint), ...known])] as readonly string[];
  const disks = source.images.filter(({ kind, format }) => kind === 'disk' && format === 'qcow2');
  await run.checkLease();
  await (isUp ? removeCheckpoints(work.from, source.copy.ref, names) : removeCheckpointsOff(work.from, source.copy.ref, { names, disks }));
  if (sent?.pass !== undefined) await removeScratch(work, move, sent.pass);
}

/** What is left of a pass whose host lost its power; at the end of its job libvirt removes it itself. */
async function removeScratch(work: MoveOnTarget, move: Move, pass: BegunPass): Promise<void> {
  for (const disk of Object.values(pass.disks)) await removeVolume(work.from, move.source, scratchOf(disk, pass));
}

async function begun(run: Run, open: () => Promise<StagedMove>): Promise<StagedMove> {
  if (run.signal.aborted) throw new PlacementError('interrupted', 'Stopped as asked, before anything was sent.');
  await run.checkLease();
  return open();
}

const nothingSent: StagedWork = {
  ...{ n: 0, checkpoint: '', at: 0, disks: {}, kind: 'full', distrust: '', durationMs: 0, rate: 0 },
};

class StagedMove {
  private sent: StagedWork;

  constructor(
    private readonly work: MoveOnTarget,
    private readonly move: Move,
    private readonly run: Run,
    private readonly reread: () => Promise<MoveOnTarget>,
  ) {
    this.sent = work.staged ?? nothingSent;
  }

  async replicate(): Promise<Replication> {
    this.work.refuseUnlessPossible();
    this.refuseOntoOwnWrites();
    this.refuseUnless('running');
    const disks = await this.disksNow();
    const going = await this.passUnderWay(disks);
    if (going === null) {
      // What a pass has sent that its own bitmaps no longer know of may be what nobody sends again.
      const isLost = await this.hasLostPass();
      await this.dropPass();
      const distrust = isLost ? brokenBitmaps : distrustOf({ sent: this.sent, disks, source: this.source, record: this.move.record });
      const dirty = this.sent.n === 0 || distrust !== '' ? null : await this.dirty();
      const gap = this.sent.n > 0 && distrust === '' && dirty === null ? brokenBitmaps : distrust;
      // Whole, but the record does not say so yet: a crash in between.
      const named = this.move.record.increment?.n ?? 0;
      if (gap === '' && this.sent.n === named + 1) return this.replication(dirty);
      await this.removeOldCheckpoints();
      const { pass, backup } = await this.begin(gap, disks);
      return this.carryOut(pass, backup);
    }
    return this.carryOut(going.pass, going.backup);
  }

  private async carryOut(pass: BegunPass, backup: Backup): Promise<Replication> {
    try {
      return await this.sendPass(pass, backup);
    } catch (error) {
      if (!PlacementError.isInstance(error) || isControlLost(error)) throw error;
      // A full copy that was stopped goes on where it is; what an increment has sent is sent again soon enough, and its job takes room here.
      if (error.code === 'interrupted' && pass.kind === 'increment') await this.dropPass().catch(() => undefined);
      if (error.code === 'platform') await this.refuseWhereItWentOff(error);
      throw error;
    }
  }

  /** Its QEMU is gone, and with it what it served. */
  private async refuseWhereItWentOff(cause: PlacementError): Promise<void> {
    const now = await this.reread().catch(() => null);
    const power = now?.power ?? 'unknown';
    if (power === 'running' || power === 'unknown') return;
    throw new PlacementError(
      'platform',
      `VM ${this.move.vm.name} reads as ${power} on ${placeText(this.move.source)}: it went off while its disks were copied.`,
      { vm: this.move.vm.name, next: 'pulumi up goes on from there', cause },
    );
  }

  async finish(): Promise<Outcome | Distrust> {
    this.refuseUnless('off');
    this.work.refuseUnlessPossible();
    if (await this.isFinished()) return this.outcome();
    this.refuseOntoOwnWrites();
    const disks = await this.disksNow();
    const added = this.work.copied.find(({ name }) => this.sent.disks[name] === undefined);
    const gap =
      this.sent.n === 0
        ? 'nothing was replicated yet'
        : distrustOf({ sent: this.sent, disks, source: this.source, record: this.move.record }) ||
          (added === undefined ? '' : `disk ${added.name} was added after the last increment`);
    if (gap !== '') return { reason: gap };
    return this.sendLast();
  }

  /** A pass that can go on where it was interrupted: what QEMU serves is what the disks held when it began. */
  private async passUnderWay(
    disks: Readonly<Record<string, SentDisk>>,
  ): Promise<{ readonly pass: BegunPass; readonly backup: Backup } | null> {
    const { pass, bad } = this.sent;
    const backup = await backupOf(this.work.from, this.move);
    if (pass === undefined || backup?.checkpoint !== pass.checkpoint || bad !== undefined || !isSent(pass.disks, disks)) return null;
    return this.source.checkpoints.includes(pass.checkpoint) ? { pass, backup } : null;
  }

  private async hasLostPass(): Promise<boolean> {
    const { pass } = this.sent;
    if (pass === undefined || !this.source.checkpoints.includes(pass.checkpoint)) return false;
    return (await dirtyBytes(this.work.from, this.source.copy.ref, pass.checkpoint)) === null;
  }

  /** One that cannot go on, and its checkpoint; also one that nothing is written down of. */
  private async dropPass(): Promise<void> {
    const { pass, ...sent } = this.sent;
    await this.run.checkLease();
    await endBackup(this.work.from, this.move);
    if (pass === undefined) return;
    await removeCheckpoints(this.work.from, this.source.copy.ref, [pass.checkpoint]);
    await removeScratch(this.work, this.move, pass);
    await this.save(sent);
  }

  /** What the record no longer names; only the newest is needed. */
  private async removeOldCheckpoints(): Promise<void> {
    const { checkpoint } = this.sent;
    const old = this.source.checkpoints.filter(
      (name) => isOwnCheckpoint(name) && name !== checkpoint && name !== this.sent.pass?.checkpoint,
    );
    await removeCheckpoints(this.work.from, this.source.copy.ref, old);
  }

  private async begin(
    gap: string,
    disks: Readonly<Record<string, SentDisk>>,
  ): Promise<{ readonly pass: BegunPass; readonly backup: Backup }> {
    const { work, move } = this;
    const isFull = this.sent.n === 0 || gap !== '';
    if (isFull) {
      // From here on nothing that stands on the target counts, whatever becomes of this pass.
      const { checkpoint, rate } = this.sent;
      await this.save({ ...nothingSent, rate });
      await removeCheckpoints(work.from, this.source.copy.ref, checkpoint === '' ? [] : [checkpoint]);
    }
    await this.run.checkLease();
    await work.growImages();
    await work.makeImages();
    await this.defineIncoming();
    await this.run.checkLease();
    const named = move.record.increment?.n ?? 0;
    const n = Math.max(this.sent.n, named) + 1;
    const sentDisks = withImages(disks, (name) => work.imageOf(name));
    const changed = Object.keys(sentDisks).filter((name) => this.sent.disks[name]?.image === sentDisks[name]?.image);
    const pass: BegunPass = {
      ...{ n, checkpoint: newCheckpoint(n), at: await hostClock(work.from), disks: sentDisks },
      ...{ kind: isFull ? 'full' : 'increment', distrust: gap, changed: isFull ? [] : changed, sentBefore: work.sent },
    };
    const { poweredOff: _off, last: _last, ...sent } = this.sent;
    await this.save({ ...sent, pass }, Object.keys(sentDisks));
    const all = this.source.images.filter(({ kind }) => kind === 'disk').map(({ disk }) => ({ name: disk }));
    const others = all.filter(({ name }) => sentDisks[name] === undefined);
    const begun = await beginBackup(work.from, move, { pass, since: isFull ? null : sent.checkpoint, disks: work.copied, others });
    if ('socket' in begun) return { pass, backup: begun };
    await this.save(sent);
    return this.begin(`${brokenBitmaps} (${begun.broken})`, disks);
  }

  /** It stands there from the first pass on, so that whoever looks finds it, and cannot be started. */
  private async defineIncoming(): Promise<void> {
    if (this.work.isDefinedAs('incoming')) return;
    await this.work.removeDefinition();
    await this.work.define(false);
  }

  private async sendPass(pass: BegunPass, { socket }: Backup): Promise<Replication> {
    const { work } = this;
    const [began, before] = [performance.now(), work.sent];
    for (const disk of work.copied) {
      const image = work.imageOf(disk.name);
      if (image?.made == null || pass.disks[disk.name] === undefined)
        throw this.refuse(`its disk ${disk.name} was added while it was copied`, 'pulumi up copies it');
      if (image.durable >= disk.virtualBytes) continue;
      await work.send(disk, {
        ...{ image, pathThere: image.made.path, pass: pass.n, sentBefore: pass.sentBefore },
        served: { socket, name: disk.name },
        ...(pass.changed.includes(disk.name) ? { bitmap: `backup-${disk.name}` } : {}),
      });
    }
    await this.run.checkLease();
    const durationMs = Math.max(1, Math.round(performance.now() - began));
    const bytes = work.sent - before;
    const { n, checkpoint, at, disks, kind, distrust } = pass;
    const rate = bytes >= enoughBytes ? Math.round((bytes / durationMs) * 1000) : this.sent.rate;
    await this.save({ n, checkpoint, at, disks, kind, distrust, durationMs, rate });
    await endBackup(work.from, this.move);
    return this.replication(await this.dirty());
  }

  private dirty(): Promise<ReadonlyMap<string, number> | null> {
    return dirtyBytes(this.work.from, this.source.copy.ref, this.sent.checkpoint);
  }

  private replication(dirty: ReadonlyMap<string, number> | null): Replication {
    const { n, disks, durationMs, kind, distrust, rate } = this.sent;
    const { bandwidthBytesPerSecond: limit } = this.move.record.options;
    const changed = dirty ?? new Map(this.work.copied.map(({ name, allocatedBytes }) => [name, allocatedBytes]));
    return {
      ...{ n, kind, distrust, durationMs, waiting: false },
      images: Object.fromEntries(Object.entries(disks).map(([name, { image }]) => [name, image])),
      bytes: this.uncounted,
      dirtyBytes: [...changed].reduce((sum, [name, bytes]) => (disks[name] === undefined ? sum : sum + bytes), 0),
      bytesPerSecond: Math.min(rate === 0 ? this.work.linkRate : rate, limit ?? Infinity),
    };
  }

  private async sendLast(): Promise<Outcome | Distrust> {
    const { work, move } = this;
    const began = performance.now();
    const sources = await work.sourcesNow();
    // What an earlier run has sent of it holds as long as nobody has written to the images.
    const isSame =
      this.sent.last !== undefined &&
      Object.entries(sources).every(([name, source]) => source !== '' && this.sent.last?.sources[name] === source);
    const last: LastPass = { sources, sentBefore: isSame ? (this.sent.last?.sentBefore ?? work.sent) : work.sent, durationMs: null };
    await this.run.checkLease();
    // Not to be started while it is half of what it was and half of what it will be.
    if (work.isDefinedAs('whole')) {
      await work.removeDefinition();
      await work.define(false);
    }
    await work.removeOtherImages();
    await work.growImages();
    const { pass: _dropped, ...sent } = this.sent;
    await this.save({ ...sent, last }, isSame ? [] : work.copiedNames);
    const { verify } = move.record.options;
    for (const disk of work.copied) {
      const image = work.imageOf(disk.name);
      if (image?.made == null) throw this.refuse(`its disk ${disk.name} has no image on the target`, 'pulumi up');
      try {
        await work.send(disk, {
          ...{ image, pathThere: image.made.path, pass: this.sent.n + 1, sentBefore: last.sentBefore },
          bitmap: this.sent.checkpoint,
          ...(verify === 'off' ? {} : { verify: verify === 'full' ? ('all' as const) : ('sent' as const) }),
        });
      } catch (error) {
        if (!PlacementError.isInstance(error)) throw error;
        if (/[Bb]itmap .*(not found|inconsistent|cannot be used)/.test(error.message))
          return this.distrusted(`${brokenBitmaps} (${error.said})`);
        if (/ differ at byte /.test(error.message))
          await this.save({ ...this.sent, bad: `verifying found that disk ${disk.name} of the target differs from the source` });
        throw error;
      }
    }
    await work.refuseChangedSince(sources);
    await this.run.checkLease();
    await work.copyState();
    await this.run.checkLease();
    await work.removeDefinition();
    await work.define();
    await this.save({ ...this.sent, last: { ...last, durationMs: Math.round(performance.now() - began) } });
    return this.outcome();
  }

  private async distrusted(reason: string): Promise<Distrust> {
    await this.save({ ...this.sent, bad: reason });
    return { reason };
  }

  private async isFinished(): Promise<boolean> {
    const { last, pass, bad } = this.sent;
    if (last?.durationMs == null || pass !== undefined || bad !== undefined || !this.work.isDefinedAs('whole')) return false;
    for (const [name, { image }] of Object.entries(this.sent.disks)) if ((await this.work.imageThere(name)) !== image) return false;
    const now = await this.work.sourcesNow();
    return Object.entries(now).every(([name, source]) => source !== '' && last.sources[name] === source);
  }

  private outcome(): Outcome {
    return {
      target: this.work.targetRef,
      bytes: this.uncounted,
      durationMs: this.sent.last?.durationMs ?? 0,
      ...{ started: false, sourceGone: false, method: this.move.method, warnings: [] },
    };
  }

  private get uncounted(): number {
    return Math.max(0, this.work.sent - this.move.record.bytes);
  }

  private get source(): NonNullable<MoveOnTarget['sourceReading']> {
    const { sourceReading } = this.work;
    if (sourceReading === null) throw this.refuse(`it is not found on ${placeText(this.move.source)}`, 'look at the hosts');
    return sourceReading;
  }

  private disksNow(): Promise<Readonly<Record<string, SentDisk>>> {
    return disksNow(this.work.from, this.work.copied, (name) => this.work.imageThere(name));
  }

  private async save(sent: StagedWork, restarted: readonly string[] = []): Promise<void> {
    this.sent = sent;
    await this.work.saveStaged(sent, restarted);
  }

  private refuseUnless(power: 'running' | 'off'): void {
    if (this.work.power === power) return;
    throw new PlacementError(
      'not-possible',
      `VM ${this.move.vm.name} reads as ${this.work.power} on ${placeText(this.move.source)}, it must be ${power === 'off' ? 'off' : 'running'}.`,
      { vm: this.move.vm.name },
    );
  }

  /** Somebody has started the copy on the target. */
  private refuseOntoOwnWrites(): void {
    this.work.refuseWhereItRan('nothing is copied onto what it has written', 'look at both copies; keep the right one');
  }

  private refuse(why: string, next: string): PlacementError {
    return new PlacementError('platform', `VM ${this.move.vm.name}: ${why}.`, { vm: this.move.vm.name, next });
  }
}

const brokenBitmaps = 'its dirty bitmaps are broken';

/** Below that what a pass takes says more of its beginning and end than of the way. */
const enoughBytes = 8 * 1024 ** 2;

/** With the images that they are sent to. */
function withImages(
  disks: Readonly<Record<string, SentDisk>>,
  imageOf: (name: string) => CopiedImage | undefined,
): Readonly<Record<string, SentDisk>> {
  return Object.fromEntries(
    Object.entries(disks).map(([name, disk]) => {
      const made = imageOf(name)?.made;
      return [name, { ...disk, image: made == null ? '' : imageName(made) }];
    }),
  );
}
