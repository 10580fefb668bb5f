/** What one move makes on its target: images, firmware variables, the definition. What stands there is written down with the source. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { Move, Run } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { copiedDisks } from '../../core/estimate.js';
import {
  isKnown,
  isUnknown,
  placeText,
  samePlace,
  unknown,
  type CopyRef,
  type Disk,
  type HostFacts,
  type Maybe,
  type Place,
  type Power,
} from '../../core/inventory.js';
import { reach, throughput } from '../../core/link.js';
import type { Connection } from './connection.js';
import { incomingText, withBlock } from './block.js';
import { copyInProcess, stopped } from './copy-process.js';
import { targetDefinition } from './definition.js';
import { changeState, defineFed, definitionAt, locked, virsh, withState } from './domain-state.js';
import { ask, tell } from './host-shell.js';
import type { ImageCopy } from './image-copy.js';
import { imageName, nothing, type CopiedImage, type DomainState, type MoveWork, type StagedWork } from './metadata.js';
import { copyNvram } from './nvram.js';
import { quote, script } from './quote.js';
import { needLease } from './records.js';
import { refused } from './refused.js';
import { otherPath, sharingDoubt } from './storage.js';
import type { DatacenterReading } from './survey.js';
import type { DomainReading } from './survey-domain.js';
import type { PoolPlace } from './survey-host.js';
import { copiesOf } from './survey-vms.js';
import { nvramThatStays, undefine } from './undefine.js';
import { begunVolume, createVolume, growVolume, imageAt, isVolume, removeVolume, takenVolume, type NewVolume } from './volumes.js';

export interface Parts {
  readonly read: () => Promise<DatacenterReading>;
  readonly connectionTo: (host: string) => Connection;
}

/** What one move has made on its target, as it is kept with the source. */
export class MoveOnTarget {
  readonly from: Connection;
  readonly to: Connection;
  private readonly source: DomainReading | null;
  private readonly target: DomainReading | null;
  private disks: Record<string, CopiedImage>;
  private nvram: string | undefined;
  private job: true | undefined;
  private sentPasses: StagedWork | undefined;
  /** Disks of a VM that is off go from host to host; as far as it is known, until it fails. */
  private isDirect: boolean;

  constructor(
    parts: Parts,
    private readonly move: Move,
    private readonly run: Run,
    private readonly reading: DatacenterReading,
  ) {
    this.from = parts.connectionTo(move.source.host);
    this.to = parts.connectionTo(move.target.host);
    const copies = copiesOf(reading.domains, move.vm.uuid);
    this.source = copies.find(({ copy }) => samePlace(copy.ref, move.source)) ?? null;
    this.target = copies.find(({ copy }) => samePlace(copy.ref, move.target)) ?? null;
    const kept = this.source?.state.state.work;
    const ours = kept?.moveId === move.record.moveId ? kept : undefined;
    this.disks = { ...ours?.disks };
    this.nvram = ours?.nvram;
    this.job = ours?.job;
    this.sentPasses = ours?.staged;
    this.isDirect = reach(reading.datacenter, move.source, move.target).direct === 'yes';
  }

  get sent(): number {
    return Object.values(this.disks).reduce((sum, { sent }) => sum + sent, 0);
  }

  get targetRef(): CopyRef {
    return { ...this.move.target, platformId: this.move.vm.uuid, moveId: this.move.record.moveId };
  }

  /** Of the link, bytes per second; nothing was measured yet. */
  get linkRate(): number {
    const { bytesPerSecond } = throughput(this.reading.datacenter, this.move.source, this.move.target, null);
    return isKnown(bytesPerSecond) ? bytesPerSecond : assumedRate;
  }

  /** Of its images there that the move made. */
  get targetBytes(): number {
    const disks = this.target?.details.disks ?? [];
    const made = isKnown(disks) ? disks.filter(({ name }) => Object.hasOwn(this.disks, name)) : [];
    return made.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  }

