/**
 * What is kept with a domain is read, decided here and written under one lock of its host, and only if it still reads the same: of two
 * that change it at once one begins again. The lock ends with the process that holds it.
 */
import { createHash } from 'node:crypto';
import { PlacementError } from '../../core/errors.js';
import type { Connection, Executed } from './connection.js';
import { withStateText } from './definition.js';
import { ask, orFail, orNone, tell } from './host-shell.js';
import { namespace, nothing, readState, stateOf, type DomainState } from './metadata.js';
import { oneWord, quote } from './quote.js';
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
    const wanted = isEmpty(next) ? '' : inAscii(JSON.stringify(next));
    if (wanted === text) return result;
    await before(next, result);
    if (await write(connection, uuid, { name, printed, before: text, after: wanted })) return result;
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

/** As JSON says everything else. */
const inAscii = (json: string): string =>
  json.replaceAll(/[^\x20-\x7e]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);

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

/** Of a host, ms, in which what it tells of its VMs is told. */
export async function hostClock(connection: Connection): Promise<number> {
  const { code, stdout, stderr } = await connection.shell.run('date +%s%3N', { repeatable: true });
  if (code !== 0) throw cannotRead(connection.target, code, stderr);
  return Number(stdout.trim());
}

const ours = `--uri ${namespace}`;
export const virsh = (connection: Connection): string => virshAt(connection, 'qemu:///system');
/** Of the connection's host, with the libvirt of another one. */
export const virshAt = ({ target }: Connection, uri: string): string => `${target.sudo ? 'sudo -n ' : ''}virsh -q -c ${quote(uri)}`;

/** States of `virsh domstate` in which QEMU is there, as a pattern of the shell's `case`. */
export const up = `running|paused|idle|'in shutdown'|pmsuspended`;

async function read(connection: Connection, uuid: string, name: string): Promise<{ readonly printed: string; readonly nowMs: number }> {
  const { code, stdout, stderr } = await connection.shell.run(`date +%s%3N; ${ask(`metadata ${quote(uuid)} ${ours} --config`)}; ${tell}`, {
    repeatable: true,
  });
  if (code !== 0) throw cannotRead(connection.target, code, stderr);
  const [time = '', ...rest] = stdout.split('\n');
  const said = rest.join('\n');
  if (/^error: .*(metadata not found|Requested metadata element is not present)/m.test(said)) return { printed: '', nowMs: Number(time) };
  if (/^error: .*(failed to get domain|Domain not found)/m.test(said))
    throw new DomainAbsent('platform', `VM ${name} is not on ${connection.target.name} any more.`, { vm: name, next: 'try again' });
  if (said.startsWith('error: ')) throw cannotRead(connection.target, 1, said);
  return { printed: said, nowMs: Number(time) };
}

/**
 * A script for the shell of a host that has the lock of that host while it runs; ends with `BUSY` when it does not get it.
 * /usr/share/libvirt is there wherever libvirt is, and every login may open it and lock it, also one that may write nowhere.
 */
export function locked({ timeoutMs }: Connection, text: string): string {
  // A lock that is not free in time is told as such, and not as a host that is silent.
  const seconds = Math.min(15, Math.max(1, Math.floor(timeoutMs / 1000) - 2));
  return `exec 9< /usr/share/libvirt
flock -w ${seconds} -E ${BUSY} 9 || exit
${text}`;
}

/** After `ask` of a `domstate`: these lines are carried out where the domain is up; where it is not told that it is off the script ends. */
export const whereUp = (lines: string): string => `case \${out%%"$nl"*} in
${up})
${lines}
;;
'shut off' | crashed) ;;
*) ${tell}; exit 1 ;;
esac`;

/** Defines what the script is fed with. */
export const defineFed = `out=$(cat | start define /dev/stdin) || { ${tell}; exit 1; }`;

export const lockBusy = ({ target }: Connection, vm: string): PlacementError =>
  new PlacementError('platform', `The lock of host ${target.name} (/usr/share/libvirt) is held by another process.`, {
    vm,
    next: 'fuser /usr/share/libvirt names it there',
  });

