/** A declaration after validation: units parsed, defaults applied. What was not declared and has no fixed default is null. */
import type { Method } from './record.js';

export interface Desired {
  /** Name or UUID. */
  readonly vm: string;
  readonly cluster: string | null;
  /** `exact` = declared by `host`, `any` = by `hosts`, `cluster` = only the cluster, `nowhere` = none declared: stays where it is. */
  readonly scope: 'exact' | 'any' | 'cluster' | 'nowhere';
  readonly hosts: readonly string[];
  readonly method: 'auto' | Method;
  /** Declared value of `vmplacement/shutdown`, null when not declared. */
  readonly shutdown: string | null;
  readonly allowShutdown: boolean;
  readonly startAfter: 'asBefore' | 'always' | 'never';
  /** null: by method (staged, and cold with copied disks: confirm; hot: no). */
  readonly keepSource: 'confirm' | 'no' | null;
  readonly networks: Readonly<Record<string, string>>;
  readonly storage: Readonly<Record<string, string>>;
  readonly bandwidthBytesPerSecond: number | null;
  readonly downtimeBudgetMs: number;
  readonly incrementEveryMs: number;
  readonly shutdownGraceMs: number;
  readonly noProgressTimeoutMs: number;
  readonly waitTimeoutMs: number | null;
  readonly lateShutdownMs: number;
  /** null: 10m + 60s per GiB to move. */
  readonly maxDurationMs: number | null;
  readonly onPending: 'succeed' | 'fail' | 'wait';
  readonly goFrom: 'declared' | 'vm' | 'both';
  readonly detach: readonly string[];
  readonly dropSnapshots: boolean;
  readonly assumeOs: boolean;
  readonly takeOver: string | null;
  readonly verify: 'off' | 'increment' | 'full';
  readonly postCopy: boolean;
  readonly suspend: boolean;
  /** Names of the properties that were declared (not defaulted): only these can be `option-unsupported`. */
  readonly declared: readonly string[];
}

/** Settings of the provider configuration that decide (the rest configures drivers). */
export interface Settings {
  readonly memoryReserveBytes: number;
  readonly leaseRenewMs: number;
  readonly leaseExpireMs: number;
  readonly concurrency: Concurrency;
  readonly alwaysRefresh: boolean;
}

/** How many VMs move at once, at most. */
export interface Concurrency {
  readonly perSourceHost: number;
  readonly perTargetHost: number;
  /** Between two clusters. */
  readonly perLink: number;
  readonly perDatacenter: number;
}
