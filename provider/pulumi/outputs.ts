/** The state of a placement <-> the outputs of its resource. */
import { placeText } from '../core/inventory.js';
import type { Finding } from '../core/finding.js';
import type { Phase } from '../core/record.js';
import type { PlacementState } from '../core/state.js';
import { isWord } from '../core/shutdown-annotation.js';
import { exactDuration } from '../core/units.js';
import { secret, unknownValue, type Properties } from './codec.js';

/** In the order of the schema; what does not apply is absent. */
export function outputsOf(state: PlacementState): Properties {
  const { replication, lastMove, keptSource } = state;
  return compact({
    vm: state.vm,
    vmId: state.vmId,
    host: state.place.host,
    cluster: state.place.cluster,
    power: state.power,
    phase: state.phase,
    message: state.message === '' ? undefined : state.message,
    pendingHost: state.pending?.host,
    pendingCluster: state.pending?.cluster,
    replication:
      replication === null
        ? undefined
        : {
            increments: replication.increments,
            bytes: replication.bytes,
            lastIncrementBytes: replication.lastIncrementBytes,
            lastIncrementAt: replication.lastIncrementAt,
            projectedDowntime: exactDuration(replication.projectedDowntimeMs),
          },
    lastMove:
      lastMove === null
        ? undefined
        : {
            method: lastMove.method,
            from: placeText(lastMove.from),
            to: placeText(lastMove.to),
            start: lastMove.start,
            end: lastMove.end,
            downtime: exactDuration(lastMove.downtimeMs),
            bytes: lastMove.bytes,
            go: lastMove.go,
          },
    keptSource: keptSource === null ? undefined : { place: placeText(keptSource.place), since: keptSource.since, bytes: keptSource.bytes },
    // A time may have been declared as a secret, and this is not the path where the engine would mark it again.
    spentShutdown: state.spentGo === null ? undefined : isWord(state.spentGo) ? state.spentGo : secret(state.spentGo),
    findings: state.findings.map(findingOf),
  });
}

export function findingOf(finding: Finding): Properties {
  const { code, severity, subject, message, suggestion } = finding;
  return { code, severity, subject, message, suggestion };
}

/** A placement that is settled needs no second look before the next update. */
export const isUnsettled = (phase: unknown): boolean => phase !== 'Settled';

/** Outputs that a move may change: they cannot be told before it ended. `host` and `cluster` where the plan's end is certain. */
export function outputsToCome(known: Properties, place: { readonly host: string; readonly cluster: string } | null): Properties {
  const all: Record<string, unknown> = {};
  for (const name of ['vm', 'vmId', ...changing]) all[name] = unknownValue;
  return { ...all, ...known, ...(place ?? {}) };
}

const changing = [
  'host',
  'cluster',
  'power',
  'phase',
  'message',
  'pendingHost',
  'pendingCluster',
  'replication',
  'lastMove',
  'keptSource',
  'spentShutdown',
  'findings',
] as const;

/** Outputs as they were stored, read back without trust in their shape: an older version may have written them. */
export interface StoredOutputs {
  readonly vm: string;
  readonly vmId: string;
  readonly host: string;
  readonly cluster: string;
  readonly phase: Phase | '';
  readonly pendingHost: string | null;
  readonly pendingCluster: string | null;
  readonly keptSource: unknown;
}

export function storedOutputs(properties: Properties): StoredOutputs {
  const text = (name: string): string => (typeof properties[name] === 'string' ? properties[name] : '');
  return {
    vm: text('vm'),
    vmId: text('vmId'),
    host: text('host'),
    cluster: text('cluster'),
    phase: text('phase') as Phase | '',
    pendingHost: text('pendingHost') || null,
    pendingCluster: text('pendingCluster') || null,
    keptSource: properties['keptSource'],
  };
}

export function compact(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
