/**
 * The rules as a table (rules.md §1, §3, §4, §5): a VM, a declaration, and the decision that must come of it. Each row has a VM of
 * its own, of the row's name.
 */
export interface Row {
  /** The VM as the datacenter's file has it; on a1 unless it says otherwise. */
  readonly vm?: object | null;
  /** The placement, without `vm`. */
  readonly declared: Readonly<Record<string, unknown>>;
  /** The whole checked input `plan`; '' = nothing to do. */
  readonly plan: string;
  /** All findings: "severity code". */
  readonly found?: readonly string[];
  /** What the findings say, or for a plan without findings its sentence. */
  readonly says?: readonly (string | RegExp)[];
  /** `up` carries it out and ends there: "place power phase". Refused ones are tried as well, the rest is only previewed. */
  readonly up?: string;
  /** The VM, where several rows ask about one. */
  readonly of?: string;
}

export type Table = Readonly<Record<string, Row>>;

const needsModern = { cpu: { model: 'Skylake-Server', features: ['avx512f'] } };
const off = { power: 'off' };
const go = (value: string): object => ({ annotations: { 'vmplacement/shutdown': value } });
const obeyed = '; a go at the VM is obeyed';
const estimate = 'notice downtime-estimate';
const stops = 'warning will-stop-vm';