interface Write {
  readonly name: string;
  /** As it reads: what virsh prints of it, and the text in it. */
  readonly printed: string;
  readonly before: string;
  /** Empty: it is taken away. */
  readonly after: string;
}

/** A job of libvirt holds the domain. */
const JOB = 78;

/** false: it does not read as before any more, which is looked at under the lock. */
async function write(connection: Connection, uuid: string, { name, printed, before, after }: Write): Promise<boolean> {
  const metadata = `metadata ${quote(uuid)} ${ours}`;
  const set = after === '' ? '--remove' : `--key vmplacement --set ${quote(element(after))}`;
  // A running VM has two definitions; the persistent one counts and is written last.
  const text = `
${ask(`${metadata} --config`)}
case $out in
error:*'metadata not found'* | error:*'Requested metadata element is not present'*) out= ;;
error:*) ${tell}; exit 1 ;;
esac
[ "$out" = ${oneWord(printed)} ] || exit ${CHANGED}
${ask(`domstate ${quote(uuid)}`)}
${whereUp(`${ask(`domjobinfo ${quote(uuid)}`)}
case $out in *ounded*) exit ${JOB} ;; esac
${ask(`${metadata} --live ${set}`)}`)}
${ask(`${metadata} --config ${set}`)}
${orFail}`;
  const { code, stderr } = await connection.shell.run(locked(connection, text));
  const written =
    code === JOB
      ? await redefine(connection, uuid, {
          change: (xml) => (stateOf(parseXml(xml)).text === before ? withStateText(xml, after) : null),
        })
      : { code, stderr };
  if (written.code === 0) return true;
  if (written.code === CHANGED) return false;
  if (written.code === BUSY) throw lockBusy(connection, name);
  throw cannotRead(connection.target, written.code, written.stderr);
}

const element = (text: string): string => `<state>${escaped(text)}</state>`;

export interface Change {
  /** Of what `virsh dumpxml --inactive --security-info` says; null: it reads otherwise than expected. */
  readonly change: (xml: string) => string | null;
  /** A domain that is up is left as it is. */
  readonly needsOff?: boolean;
  /** Done right before the write; what it throws leaves everything as it is. */
  readonly before?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

/** A domain runs that may not. */
export const RUNS = 77;

/**
 * The persistent definition of a domain, changed as a whole: under the lock of its host, and only if it still reads the same. It is what
 * libvirt lets be changed while it migrates the domain; of metadata and autostart it says, after 30 s, that the domain is locked.
 * @returns how it ended: 0, `CHANGED`, `RUNS`, `BUSY`, or what virsh ended with.
 */
export async function redefine(
  connection: Connection,
  uuid: string,
  { change, needsOff = false, before = () => Promise.resolve(), signal }: Change,
): Promise<Executed> {
  const read = await definitionAt(connection, uuid, { signal });
  if (read.code !== 0) return read;
  const next = change(read.stdout);
  if (next === null) return { ...read, code: CHANGED };
  if (next === read.stdout) return read;
  await before();
  const hash = createHash('sha256').update(read.stdout).digest('hex');
  const text = `
${needsOff ? `${ask(`domstate ${quote(uuid)}`)}\n${whereUp(`exit ${RUNS}`)}` : ''}
${ask(dumpxml(uuid, '--inactive'))}
[ "$(printf '%s' "$out" | sha256sum | cut -c -64)" = ${hash} ] || exit ${CHANGED}
${defineFed}`;
  return connection.shell.run(locked(connection, text), { stdin: next });
}

/** With its secrets; of the inactive domain, unless told otherwise. A domain that is not there is an error of virsh. */
export function definitionAt(
  connection: Connection,
  uuid: string,
  { which = '--inactive', signal }: { readonly which?: '--inactive' | '--migratable'; readonly signal?: AbortSignal | undefined } = {},
): Promise<Executed> {
  return connection.shell.run(`${ask(dumpxml(uuid, which))}\n${orNone}\n${tell}`, { signal, repeatable: true });
}

const dumpxml = (uuid: string, which: string): string => `dumpxml ${quote(uuid)} ${which} --security-info`;
