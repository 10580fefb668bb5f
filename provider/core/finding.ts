/** Preflight results (rules.md §5): codes, severities, texts. */

export const severities = ['blocker', 'warning', 'notice'] as const;
export type Severity = (typeof severities)[number];

export const findingCodes = [
  'vm-missing',
  'vm-two-copies',
  'vm-state',
  'vm-busy',
  'vm-owned-elsewhere',
  'host-unavailable',
  'host-not-in-cluster',
  'host-lacks',
  'cluster-refuses',
  'staged-same-cluster',
  'staged-not-running',
  'staged-no-os',
  'cold-running',
  'hot-not-running',
  'will-stop-vm',
  'cpu-incompatible',
  'firmware-machine',
  'state-files',
  'memory-short',
  'storage-short',
  'storage-taken',
  'storage-unmapped',
  'network-unmapped',
  'storage-same',
  'disk-shared',
  'disk-untracked',
  'device-unmovable',
  'snapshots-lost',
  'affinity-violated',
  'ha-or-balancer',
  'no-direct-network',
  'reach-unknown',
  'console-breaks',
  'migration-unencrypted',
  'downtime-estimate',
  'slow-increments',
  'source-kept',
  'go-spent',
  'move-cancelled',
  'cutover-at-power-off',
  'option-unsupported',
] as const;
export type FindingCode = (typeof findingCodes)[number];

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What it is about: "vm web-01", "host a/a2", "disk vda". */
  readonly subject: string;
  readonly message: string;
  /** What to do about it; empty for a notice that needs nothing. */
  readonly suggestion: string;
}

export const blockers = (findings: readonly Finding[]): readonly Finding[] => findings.filter((finding) => finding.severity === 'blocker');
