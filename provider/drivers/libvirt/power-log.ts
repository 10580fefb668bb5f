/** When a domain's power changed, and why: libvirt writes it into the domain's log, and tells it nowhere else. */
import { iso } from '../../core/clock.js';
import { unknown, type ChangeCause, type Copy, type Power } from '../../core/inventory.js';

interface Entry {
  /** By the clock of the host. */
  readonly atMs: number;
  readonly what: 'started' | 'stopped';
  readonly reason: string;
}

/** The VM went off in another way than by a shutdown of the guest: dirty bitmaps may be broken since. */
export interface UncleanEnd {
  /** When; where only its next start tells of it, when that was. */
  readonly atMs: number;
  readonly wasPoweredOff: boolean;
}

interface Logged {
  /** The last entry that tells of the power; `null`: there is no log, so it never ran on this host. */
  readonly last: Entry | null;
  /** Oldest first. */
  readonly unclean: readonly UncleanEnd[];
}

/** By the name of the domain. */
export type PowerLog = ReadonlyMap<string, Logged>;

const folder = '/var/log/libvirt/qemu/';
const absent = /^grep: (.*)\.log: No such file or directory$/;
const entry = /^(.*)\.log:(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3})([+-]\d\d)(\d\d): (?:starting up libvirt |shutting down, reason=(\w+)$)/;

/** What `grep -H` found in the logs. One that could not be read, or no longer has such a line, is not in the answer. */
export function powerLogOf(text: string): PowerLog {
  const found = new Map<string, readonly Entry[]>();
  for (const line of text.split('\n')) {
    const none = absent.exec(line)?.[1];
    if (none !== undefined) found.set(nameOf(none), []);
    const [, path = '', day = '', time = '', hours = '', minutes = '', reason] = entry.exec(line) ?? [];
    if (path === '') continue;
    const atMs = Date.parse(`${day}T${time}${hours}:${minutes}`);
    const before = found.get(nameOf(path)) ?? [];
    const next: Entry = { atMs, what: reason === undefined ? 'started' : 'stopped', reason: reason ?? '' };
    // A start that failed, as that of a blocked source, is none: its CPUs never ran.
    if (reason === 'failed') found.set(nameOf(path), before.at(-1)?.what === 'started' ? before.slice(0, -1) : before);
    else found.set(nameOf(path), [...before, next]);
  }
  return new Map([...found].map(([name, entries]) => [name, { last: entries.at(-1) ?? null, unclean: uncleanIn(entries) }]));
}

function uncleanIn(entries: readonly Entry[]): readonly UncleanEnd[] {
  return entries.flatMap(({ what, reason, atMs }, index): UncleanEnd[] => {
    const isUnclean = what === 'stopped' ? reason !== 'shutdown' : entries[index - 1]?.what === 'started';
    return isUnclean ? [{ atMs, wasPoweredOff: reason === 'destroyed' }] : [];
  });
}

/** null: its log could not be read. One that is off without a word of its end has had one that is not clean. */
export function uncleanEnds(log: PowerLog, { name, power }: Pick<Seen, 'name' | 'power'>): readonly UncleanEnd[] | null {
  const logged = log.get(name);
  if (logged === undefined) return null;
  const { last, unclean } = logged;
  const isUp = power !== 'off' && power !== 'crashed' && power !== 'saved';
  return isUp || last?.what !== 'started' ? unclean : [...unclean, { atMs: Infinity, wasPoweredOff: false }];
}

const nameOf = (path: string): string => path.slice(folder.length);

const causes: Readonly<Record<string, ChangeCause>> = {
  shutdown: 'guest-shutdown',
  destroyed: 'destroyed',
  crashed: 'crashed',
  migrated: 'migrated',
  saved: 'saved',
};

interface Seen {
  readonly name: string;
  /** As libvirt tells it now. */
  readonly power: Power;
  /** When a move made this copy, by the clock of the host; null: none did. */
  readonly madeMs: number | null;
}

/** What of a copy only its log tells. libvirt itself forgets a crash when it is restarted. */
export function loggedPower(log: PowerLog, { name, power, madeMs }: Seen): Pick<Copy, 'power' | 'lastChange'> {
  const last = log.get(name)?.last;
  if (last === undefined) return { power, lastChange: unknown('its log on the host could not be read, or no longer goes back so far') };
  const stopped = power === 'off' || power === 'saved';
  // Made after what an earlier life of the same name has left there.
  if (madeMs !== null && power === 'off' && (last === null || last.atMs < madeMs))
    return { power, lastChange: { at: iso(madeMs), cause: 'unknown' } };
  if (last === null) return { power, lastChange: unknown('it has never run on this host') };
  const at = iso(last.atMs);
  if (!stopped) {
    const isStart = last.what === 'started';
    return { power, lastChange: isStart ? { at, cause: 'started' } : unknown('its log ends before its last start') };
  }
  // libvirt did not see its end: the host lost power, or QEMU went while libvirt was not there.
  if (last.what === 'started') return { power, lastChange: { at, cause: 'unknown' } };
  const cause = causes[last.reason] ?? 'unknown';
  // Of a guest's shutdown libvirt tells the end only.
  const lastChange = cause === 'guest-shutdown' ? { at, cause, began: at } : { at, cause };
  return { power: cause === 'crashed' && power === 'off' ? 'crashed' : power, lastChange };
}