  get memoryBytes(): number {
    const bytes = this.source?.details.memoryBytes ?? 0;
    return isKnown(bytes) ? bytes : 0;
  }

  /** Of the source. */
  get power(): Power {
    return this.source?.copy.power ?? 'unknown';
  }

  /** A migration of this move was begun. */
  get hasJob(): boolean {
    return this.job === true;
  }

  /** Hot: it runs on the target, and no longer on the source. */
  get hasArrived(): boolean {
    return this.isLabelled && this.target?.copy.power === 'running' && this.power !== 'running';
  }

  get copiedNames(): readonly string[] {
    return this.copied.map(({ name }) => name);
  }

  /** As its host was read. */
  get sourceReading(): DomainReading | null {
    return this.source;
  }

  /** Of a staged move. */
  get staged(): StagedWork | undefined {
    return this.sentPasses;
  }

  imageOf(disk: string): CopiedImage | undefined {
    return this.disks[disk];
  }

  private get isLabelled(): boolean {
    return this.target?.state.state.label?.moveId === this.move.record.moveId;
  }

  saveJob(): Promise<void> {
    return this.save({ job: true });
  }

  /** It has ended, whatever it has left: a migration that others begin later is not it. */
  forgetJob(): Promise<void> {
    this.job = undefined;
    return this.save({});
  }

  /** Of the image of a disk as it is on the target now, empty where this move has none there. */
  async imageThere(disk: string): Promise<string> {
    const made = this.disks[disk]?.made;
    return made != null && (await this.isOurs(made)) ? imageName(made) : '';
  }

  /** @param restarted disks of which nothing that was copied counts any more. */
  async saveStaged(staged: StagedWork, restarted: readonly string[] = []): Promise<void> {
    const again = restarted.flatMap((name): [string, CopiedImage][] => {
      const image = this.disks[name];
      return image === undefined ? [] : [[name, { ...image, durable: 0 }]];
    });
    this.sentPasses = staged;
    await this.save({ disks: { ...this.disks, ...Object.fromEntries(again) } });
  }

  /** By this move. */
  isDefined(): boolean {
    if (this.target === null) return false;
    if (this.isLabelled) return true;
    throw this.refuse(
      `${placeText(this.move.target)} already has a definition of it, which is not of this move`,
      'look which one is the right one',
    );
  }

  /** It is defined last. Disks that were added, replaced or resized since, or written to, are not there as they are now. */
  async isComplete(): Promise<boolean> {
    const there = this.target?.details.disks;
    if (!this.isDefined() || there === undefined || isUnknown(there)) return false;
    const [disks, copied] = [this.allDisks(), this.copied];
    const isThere = (disk: Disk): boolean =>
      there.some(
        ({ name, path, format, virtualBytes }) =>
          name === disk.name &&
          path === (this.pathThere(disk) ?? disk.path) &&
          format === disk.format &&
          virtualBytes === disk.virtualBytes,
      );
    if (there.length !== disks.length || Object.keys(this.disks).length !== copied.length || !disks.every(isThere)) return false;
    if (this.target?.blockedBy !== null) return false;
    for (const disk of copied) if (!(await this.isCopied(disk))) return false;
    return true;
  }

  /** As it is now; in a folder that is closed to the login nothing tells that, so it counts as changed. */
  private async isCopied(disk: Disk): Promise<boolean> {
    const kept = this.disks[disk.name];
    if (kept?.made == null || kept.durable < disk.virtualBytes || !(await this.isOurs(kept.made))) return false;
    const source = await this.sourceOf(disk);
    return source !== '' && kept.source === source;
  }

  /** Identity and last change of each image of the source, by the disk's name; empty where nothing tells. */
  async sourcesNow(): Promise<Readonly<Record<string, string>>> {
    const all = await Promise.all(this.copied.map(async (disk) => [disk.name, await this.sourceOf(disk)] as const));
    return Object.fromEntries(all);
  }

  async refuseChangedSince(sources: Readonly<Record<string, string>>): Promise<void> {
    const now = await this.sourcesNow();
    const changed = Object.keys(now).find((name) => now[name] !== sources[name]);
    if (changed !== undefined) throw this.changed(changed);
  }

