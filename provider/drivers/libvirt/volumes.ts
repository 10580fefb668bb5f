/** Images in the pools of a host, made and removed by libvirt, which refuses to take a file that is there already. */
import { PlacementError } from '../../core/errors.js';
import { placeText, type Place } from '../../core/inventory.js';
import type { Connection } from './connection.js';
import { ask, orFail, orNone, tell } from './host-shell.js';
import { option, quote, script } from './quote.js';
import { refused } from './refused.js';
import { attribute, bytesOf, escaped, first, parseXml, textOf } from './xml.js';

export interface Volume {
  readonly path: string;
  /** Inode and time of birth: another file of that name is another image. Empty where the login may not look. */
  readonly image: string;
}

export interface NewVolume {
  readonly pool: string;
  readonly name: string;
  readonly bytes: number;
  readonly format: string;
  /** A run before has begun to make it, and may have died before it knew that it is there. */
  readonly begun: boolean;
}

/** Sparse, and empty. `taken`: there is one of that name, which is not of this move. */
export async function createVolume(connection: Connection, at: Place, volume: NewVolume): Promise<Volume | 'taken'> {
  const { pool, name, bytes, format } = volume;
  // libvirt's own default is the format of 2010, which knows neither zero clusters nor bitmaps.
  const target = `<format type='${format}'/>${format === 'qcow2' ? '<compat>1.1</compat>' : ''}`;
  const xml = `<volume><name>${escaped(name)}</name><capacity unit='bytes'>${bytes}</capacity><allocation>0</allocation><target>${target}</target></volume>`;
  const inPool = quote(option('--pool', pool));
  const made = await connection.shell.run(
    `
xml=$(cat)
create() { out=$(printf '%s' "$xml" | start vol-create ${inPool} --file /dev/stdin); }
# A file that was removed by hand is there to libvirt until it looks again.
create || case $out in *'already exists'* | *'exists already'*) said=$out; ${ask(`pool-refresh ${inPool}`)}; create || { out=$said; ${tell}; exit 1; } ;; *) ${tell}; exit 1 ;; esac
${ask(`vol-path ${inPool} ${quote(option('--vol', name))}`)}
${orFail}
${tell}`,
    { stdin: xml },
  );
  const isTaken = isThere.test(made.stderr);
  if (made.code !== 0 && !isTaken) throw refused(at, made);
  const path = isTaken ? await begunVolume(connection, at, volume) : made.stdout.trim();
  return path === null ? 'taken' : { path, image: await imageAt(connection, path) };
}

const isThere = /already exists|exists already/;

export function takenVolume(at: Place, { pool, name }: Pick<NewVolume, 'pool' | 'name'>): PlacementError {
  return new PlacementError('platform', `Pool ${pool} of ${placeText(at)} already has an image ${name}, which is not of this move.`, {
    next: 'look whose it is; rename or remove it, or map the disk to another pool (storage), then pulumi up',
  });
}

/** Path of one that a run before has made and not written down: it has this size, and nothing was ever written to it. */
export async function begunVolume(connection: Connection, at: Place, { pool, name, bytes, begun }: NewVolume): Promise<string | null> {
  if (!begun) return null;
  const volume = `${quote(option('--pool', pool))} ${quote(option('--vol', name))}`;
  const told = `${orFail}\n${tell}`;
  const text = `${ask(`vol-path ${volume}`)}\n${told}\n${ask(`vol-info --bytes ${volume}`)}\n${told}`;
  const done = await connection.shell.run(text, { repeatable: true });
  if (done.code !== 0 && isGone.test(done.stderr)) return null;
  if (done.code !== 0) throw refused(at, done);
  const value = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+) bytes$`, 'm').exec(done.stdout)?.[1] ?? Number.NaN);
  const isEmpty = value('Capacity') === bytes && value('Allocation') < 2 ** 20;
  return isEmpty ? (done.stdout.split('\n')[0] ?? null) : null;
}

/** Whether the image at this path is that volume, of its size and format. */
export async function isVolume(
  connection: Connection,
  at: Place,
  { pool, name, bytes, format }: NewVolume,
  path: string,
): Promise<boolean> {
  const volume = `${quote(option('--pool', pool))} ${quote(option('--vol', name))}`;
  const done = await connection.shell.run(`${ask(`vol-dumpxml ${volume}`)}\n${orNone}\n${tell}`, { repeatable: true });
  if (done.code !== 0 && isGone.test(done.stderr)) return false;
  if (done.code !== 0) throw refused(at, done);
  const xml = parseXml(done.stdout);
  const has = {
    path: textOf(xml, 'target', 'path'),
    bytes: bytesOf(first(xml, 'capacity')),
    format: attribute(first(xml, 'target', 'format'), 'type'),
  };
  return has.path === path && has.bytes === bytes && has.format === format;
}

/** To at least this size; never smaller. */
export async function growVolume(connection: Connection, at: Place, path: string, bytes: number): Promise<void> {
  const done = await connection.shell.run(`${ask(`vol-info --bytes ${quote(path)}`)}
${orFail}
has=\${out#*Capacity:}
[ \${has%%bytes*} -ge ${bytes} ] && exit
${ask(`vol-resize ${quote(path)} ${bytes}B`)}
${orFail}`);
  if (done.code !== 0) throw refused(at, done);
}

const isGone = /Storage (volume|pool) not found/;

/** Which image a path is; empty where there is none, or the login may not look. */
export async function imageAt(connection: Connection, path: string): Promise<string> {
  const { code, stdout } = await connection.exec(script(`stat -c %i.%W -- ${quote(path)}`), { repeatable: true });
  return code === 0 ? stdout.trim() : '';
}

const NO_VOLUME = 83;

/** One that is gone is removed; `no volume`: it lies in no pool, so libvirt does not remove it. */
export async function removeVolume(connection: Connection, at: Place, path: string): Promise<'removed' | 'no volume'> {
  const done = await connection.shell.run(`
p=${quote(path)}
known() { ${ask(`vol-info ${quote(path)}`)}; case $out in *'Storage volume not found'* | *'no storage vol'*) return 1 ;; *error:*) ${tell}; exit 1 ;; esac; }
if ! known; then
  v 'pool-list --uuid'
  for pool in $out; do v "pool-refresh $pool"; done
  known || { [ -x "$(dirname "$p")" ] && [ ! -e "$p" ] && exit 0; exit ${NO_VOLUME}; }
fi
${ask(`vol-delete ${quote(path)}`)}
${orFail}`);
  if (done.code === NO_VOLUME) return 'no volume';
  if (done.code !== 0) throw refused(at, done);
  return 'removed';
}