export const methods: Table = {
  'off-same-cluster': {
    vm: off,
    declared: { host: 'a2' },
    plan: 'cold: a/a1 -> a/a2; vm-off',
    found: [estimate],
    says: ['is off already'],
  },
  'off-other-cluster': {
    up: 'b/b1 off AwaitingConfirmation',
    vm: off,
    declared: { host: 'b1' },
    plan: 'cold: a/a1 -> b/b1; vm-off',
    found: [estimate],
  },
  'off-no-network': { vm: off, declared: { host: 'c1' }, plan: 'cold: a/a1 -> c/c1; vm-off', found: [estimate] },
  'off-network-unknown': { vm: off, declared: { host: 'u1' }, plan: 'cold: a/a1 -> undeclared/u1; vm-off', found: [estimate] },
  'running-same-cluster': {
    up: 'a/a2 running Settled',
    declared: { host: 'a2' },
    plan: 'hot: a/a1 -> a/a2; vm-running, hot-possible',
    says: ['it runs and hot is possible'],
  },
  'running-other-cluster': { declared: { host: 'b1' }, plan: 'hot: a/a1 -> b/b1; vm-running, hot-possible' },
  'running-cpu': {
    vm: needsModern,
    declared: { host: 'b-old-cpu' },
    plan: `staged: a/a1 -> b/b-old-cpu; cpu-incompatible, other-cluster${obeyed}`,
    found: ['warning cpu-incompatible', estimate],
    says: ['model Skylake-Server', 'feature avx512f'],
  },
  'running-no-network': {
    up: 'a/a1 running AwaitingShutdown',
    declared: { host: 'c1' },
    plan: `staged: a/a1 -> c/c1; no-direct-network, other-cluster${obeyed}`,
    found: [estimate],
  },
  'running-no-network-of-hosts': {
    declared: { host: 'b-cut-off' },
    plan: `staged: a/a1 -> b/b-cut-off; no-direct-network, other-cluster${obeyed}`,
    found: [estimate],
  },
  'running-cpu-and-network': {
    vm: needsModern,
    declared: { host: 'c-old-cpu' },
    plan: `staged: a/a1 -> c/c-old-cpu; cpu-incompatible, no-direct-network, other-cluster${obeyed}`,
    found: ['warning cpu-incompatible', estimate],
  },
  'running-device': {
    vm: { devices: [{ name: 'card', kind: 'pci' }] },
    declared: { host: 'b1', detach: ['card'] },
    plan: `staged: a/a1 -> b/b1; device-unmovable, other-cluster${obeyed}`,
    found: [estimate],
  },
  'running-only-declared-go': {
    declared: { host: 'c1', goFrom: 'declared' },
    plan: 'staged: a/a1 -> c/c1; no-direct-network, other-cluster',
    found: [estimate],
  },
  'running-cpu-same-cluster': {
    vm: needsModern,
    declared: { host: 'a-old-cpu' },
    plan: 'blocked: cpu-incompatible, staged-same-cluster',
    found: ['blocker cpu-incompatible', 'blocker staged-same-cluster'],
    says: ['hot is impossible (cpu-incompatible)', 'method: cold with allowShutdown: true', 'another host'],
  },
  'running-network-same-cluster': {
    declared: { host: 'a-cut-off' },
    plan: 'blocked: no-direct-network, staged-same-cluster',
    found: ['blocker no-direct-network', 'blocker staged-same-cluster'],
    says: ['hot is impossible (no-direct-network)'],
  },
  'running-device-same-cluster': {
    vm: { devices: [{ name: 'card', kind: 'gpu' }] },
    declared: { host: 'a2' },
    plan: 'blocked: device-unmovable, staged-same-cluster',
    found: ['blocker device-unmovable', 'blocker staged-same-cluster'],
    says: ['hot is impossible (device-unmovable)'],
  },
  'running-without-os': {
    vm: { os: 'none' },
    declared: { host: 'c1' },
    plan: 'blocked: no-direct-network, staged-no-os',
    found: ['blocker no-direct-network', 'blocker staged-no-os'],
    says: ['hot is impossible (no-direct-network)', 'assumeOs: true', 'method: cold with allowShutdown: true', 'another host'],
  },
  'running-os-not-known': {
    vm: { os: 'unknown' },
    declared: { host: 'c1' },
    plan: 'blocked: no-direct-network, staged-no-os',
    found: ['blocker no-direct-network', 'blocker staged-no-os'],
    says: ['unknown: whether VM running-os-not-known has an operating system', 'assumeOs: true'],
  },
  'running-os-assumed': {
    vm: { os: 'unknown' },
    declared: { host: 'c1', assumeOs: true },
    plan: `staged: a/a1 -> c/c1; no-direct-network, other-cluster${obeyed}`,
    found: ['warning staged-no-os', estimate],
  },
  'running-os-by-tools': {
    vm: { os: 'tools' },
    declared: { host: 'c1' },
    plan: `staged: a/a1 -> c/c1; no-direct-network, other-cluster${obeyed}`,
    found: [estimate],
  },
  'running-os-by-platform': {
    vm: { os: 'platform' },
    declared: { host: 'c1' },
    plan: `staged: a/a1 -> c/c1; no-direct-network, other-cluster${obeyed}`,
    found: [estimate],
  },
  'hot-needs-no-os': { vm: { os: 'none' }, declared: { host: 'b1' }, plan: 'hot: a/a1 -> b/b1; vm-running, hot-possible' },
  'auto-is-never-cold-for-a-running-vm': {
    vm: needsModern,
    declared: { host: 'a-old-cpu', allowShutdown: true },
    plan: 'blocked: cpu-incompatible, staged-same-cluster',
    found: ['blocker cpu-incompatible', 'blocker staged-same-cluster'],
  },
  'allow-shutdown-is-no-go-for-staged': {
    declared: { host: 'c1', allowShutdown: true },
    plan: `staged: a/a1 -> c/c1; no-direct-network, other-cluster${obeyed}`,
    found: [estimate],
  },

  // An explicit method is obeyed or refused, never replaced.
  'hot-declared': { declared: { host: 'a2', method: 'hot' }, plan: 'hot: a/a1 -> a/a2; declared-hot' },
  'cold-declared-off': { vm: off, declared: { host: 'a2', method: 'cold' }, plan: 'cold: a/a1 -> a/a2; declared-cold', found: [estimate] },
  'cold-declared-allowed': {
    up: 'b/b1 running AwaitingConfirmation',
    declared: { host: 'b1', method: 'cold', allowShutdown: true },
    plan: 'cold: a/a1 -> b/b1; declared-cold; will-stop-vm',
    found: [stops, estimate],
    says: ['allowShutdown permits it'],
  },
  'staged-declared': {
    declared: { host: 'b1', method: 'staged' },
    plan: `staged: a/a1 -> b/b1; declared-staged${obeyed}`,
    found: [estimate],
  },
  'hot-off': {
    vm: off,
    declared: { host: 'a2', method: 'hot' },
    plan: 'blocked: hot-not-running',
    found: ['blocker hot-not-running'],
    says: ['is off', /Declare method: (cold|auto)/],
  },
  'hot-no-network': {
    declared: { host: 'c1', method: 'hot' },
    plan: 'blocked: no-direct-network',
    found: ['blocker no-direct-network'],
    says: ['a hot move needs a direct network; a/a1 and c/c1 have none', 'staged', 'cold with allowShutdown: true'],
  },
  'staged-same-cluster': {
    declared: { host: 'a2', method: 'staged' },
    plan: 'blocked: staged-same-cluster',
    found: ['blocker staged-same-cluster', estimate],
    says: ['another cluster only', 'method: hot'],
  },
  'staged-off': {
    vm: off,
    declared: { host: 'b1', method: 'staged' },
    plan: 'blocked: staged-not-running',
    found: ['blocker staged-not-running', estimate],
    says: ['is off', 'method: cold or auto'],
  },
  'staged-without-os': {
    vm: { os: 'none' },
    declared: { host: 'b1', method: 'staged' },
    plan: 'blocked: staged-no-os',
    found: ['blocker staged-no-os', estimate],
    says: ['assumeOs: true', 'method: cold with allowShutdown: true'],
  },
  'cold-running': {
    declared: { host: 'a2', method: 'cold' },
    plan: 'blocked: cold-running',
    found: ['blocker cold-running', estimate],
    says: ['allowShutdown: true', 'shut the VM down yourself', 'method: auto'],
  },
  'cold-running-held': {
    declared: { host: 'a2', method: 'cold', allowShutdown: true, ...go('hold') },
    plan: 'blocked: cold-running',
    found: ['blocker cold-running', estimate],
    says: ['hold is set'],
  },

  // Whether the hosts reach each other is not known.
  'reach-undeclared': {
    declared: { host: 'u1' },
    plan: 'blocked: reach-unknown',
    found: ['blocker reach-unknown'],
    says: ['nothing is declared between a and undeclared', /direct: 'yes'.*or 'no'/],
  },
  'reach-declared-unknown': {
    declared: { host: 'd1' },
    plan: 'blocked: reach-unknown',
    found: ['blocker reach-unknown'],
    says: ['whether a/a1 and doubtful/d1 reach each other'],
  },
  'reach-unknown-hot': {
    declared: { host: 'u1', method: 'hot' },
    plan: 'hot: a/a1 -> undeclared/u1; declared-hot',
    found: ['warning reach-unknown'],
  },
  'reach-unknown-staged': {
    declared: { host: 'u1', method: 'staged' },
    plan: `staged: a/a1 -> undeclared/u1; declared-staged${obeyed}`,
    found: [estimate],
  },
  'reach-unknown-but-cpu': {
    vm: needsModern,
    declared: { host: 'u-old-cpu' },
    plan: `staged: a/a1 -> undeclared/u-old-cpu; cpu-incompatible, other-cluster${obeyed}`,
    found: ['warning cpu-incompatible', estimate],
  },
};