  /** With the disks that it has now; as a copy that may be started, or not. */
  isDefinedAs(what: 'whole' | 'incoming'): boolean {
    return this.isDefinedAsNow() && (this.target?.blockedBy === null) === (what === 'whole');
  }

  private isDefinedAsNow(): boolean {
    if (!this.isDefined()) return false;
    const there = this.target?.images.filter(({ kind }) => kind === 'disk') ?? [];
    const disks = this.allDisks();
    return (
      there.length === disks.length &&
      disks.every((disk) => there.some(({ disk: name, path }) => name === disk.name && path === (this.pathThere(disk) ?? disk.path)))
    );
  }

  refuseUnlessPossible(): void {
    for (const place of [this.move.source, this.move.target])
      if (this.isUnread(place)) throw this.refuse(`${placeText(place)} cannot be read`, 'pulumi up when that host answers');
    if (this.source === null) throw this.refuse(`it is not found on ${placeText(this.move.source)}`, 'look at the hosts');
    // One of this move gives way.
    this.isDefined();
    for (const disk of this.copied) {
      const doubt = sharingDoubt(disk, this.poolsThere);
      if (doubt !== null)
        throw this.refuse(
          `it is not known whether disk ${disk.name} (${disk.path}) lies on storage that ${placeText(this.move.target)} sees too: ${doubt}`,
          'pulumi up again when both hosts read the same there; or move it to a pool on a local file system first',
        );
    }
  }

  /** What an attempt before has defined there; its images stay, for what has not changed of them. */
  async removeDefinition(): Promise<void> {
    if (this.target === null || !this.isDefined()) return;
    this.refuseWhereItRan();
    // Firmware variables are those of this move, which are written again, or lie where the source has them too.
    await undefine(this.to, this.targetRef, 'keep');
  }

  /** New images, which hold nothing yet. What is there already, and is not of this move, is not touched. */
  async makeImages(): Promise<void> {
    await this.removeOtherImages();
    for (const disk of this.copied) {
      const known = this.disks[disk.name];
      if (await this.hasImage(disk, known)) continue;
      const image: CopiedImage = {
        made: null,
        durable: 0,
        sent: known?.sent ?? 0,
        source: await this.sourceOf(disk),
      };
      await this.save({ disks: { ...this.disks, [disk.name]: image } });
      const volume = this.volumeOf(disk, known);
      const made = await createVolume(this.to, this.move.target, volume);
      if (made === 'taken') {
        // Not to be taken for one that this move was about to make.
        await this.forgetDisk(disk.name);
        throw takenVolume(this.move.target, volume);
      }
      await this.save({ disks: { ...this.disks, [disk.name]: { ...image, made: { ...made, id: randomUUID() } } } });
    }
  }

  /** Of disks that the VM does not have any more, or that are not copied any more. */
  async removeOtherImages(): Promise<void> {
    const names = this.copiedNames;
    for (const [name, image] of Object.entries(this.disks)) {
      if (names.includes(name)) continue;
      await this.removeImage(name, image);
      await this.forgetDisk(name);
    }
  }

  /** One that was made for the disk as it was before it was resized or replaced gives way. */
  private async hasImage(disk: Disk, known: CopiedImage | undefined): Promise<boolean> {
    if (known?.made == null || !(await this.isOurs(known.made))) return false;
    const { target } = this.move;
    if (await isVolume(this.to, target, this.volumeOf(disk, known), known.made.path)) return true;
    await removeVolume(this.to, target, known.made.path);
    return false;
  }

  private volumeOf({ pool, path, virtualBytes: bytes, format }: Disk, known: CopiedImage | undefined): NewVolume {
    const { storage } = this.move.record.options;
    const poolThere = (Object.hasOwn(storage, pool) ? storage[pool] : undefined) ?? pool;
    return { pool: poolThere, name: basename(path), bytes, format, begun: known?.made === null };
  }

