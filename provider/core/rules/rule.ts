/** What a rule sees, and how it says what it found. A rule is pure and knows nothing of other rules. */
import type { Desired, Settings } from '../desired.js';
import type { Capabilities } from '../driver.js';
import type { Finding, FindingCode, Severity } from '../finding.js';
import {
  placeText,
  type Cluster,
  type Copy,
  type CpuVerdict,
  type Host,
  type Inventory,
  type Place,
  type Unknown,
  type Vm,
} from '../inventory.js';
import type { Reach } from '../link.js';
import type { Estimate } from '../plan.js';
import type { Promises } from '../promises.js';
import type { Method, MigrationRecord } from '../record.js';

/** One VM, one target, one method: what would speak against it, or should be known. */
export interface RuleInput {
  readonly desired: Desired;
  readonly vm: Vm;
  readonly live: Copy;
  readonly from: Place;
  readonly to: Place;
  /** Null where the inventory does not list the host. */
  readonly source: Host | null;
  readonly target: Host;
  readonly sourceCluster: Cluster | null;
  readonly targetCluster: Cluster | null;
  readonly link: Reach;
  /** What a probe told of the VM's CPU on the target; null = none was asked. */
  readonly cpuVerdict: CpuVerdict | null;
  readonly method: Method;
  readonly settings: Pick<Settings, 'memoryReserveBytes'>;
  readonly capabilities: Capabilities;
  readonly inventory: Inventory;
  readonly promises: Promises;
  readonly nowMs: number;
  readonly stack: string;
  /** Holder of our own lease, where we already have one. */
  readonly holder: string | null;
  /** The move's own record when it is continued: nothing that it wrote or reserved counts against it. */
  readonly record: MigrationRecord | null;
  readonly estimate: Estimate | null;
  /** Why there is no estimate. */
  readonly noEstimate: string;
  /** Bytes per second of a copy; null = not known. */
  readonly bytesPerSecond: number | null;
  /** Why this `up` may stop the running VM, null when it does not. */
  readonly whyStops: string | null;
}

export type Rule = (input: RuleInput) => readonly Finding[];

export function finding(code: FindingCode, severity: Severity, subject: string, message: string, suggestion = ''): Finding {
  return { code, severity, subject, message, suggestion };
}

/** For a fact that could not be read: never taken as fine, never as absent. */
export function unread(
  code: FindingCode,
  severity: Severity,
  subject: string,
  what: string,
  fact: Unknown | string,
  suggestion = '',
): Finding {
  const reason = typeof fact === 'string' ? fact : fact.unknown;
  return finding(code, severity, subject, `unknown: ${what} could not be read: ${reason}`, suggestion);
}

/** A step, as the suggestion of a finding begins. */
export const sentence = (step: string): string => `${step.slice(0, 1).toUpperCase()}${step.slice(1)}`;

export const vmSubject = (vm: Vm): string => `vm ${vm.name}`;
export const hostSubject = (place: Place): string => `host ${placeText(place)}`;
export const crossesClusters = (input: Pick<RuleInput, 'from' | 'to'>): boolean => input.from.cluster !== input.to.cluster;
export const stopsVm = (method: Method): boolean => method !== 'hot';
export const list = (names: readonly string[]): string => names.join(', ');