export const hosts: Table = {
  'stays-on-host': { declared: { host: 'a1' }, plan: '' },
  'stays-in-set': { declared: { hosts: ['b1', 'a1'] }, plan: '' },
  'stays-in-cluster': { up: 'a/a1 running Settled', declared: { cluster: 'a' }, plan: '' },
  'stays-without-place': { declared: {}, plan: '' },
  'stays-in-maintenance': { vm: { host: 'a-maintenance' }, declared: { host: 'a-maintenance' }, plan: '' },
  'stays-paused': { vm: { power: 'paused' }, declared: { host: 'a1' }, plan: '' },
  'stays-busy': { vm: { locks: [{ by: 'backup' }] }, declared: { cluster: 'a' }, plan: '' },
  'host-beside-cluster': { declared: { cluster: 'a', host: 'a2' }, plan: 'hot: a/a1 -> a/a2; vm-running, hot-possible' },
  'hosts-within-cluster': { declared: { cluster: 'b', hosts: ['a2', 'b1'] }, plan: 'hot: a/a1 -> b/b1; vm-running, hot-possible' },
  'whole-cluster': {
    up: 'balanced/bal1 running Settled',
    declared: { cluster: 'balanced' },
    plan: 'hot: a/a1 -> balanced/bal1; vm-running, hot-possible',
    found: ['notice ha-or-balancer'],
  },
  'skips-blocked-hosts': {
    declared: { hosts: ['a-maintenance', 'a-small', 'a2'] },
    plan: 'hot: a/a1 -> a/a2; vm-running, hot-possible',
    says: ['the only host that qualifies'],
  },
  'hot-before-staged': {
    declared: { hosts: ['c1', 'a2'] },
    plan: 'hot: a/a1 -> a/a2; vm-running, hot-possible',
    says: ['it can go there hot'],
  },
  'fewest-warnings': {
    vm: { affinity: [{ strength: 'prefer', kind: 'hosts', members: ['a2', 'a1'] }] },
    declared: { hosts: ['b-old-cpu', 'a2'] },
    plan: 'hot: a/a1 -> a/a2; vm-running, hot-possible',
    says: ['the host with the fewest warnings'],
  },
  'equal-hosts': {
    vm: { memory: '10GiB' },
    declared: { cluster: 'sized' },
    plan: 'hot: a/a1 -> sized/s2; vm-running, hot-possible',
    says: ['the first by name among equal hosts'],
  },
  'uneven-hosts': {
    vm: { memory: '1GiB' },
    declared: { cluster: 'uneven' },
    plan: 'hot: a/a1 -> uneven/v2; vm-running, hot-possible',
    says: ['the host with the most free memory afterwards'],
  },
  'no-candidate': {
    vm: needsModern,
    declared: { hosts: ['a-old-cpu', 'a-maintenance', 'nowhere', 'u1'] },
    plan: 'blocked: cpu-incompatible, host-not-in-cluster, host-unavailable, reach-unknown, staged-same-cluster',
    found: [
      'blocker cpu-incompatible',
      'blocker staged-same-cluster',
      'blocker host-unavailable',
      'blocker host-not-in-cluster',
      'blocker reach-unknown',
    ],
    says: [
      /any of .*a\/a-old-cpu.*:/,
      'a/a-old-cpu: the CPU',
      'a/a-maintenance: target',
      'nowhere: there is no host nowhere',
      'undeclared/u1: unknown: whether',
    ],
  },
};