  private forgetDisk(name: string): Promise<void> {
    const { [name]: _gone, ...others } = this.disks;
    return this.save({ disks: others });
  }

  async copyImages(): Promise<void> {
    for (const disk of this.copied) {
      const kept = this.disks[disk.name];
      if (kept?.made == null) throw this.refuse(`its disk ${disk.name} was added while it was copied`, 'pulumi up copies it');
      const source = await this.sourceOf(disk);
      // Written to since, or in a folder that is closed to the login, where nothing tells: what was copied of it is worth nothing.
      const image = source !== '' && kept.source === source ? kept : { ...kept, durable: 0, source };
      if (image !== kept) await this.save({ disks: { ...this.disks, [disk.name]: image } });
      await this.copyImage(disk, image, kept.made.path);
    }
    await this.refuseChanged();
  }

  /** Where nothing tells, only what the VM itself writes is known, by its power. */
  private async refuseChanged(): Promise<void> {
    for (const disk of this.copied) {
      const then = this.disks[disk.name]?.source ?? '';
      if (then !== '' && (await this.sourceOf(disk)) !== then) throw this.changed(disk.name);
    }
  }

  private changed(disk: string): PlacementError {
    return this.refuse(
      `its disk ${disk} was changed on ${placeText(this.move.source)} while it was copied: the copy is void`,
      'find out who changed it, then pulumi up copies it again',
    );
  }

  private copyImage(disk: Disk, image: CopiedImage, pathThere: string): Promise<void> {
    return this.send(disk, { image, pathThere, pass: 1, sentBefore: 0 });
  }

  /** @param how with what of it is sent; `sentBefore` is what this move had sent before this pass, for the progress. */
  async send(
    { name, path, format }: Disk,
    { image, pathThere, pass, sentBefore, ...how }: Pick<ImageCopy, 'served' | 'bitmap' | 'verify'> & Sending,
  ): Promise<void> {
    if (format !== 'qcow2' && format !== 'raw')
      throw this.refuse(`its disk ${name} is of the format ${format}, which is not copied`, 'convert it to qcow2 or raw first');
    const { signal, emit } = this.run;
    const before = this.sent - sentBefore;
    const vm = this.move.vm.name;
    const { bandwidthBytesPerSecond: bytesPerSecond } = this.move.record.options;
    let { durable, sent } = image;
    const save = (): Promise<void> => this.save({ disks: { ...this.disks, [name]: { ...image, durable, sent } } });
    const copy: ImageCopy = {
      ...{ path, pathThere, format, signal, ...how },
      id: `${this.move.record.moveId} ${name}`,
      direct: this.isDirect,
      onRelayed: (why) => {
        this.isDirect = false;
        emit({ kind: 'notice', vm, message: `Its disks travel through this machine. ${why}` });
      },
      start: image.durable,
      bytesPerSecond,
      onDurable: (offset) => {
        durable = offset;
        return save();
      },
      onProgress: ({ bytes, total, rate }) => {
        sent = image.sent + bytes;
        // What one look caught up on is no rate.
        const most = bytesPerSecond ?? rate;
        emit({
          kind: 'progress',
          vm,
          step: this.move.record.step,
          bytes: before + bytes,
          total: before + total,
          rate: Math.min(rate, most),
          pass,
        });
      },
    };
    await copyInProcess(copy, { from: this.from, to: this.to });
    await save();
    // Asked for while the end of the copy was on its way.
    if (signal.aborted) throw stopped(path);
  }

  /** Images that have become too small for their disks. What they hold stays. */
  async growImages(): Promise<void> {
    for (const disk of this.copied) {
      const made = this.disks[disk.name]?.made;
      if (made == null || !(await this.isOurs(made))) continue;
      await growVolume(this.to, this.move.target, made.path, disk.virtualBytes);
    }
  }

