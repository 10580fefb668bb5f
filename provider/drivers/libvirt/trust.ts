/** Whether what was sent so far may be built upon: the VM compared with what it was when the last pass began (rules.md §6.3). */
import type { MigrationRecord } from '../../core/record.js';
import type { Disk } from '../../core/inventory.js';
import { PlacementError } from '../../core/errors.js';
import { chains } from './backing.js';
import type { Connection } from './connection.js';
import type { SentDisk, StagedWork } from './metadata.js';
import { quote } from './quote.js';
import type { UncleanEnd } from './power-log.js';
import type { DomainReading } from './survey-domain.js';

/** The disks as they are now, by their names. */
export async function disksNow(
  on: Connection,
  disks: readonly Disk[],
  imageThere: (disk: string) => Promise<string>,
): Promise<Readonly<Record<string, SentDisk>>> {
  const [below, there] = await Promise.all([chains(on, disks), Promise.all(disks.map(({ name }) => imageThere(name)))]);
  return Object.fromEntries(
    disks.map(({ name, path, virtualBytes }, index) => [
      name,
      { path, chain: below[index] ?? unread(on, path), virtualBytes, image: there[index] ?? '' },
    ]),
  );
}

function unread({ target }: Connection, path: string): never {
  throw new PlacementError('platform', `Host ${target.name} does not tell what the image ${path} lies on.`, {
    next: `qemu-img info -U --backing-chain ${quote(path)}, on that host`,
  });
}

/** The same disks, images, chains and sizes. */
export function isSent(then: Readonly<Record<string, SentDisk>>, now: Readonly<Record<string, SentDisk>>): boolean {
  const names = Object.keys(now);
  return (
    names.length === Object.keys(then).length &&
    names.every((name) => changeOf(name, then[name], now[name]) === '' && then[name]?.virtualBytes === now[name]?.virtualBytes)
  );
}

function changeOf(name: string, then: SentDisk | undefined, now: SentDisk | undefined): string {
  if (then === undefined || now === undefined) return '';
  if (now.chain.join('\n') !== then.chain.join('\n'))
    return now.path === then.path || now.chain.includes(then.path)
      ? `the image chain of disk ${name} was changed by others`
      : `disk ${name} was replaced`;
  if (now.path !== then.path) return `disk ${name} was replaced`;
  if (now.virtualBytes < then.virtualBytes) return `disk ${name} was shrunk`;
  return now.image === then.image ? '' : `the target's image of disk ${name} is not the one that was sent`;
}

interface Compared {
  readonly sent: StagedWork;
  readonly disks: Readonly<Record<string, SentDisk>>;
  readonly source: DomainReading;
  readonly record: MigrationRecord;
}

/** Why an increment would leave a silent gap; empty when it would not. */
export function distrustOf({ sent, disks, source, record: { increment: named } }: Compared): string {
  if (sent.bad !== undefined) return sent.bad;
  if (named !== null && sent.n < named.n) return `the target holds increment ${sent.n}, the record names ${named.n}`;
  if (sent.n === 0) return '';
  if (!source.checkpoints.includes(sent.checkpoint)) return 'its checkpoint is gone';
  const ends = source.uncleanEnds ?? [];
  // Of one that runs its QEMU knows: it refuses bitmaps that are broken.
  if (source.uncleanEnds === null && source.copy.power !== 'running') return 'its log could not be read, so how it went off is not known';
  if (ends.some((end) => end.atMs > sent.at && !isOwn(end, sent, ends)))
    return 'its dirty bitmaps are not trusted: it went off in another way than by a shutdown of the guest (crash, forced power-off or power loss)';
  for (const [name, now] of Object.entries(disks)) {
    const change = changeOf(name, sent.disks[name], now);
    if (change !== '') return change;
    // The record may be one pass behind (a crash before it was written), never about another image.
    if (sent.disks[name] !== undefined && named?.n === sent.n && named.images[name] !== now.image)
      return `the target's image of disk ${name} is not the one that the record names`;
  }
  return '';
}

/** The first power-off after this move has sent one. */
const isOwn = (end: UncleanEnd, { poweredOff }: StagedWork, all: readonly UncleanEnd[]): boolean =>
  poweredOff !== undefined && end.wasPoweredOff && all.find(({ atMs }) => atMs > poweredOff - clockSlackMs) === end;

/** Between the time of a request and that of its entry in the log, both by the clock of the host. */
const clockSlackMs = 1000;
