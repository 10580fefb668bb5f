/**
 * What is kept with a domain is read, decided here and written under one lock of its host, and only if it still reads the same: of two
 * that change it at once one begins again. The lock ends with the process that holds it.
 */
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { namespace, nothing, readState, type DomainState } from './metadata.js';
import { oneWord, quote, script } from './quote.js';
import { cannotRead } from './reading.js';
import { escaped, parseXml } from './xml.js';

export interface KeptState {
  readonly state: DomainState;
  /** By the clock of the host, in which leases run out. */
  readonly nowMs: number;
}

/** There is no such domain on the host (any more). */
export class DomainAbsent extends PlacementError {}

/** A VM as a host knows it. */
export interface DomainName {
  readonly uuid: string;
  readonly name: string;
}

/**
 * @param decide is called again when somebody else was faster; `null` leaves everything as it is.
 * @param before is done with what is about to be written: what it throws leaves everything as it is.
 * @throws DomainAbsent
 */
export async function changeState<T>(
  connection: Connection,
  { uuid, name }: DomainName,
  decide: (kept: KeptState) => { readonly next: DomainState | null; readonly result: T },
  before: (next: DomainState, result: T) => Promise<void> = () => Promise.resolve(),
): Promise<T> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const { printed, nowMs } = await read(connection, uuid, name);
    const text = printed === '' ? '' : (parseXml(printed).textContent ?? '');
    const { state, problem } = readState(text);
    if (problem !== undefined)
      throw new PlacementError('platform', `VM ${name} on ${connection.target.name}: ${problem}; nothing is changed.`, {
        vm: name,
        next: 'use the newer version of vmplacement',
      });
    const { next, result } = decide({ state, nowMs });
    if (next === null) return result;
    const wanted = isEmpty(next) ? '' : JSON.stringify(next);
    if (wanted === text) return result;
    await before(next, result);
    if (await write(connection, uuid, { name, before: printed, after: wanted })) return result;
  }
  throw new PlacementError(
    'conflict',
    `What is kept with VM ${name} on ${connection.target.name} was changed by others ${attempts} times.`,
    {
      vm: name,
      next: 'try again',
    },
  );
}

const attempts = 20;
/** What was read does not stand there any more. */
export const CHANGED = 75;
export const BUSY = 76;

const isEmpty = ({ v: _v, ...rest }: DomainState): boolean => Object.keys(rest).length === 0;

/** Nothing is left of what is absent: a state of `undefined`s is none. */
export const withState = (
  state: DomainState,
  patch: Partial<{ readonly [Key in keyof DomainState]: DomainState[Key] | undefined }>,
): DomainState => {
  const entries = Object.entries({ ...state, ...patch }).filter(([, value]) => value !== undefined);
  return { ...nothing, ...(Object.fromEntries(entries) as Partial<DomainState>) };
};

const ours = `--uri ${namespace}`;
export const virsh = (connection: Connection): string => virshAt(connection, 'qemu:///system');
/** Of the connection's host, with the libvirt of another one. */
export const virshAt = ({ target }: Connection, uri: string): string => `${target.sudo ? 'sudo -n ' : ''}virsh -q -c ${quote(uri)}`;

/** States of `virsh domstate` in which QEMU is there, as a pattern of the shell's `case`. */
export const up = `running|paused|idle|'in shutdown'|pmsuspended`;

async function read(connection: Connection, uuid: string, name: string): Promise<{ readonly printed: string; readonly nowMs: number }> {
  const { code, stdout, stderr } = await connection.exec(
    script(`export LC_ALL=C; date +%s%3N; ${virsh(connection)} metadata ${quote(uuid)} ${ours} --config`),
    { repeatable: true },
  );
  const [time = '', ...rest] = stdout.split('\n');
  const absent = code !== 0 && /metadata not found|Requested metadata element is not present/.test(stderr);
  if (code !== 0 && !absent) {
    if (/failed to get domain|Domain not found/.test(stderr))
      throw new DomainAbsent('platform', `VM ${name} is not on ${connection.target.name} any more.`, { vm: name, next: 'try again' });
    throw cannotRead(connection.target, code, stderr);
  }
  return { printed: absent ? '' : rest.join('\n').trimEnd(), nowMs: Number(time) };
}

/**
 * A script that has its host's lock while it runs; ends with `BUSY` when it does not get it. /usr/share/libvirt is there wherever libvirt
 * is, and every login may open it and lock it, also one that may write nowhere.
 */
export function locked({ timeoutMs }: Connection, line: string): string {
  // A lock that is not free in time is told as such, and not as a host that is silent.
  const seconds = Math.min(15, Math.max(1, Math.floor(timeoutMs / 1000) - 2));
  return script(`flock -w ${seconds} -E ${BUSY} /usr/share/libvirt sh -c ${oneWord(line)}`);
}

export const lockBusy = ({ target }: Connection, vm: string): PlacementError =>
  new PlacementError('platform', `The lock of host ${target.name} (/usr/share/libvirt) is held by another process.`, {
    vm,
    next: 'fuser /usr/share/libvirt names it there',
  });

/** false: it does not read as before any more, which is looked at under the lock. */
async function write(
  connection: Connection,
  uuid: string,
  { name, before, after }: { readonly name: string; readonly before: string; readonly after: string },
): Promise<boolean> {
  const v = virsh(connection);
  const set = after === '' ? '--remove' : `--key vmplacement --set ${quote(element(after))}`;
  // A running VM has two definitions; the persistent one counts and is written last.
  const line = `
export LC_ALL=C
d=${quote(uuid)}
now=$(${v} metadata "$d" ${ours} --config 2> /dev/null)
[ "$now" = "$(cat)" ] || exit ${CHANGED}
case $(${v} domstate "$d") in ${up}) ${v} metadata "$d" ${ours} --live ${set} > /dev/null || true ;; esac
${v} metadata "$d" ${ours} --config ${set} > /dev/null`;
  const { code, stderr } = await connection.exec(locked(connection, line), { stdin: before });
  if (code === 0) return true;
  if (code === CHANGED) return false;
  if (code === BUSY) throw lockBusy(connection, name);
  throw cannotRead(connection.target, code, stderr);
}

const element = (text: string): string => `<state>${escaped(text)}</state>`;