  async copyState(): Promise<void> {
    const files = this.source?.details.stateFiles;
    const nvram = files !== undefined && isKnown(files) ? files.find(({ kind }) => kind === 'nvram') : undefined;
    if (nvram === undefined) return;
    await copyNvram({ from: this.from, to: this.to, at: this.move.target, path: nvram.path, isOurs: this.nvram === nvram.path }, () =>
      this.save({ nvram: nvram.path }),
    );
  }

  /** Not started, and marked as what this move makes. @param isWhole it may be started. */
  async define(isWhole = true): Promise<void> {
    const whole = await this.definition('inactive');
    const xml = isWhole ? whole : withBlock(whole, incomingText(this.move.record.moveId));
    if (xml === null)
      throw this.refuse('it has a SLIC table of its own, in whose place the block of its copy would have to stand', 'move it cold');
    const text = `
${ask(`domstate ${quote(this.move.vm.uuid)}`)}
case $out in
error:*'failed to get domain'* | error:*'Domain not found'*) ;;
error:*) ${tell}; exit 1 ;;
*) exit ${THERE} ;;
esac
${defineFed}`;
    const done = await this.to.shell.run(locked(this.to, text), { stdin: xml });
    if (done.code === THERE) throw this.refuse(`somebody has defined it on ${placeText(this.move.target)} meanwhile`, 'look who did');
    if (done.code !== 0) throw refused(this.move.target, done);
  }

  async remove(): Promise<void> {
    const { target, move } = this;
    // What was made is written down with the source.
    if (this.isUnread(move.source))
      throw this.refuse(`${placeText(move.source)} cannot be read, so what the move left stays`, 'try again when that host answers');
    if (target === null && Object.keys(this.disks).length === 0 && !this.hasJob) return;
    if (this.isUnread(move.target))
      throw this.refuse(`${placeText(move.target)} cannot be read, so what the move left there stays`, 'try again when that host answers');
    const isOurs = this.isLabelled;
    if (isOurs) this.refuseWhereItRan();
    // Firmware variables are removed with a definition that names them.
    if (target === null && this.nvram !== undefined && this.source !== null) await this.define();
    if (isOurs && target !== null && target.copy.power !== 'off')
      await this.to.exec(script(`export LC_ALL=C; ${virsh(this.to)} destroy ${quote(move.vm.uuid)}`));
    // Those that this move did not write may be those of the source.
    const keeps =
      this.nvram === undefined && target !== null && (move.method === 'staged' || nvramThatStays(target, this.poolsThere) !== null);
    if (isOurs || (target === null && this.nvram !== undefined)) await undefine(this.to, this.targetRef, keeps ? 'keep' : 'remove');
    for (const [name, image] of Object.entries(this.disks)) await this.removeImage(name, image);
    [this.nvram, this.job, this.sentPasses] = [undefined, undefined, undefined];
    if (this.source !== null) await this.save({ disks: {} });
  }

  refuseWhereItRan(so = 'this move cannot be cancelled any more', next = 'move it back with a new move'): void {
    const { target, move } = this;
    if (target?.copy.role !== 'live') return;
    throw new PlacementError('not-possible', `VM ${move.vm.name} has run on ${placeText(move.target)}: ${so}.`, { vm: move.vm.name, next });
  }

  private async removeImage(name: string, image: CopiedImage): Promise<void> {
    const { made } = image;
    if (made !== null && !(await this.isOurs(made))) return;
    const path = made === null ? await this.begunImage(name, image) : made.path;
    if (path !== null) await removeVolume(this.to, this.move.target, path);
  }

  /** Made by a run that died before it could write it down. */
  private async begunImage(name: string, image: CopiedImage): Promise<string | null> {
    const disks = this.source?.details.disks ?? [];
    const disk = isKnown(disks) ? disks.find((one) => one.name === name) : undefined;
    return disk === undefined ? null : begunVolume(this.to, this.move.target, this.volumeOf(disk, image));
  }

