/** The migration job of a domain, as libvirt tells of it on the source, and the `virsh migrate` that began it. */
import type { Move } from '../../core/driver.js';
import type { Connection } from './connection.js';
import { ask, tell } from './host-shell.js';
import { privateFolder } from './private-folder.js';
import { quote } from './quote.js';
import { refused } from './refused.js';

/** Values of `virsh domjobinfo --rawstats`: bytes, bytes per second, ms. */
export type JobStats = ReadonlyMap<string, number>;

export interface Job {
  /** Of whomever: it holds the domain. Only what migrates it away can be this move's. */
  readonly active: 'migration' | 'another' | 'none' | 'unknown';
  readonly now: JobStats;
  /** Of the last one that ended well. */
  readonly completed: JobStats;
  /** `virsh migrate` of this move was started. */
  readonly begun: boolean;
  /** What it ended with; null: it runs, or never did. */
  readonly exit: number | null;
  readonly said: string;
}

export const MARK = '@@vmplacement@@';

/** Puts the name of this move's files into `$f`. They are in a folder that only this login can open, until the job has ended. */
export const filesOf = (move: Pick<Move, 'record'>): string => `${privateFolder}\n${file(move)}`;

/** The same for who only looks, and often: there are none in a folder of somebody else. */
const foundFilesOf = (move: Pick<Move, 'record'>): string => `
d=/tmp/vmplacement-$uid
[ -O "$d" ] && [ ! -L "$d" ] || d=/dev/null
${file(move)}`;

const file = ({ record }: Pick<Move, 'record'>): string => `f=$d/${quote(record.moveId)}`;

/** @param on the source; the target only has what completed. */
export async function jobOf(on: Connection, move: Move, signal?: AbortSignal): Promise<Job> {
  const told = (more: string): string => `${ask(`domjobinfo ${quote(move.vm.uuid)} ${more}`)}; ${tell}`;
  const asked = `
${foundFilesOf(move)}
${told('--rawstats')}
echo; echo ${MARK}; ${told('--completed --keep-completed --rawstats')}
echo; echo ${MARK}; [ ! -e "$f.out" ] || { echo begun; [ ! -s "$f.out" ] || cat "$f.out"; }`;
  const { code, stdout, stderr } = await on.shell.run(asked, { repeatable: true, signal });
  if (code !== 0) throw refused(move.source, { code, stdout, stderr });
  return jobIn(stdout);
}

/** @param printed by the script of `jobOf`. */
export function jobIn(printed: string): Job {
  const [now = '', completed = '', out = ''] = printed.split(`${MARK}\n`);
  const exit = /^exit=(\d+)$/m.exec(out)?.[1];
  return {
    active: activeIn(now),
    now: statsOf(now),
    completed: statsOf(completed),
    begun: out !== '',
    exit: exit === undefined ? null : Number(exit),
    said: out
      .replace(/^begun$/m, '')
      .replace(/^exit=\d+$/m, '')
      .trim(),
  };
}

/** VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT */
const MIGRATION_OUT = 5;

function activeIn(now: string): Job['active'] {
  const type = /^Job type:\s*(\d)/m.exec(now)?.[1];
  if (type === undefined) return /domain is not running|failed to get domain|Domain not found/.test(now) ? 'none' : 'unknown';
  if (type !== '1' && type !== '2') return 'none';
  return statsOf(now).get('operation') === MIGRATION_OUT ? 'migration' : 'another';
}

const statsOf = (text: string): JobStats =>
  new Map([...text.matchAll(/^(\w+):\s*(\d+)$/gm)].map(([, key = '', value]) => [key, Number(value)]));
