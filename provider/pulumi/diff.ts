/**
 * What changes between the stored state and the declaration, as the engine shows it.
 *
 * `host` and `cluster` are shown against the *outputs*: there they are where the VM really is, so that a pending move and drift
 * both print `~ host: "a1" => "b1"`. Everything else is shown against the old inputs.
 */
import { withDefaults } from '../../schema/validate.js';
import { isRecord, isUnknownValue, sameValue, type Properties } from './codec.js';
import { storedOutputs, type StoredOutputs } from './outputs.js';

export interface Change {
  /** Property path as the engine reads it. */
  readonly path: string;
  readonly kind: 'add' | 'update' | 'delete' | 'replace';
  /** Whose old value is shown: the inputs' or the outputs'. */
  readonly against: 'inputs' | 'outputs';
}

/** An update's diff. `olds`: stored outputs; `news`: what Check returned, `plan` among it. */
export function updateChanges(
  oldInputs: Properties,
  olds: Properties,
  news: Properties,
  ignored: readonly string[] = [],
): readonly Change[] {
  const stored = storedOutputs(olds);
  const changes = [...vmChange(oldInputs, stored, news), ...placeChanges(oldInputs, stored, news), ...optionChanges(oldInputs, news)];
  // Who ignores changes of the place says: leave it where it is. Only what was declared before that is still carried out.
  if (staysWhereItIs(stored, ignored)) return changes.filter(({ path }) => !places.has(path));
  if (stored.pendingHost !== null && !allows(news, { host: stored.pendingHost, cluster: stored.pendingCluster })) {
    changes.push({ path: 'pendingHost', kind: 'delete', against: 'outputs' });
  }
  if (isRecord(stored.keptSource) && news['keepSource'] === 'no') changes.push({ path: 'keptSource', kind: 'delete', against: 'outputs' });
  if (news['plan'] !== undefined && (!isUnknownValue(news['plan']) || changes.length > 0)) {
    changes.push({ path: 'plan', kind: 'add', against: 'inputs' });
  }
  // Otherwise the engine would not call Update, and what was interrupted or failed would be forgotten.
  if (changes.length === 0 && isHalfDone(stored)) changes.push({ path: 'phase', kind: 'delete', against: 'outputs' });
  return changes;
}

export const staysWhereItIs = ({ pendingHost }: Pick<StoredOutputs, 'pendingHost'>, ignored: readonly string[]): boolean =>
  pendingHost === null && ignored.some((path) => places.has(path));

/** A refresh's diff: drift of the place, nothing else. A pending move has the same arguments, so that only Read can tell. */
export function refreshChanges(
  readInputs: Properties,
  readOutputs: Properties,
  oldInputs: Properties,
  drifted: boolean,
): readonly Change[] {
  return drifted ? placeChanges(readInputs, storedOutputs(readOutputs), oldInputs) : [];
}

/** Whether the declaration allows this place. What is not known yet is taken as allowing: nothing can be said against it. */
export function allows(inputs: Properties, place: { readonly host: string; readonly cluster: string | null }): boolean {
  const { cluster, host, hosts } = inputs;
  if (typeof cluster === 'string' && place.cluster !== null && cluster !== place.cluster) return false;
  if (typeof host === 'string' && host !== place.host) return false;
  return !Array.isArray(hosts) || hosts.some((item) => item === place.host || isUnknownValue(item));
}

/** The name and the id of one VM are two ways to write it: neither a renamed VM nor another spelling is another VM. */
function vmChange(oldInputs: Properties, stored: StoredOutputs, news: Properties): Change[] {
  if (sameValue(oldInputs['vm'], news['vm'])) return [];
  const same = typeof news['vm'] === 'string' && (news['vm'] === stored.vm || news['vm'] === stored.vmId);
  return [{ path: 'vm', kind: same ? 'update' : 'replace', against: 'inputs' }];
}

function placeChanges(oldInputs: Properties, stored: StoredOutputs, news: Properties): Change[] {
  const changes: Change[] = [];
  const { cluster, host, hosts } = news;
  if (isUnknownValue(cluster) || (typeof cluster === 'string' && cluster !== stored.cluster)) {
    changes.push({ path: 'cluster', kind: 'update', against: 'outputs' });
  }
  if (isUnknownValue(host) || (typeof host === 'string' && host !== stored.host)) {
    changes.push({ path: 'host', kind: 'update', against: 'outputs' });
  }
  if (isUnknownValue(hosts) || (Array.isArray(hosts) && !hosts.includes(stored.host))) {
    changes.push({ path: 'hosts', kind: oldInputs['hosts'] === undefined ? 'add' : 'update', against: 'inputs' });
  }
  return changes;
}

const places: ReadonlySet<string> = new Set(['host', 'hosts', 'cluster']);

/** Handled by the functions above, or added by Check. */
const notOptions = new Set(['vm', 'cluster', 'host', 'hosts', 'plan', 'onDestroy']);

/** To declare what is the default anyway, or to leave it to the default, changes nothing. */
function optionChanges(oldInputs: Properties, news: Properties): Change[] {
  const [last, next] = [withDefaults(oldInputs), withDefaults(news)];
  const names = [...new Set([...Object.keys(oldInputs), ...Object.keys(news)])]
    .filter((name) => !notOptions.has(name) && !name.startsWith('__'))
    .sort();
  return names.flatMap((name) => {
    const [before, after] = [oldInputs[name], news[name]];
    if (isRecord(before) && isRecord(after)) return keyChanges(name, before, after);
    return sameValue(last[name], next[name]) ? [] : [change(name, before, after)];
  });
}

function keyChanges(name: string, before: Properties, after: Properties): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys
    .filter((key) => !sameValue(before[key], after[key]))
    .map((key) => change(`${name}[${JSON.stringify(key)}]`, before[key], after[key]));
}

/** A change of an input. */
export const change = (path: string, before: unknown, after: unknown): Change => ({
  path,
  kind: before === undefined ? 'add' : after === undefined ? 'delete' : 'update',
  against: 'inputs',
});

const isHalfDone = ({ phase }: StoredOutputs): boolean =>
  phase === 'Failed' || phase === 'Parked' || phase === 'Migrating' || phase === 'Replicating' || phase === 'CuttingOver';