  /** @param of the inactive domain, or of the one that runs, as it is migrated. */
  async definition(of: 'inactive' | 'live'): Promise<string> {
    const read = await definitionAt(this.from, this.move.vm.uuid, { which: of === 'live' ? '--migratable' : '--inactive' });
    if (read.code !== 0) throw refused(this.move.source, read);
    const disks = this.allDisks().flatMap((disk) => {
      const path = this.pathThere(disk);
      return path === null ? [] : [[disk.name, path] as const];
    });
    const host = this.reading.datacenter.hosts.find(({ name }) => name === this.move.target.host);
    // A target that runs as soon as it is there tells by itself whose it is.
    const { work: _work, ...kept } = this.move.method === 'hot' ? (this.source?.state.state ?? nothing) : nothing;
    const label: DomainState['label'] = { role: 'incoming', moveId: this.move.record.moveId, at: Date.parse(host?.observedAt ?? '') };
    return targetDefinition(read.stdout, {
      disks: Object.fromEntries(disks),
      networks: this.move.record.options.networks,
      state: { ...kept, v: 1, label },
    });
  }

  /** null: the same. */
  private pathThere(disk: Disk): string | null {
    return this.copiedNames.includes(disk.name) ? (this.disks[disk.name]?.made?.path ?? null) : otherPath(disk, this.poolsThere);
  }

  private isUnread(place: Place): boolean {
    const host = this.reading.datacenter.hosts.find(({ name }) => name === place.host);
    return host === undefined || isUnknown(host.facts);
  }

  /** Those on storage that both hosts see stay where they are. */
  get copied(): readonly Disk[] {
    return copiedDisks(this.allDisks(), this.targetFacts);
  }

  private allDisks(): readonly Disk[] {
    const disks = this.source?.details.disks;
    if (disks === undefined || isUnknown(disks))
      throw this.refuse(`its disks could not be read${disks === undefined ? '' : `: ${disks.unknown}`}`, 'look at the host');
    return disks;
  }

  private get targetFacts(): Maybe<HostFacts> {
    return this.reading.datacenter.hosts.find(({ name }) => name === this.move.target.host)?.facts ?? unknown('there is no such host');
  }

  private get poolsThere(): readonly PoolPlace[] {
    return this.reading.pools.get(this.move.target.host) ?? [];
  }

  private async isOurs({ path, image }: { readonly path: string; readonly image: string }): Promise<boolean> {
    return image === '' || (await imageAt(this.to, path)) === image;
  }

  private async sourceOf({ path }: Disk): Promise<string> {
    const { code, stdout } = await this.from.exec(script(`stat -L -c '%i %y' -- ${quote(path)}`), { repeatable: true });
    return code === 0 ? stdout.trim() : '';
  }

  /** With the source, by whoever holds its lease. */
  private async save(change: Partial<Omit<MoveWork, 'moveId'>>): Promise<void> {
    if (change.disks !== undefined) this.disks = change.disks;
    if (change.nvram !== undefined) this.nvram = change.nvram;
    if (change.job !== undefined) this.job = change.job;
    const { moveId } = this.move.record;
    await changeState(this.from, this.move.vm, (kept) => {
      needLease(kept, this.move.vm.name, this.run.holder);
      const { disks, nvram, job, sentPasses: staged } = this;
      const isNothing = Object.keys(disks).length === 0 && nvram === undefined && job === undefined && staged === undefined;
      const work: MoveWork = {
        ...{ moveId, disks },
        ...(nvram === undefined ? {} : { nvram }),
        ...(job === undefined ? {} : { job }),
        ...(staged === undefined ? {} : { staged }),
      };
      return { next: withState(kept.state, { work: isNothing ? undefined : work }), result: undefined };
    });
  }

  private refuse(why: string, next: string): PlacementError {
    return new PlacementError('platform', `VM ${this.move.vm.name}: ${why}.`, { vm: this.move.vm.name, next });
  }
}

interface Sending {
  readonly image: CopiedImage;
  readonly pathThere: string;
  /** Number of the pass. */
  readonly pass: number;
  readonly sentBefore: number;
}

const THERE = 80;
/** Of a link of 1 Gbit/s. */
const assumedRate = 110 * 1024 ** 2;
