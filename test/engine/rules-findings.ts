/** Every finding of rules.md §5 in each of its severities, with the methods it concerns. Read with rules-rows.ts. */
import type { Table } from './rules-rows.js';

const off = { power: 'off' };
const go = (value: string): object => ({ annotations: { 'vmplacement/shutdown': value } });
const estimate = 'notice downtime-estimate';
const stops = 'warning will-stop-vm';
const disk = (more: object): object => ({ disks: [{ name: 'vda', ...more }] });
const cold = { method: 'cold', allowShutdown: true };

/** What a method is called by when nothing speaks against it. */
const hot = (to = 'a/a2'): string => `hot: a/a1 -> ${to}; vm-running, hot-possible`;
const coldOff = (to = 'a/a2'): string => `cold: a/a1 -> ${to}; vm-off`;
const staged = (to = 'c/c1', more = ''): string =>
  `staged: a/a1 -> ${to}; no-direct-network, other-cluster${more}; a go at the VM is obeyed`;
const blocked = (...codes: string[]): string => `blocked: ${codes.join(', ')}`;

/** The same blocker in all three methods. */
function everyMethod(
  name: string,
  code: string,
  vm: object,
  to: { near: string; far: string },
  more: { also?: Record<'hot' | 'cold' | 'staged', string[]>; says?: readonly (string | RegExp)[]; declared?: object } = {},
): Table {
  const found = (method: 'hot' | 'cold' | 'staged'): string[] => [
    `blocker ${code}`,
    ...(method === 'hot' ? [] : [estimate]),
    ...(more.also?.[method] ?? []),
  ];
  const says = more.says === undefined ? {} : { says: more.says };
  return {
    [`${name}-hot`]: { vm, declared: { host: to.near, ...more.declared }, plan: blocked(code), found: found('hot'), ...says },
    [`${name}-cold`]: {
      vm: { ...vm, power: 'off' },
      declared: { host: to.near, ...more.declared },
      plan: blocked(code),
      found: found('cold'),
      ...says,
    },
    [`${name}-staged`]: { vm, declared: { host: to.far, ...more.declared }, plan: blocked(code), found: found('staged'), ...says },
  };
}

export const ofTheVm: Table = {
  missing: {
    vm: null,
    declared: { host: 'a2' },
    plan: blocked('vm-missing'),
    found: ['blocker vm-missing'],
    says: [/VM missing is on none of the \d+ hosts that were read/],
  },
  'two-copies': {
    vm: { alsoOn: 'b1' },
    declared: { host: 'a2' },
    plan: blocked('vm-two-copies'),
    found: ['blocker vm-two-copies'],
    says: [/runs on 2 hosts at once: running on a\/a1 since \S+.*; running on b\/b1 since \S+/],
  },
  ambiguous: {
    vm: { name: 'twins' },
    of: 'twins',
    declared: { host: 'a2' },
    plan: blocked('vm-missing'),
    found: ['blocker vm-missing'],
    says: [/the name twins is ambiguous: \S+ on a\/a1; \S+ on b\/b1/, 'vm: <uuid>'],
  },
  'ambiguous-by-cluster': {
    vm: { name: 'twins', host: 'b1' },
    of: 'twins',
    declared: { cluster: 'b' },
    plan: blocked('vm-missing'),
    found: ['blocker vm-missing'],
  },
  'two-copies-settled': { vm: { alsoOn: 'b1' }, declared: { hosts: ['a1', 'b1'] }, plan: '', found: ['blocker vm-two-copies'] },
  'two-copies-cold': {
    vm: { alsoOn: 'b1' },
    declared: { host: 'a2', ...cold },
    plan: blocked('vm-two-copies'),
    found: ['blocker vm-two-copies'],
  },
  'two-copies-staged': {
    vm: { alsoOn: 'b1' },
    declared: { host: 'c1', method: 'staged' },
    plan: blocked('vm-two-copies'),
    found: ['blocker vm-two-copies'],
  },
  ...Object.fromEntries(
    ['paused', 'suspended', 'saved', 'crashed', 'unknown'].map((power) => [
      `state-${power}`,
      {
        vm: { power },
        declared: { host: 'a2' },
        plan: blocked('vm-state'),
        found: ['blocker vm-state'],
        says: [power === 'unknown' ? 'the power state of VM state-unknown' : power],
      },
    ]),
  ),
  ...everyMethod(
    'transient',
    'vm-state',
    { conditions: ['transient'] },
    { near: 'a2', far: 'c1' },
    { also: { hot: [], cold: [], staged: [] } },
  ),
  deleting: {
    vm: { conditions: ['deleting'] },
    declared: { host: 'a2' },
    plan: blocked('vm-state'),
    found: ['blocker vm-state'],
    says: ['is being deleted'],
  },
  recycled: {
    vm: { conditions: ['recycle-bin'], ...off },
    declared: { host: 'a2' },
    plan: blocked('vm-state'),
    found: ['blocker vm-state', estimate],
    says: ['recycle bin'],
  },
  internal: {
    vm: { conditions: ['internal'] },
    declared: { host: 'a2' },
    plan: blocked('vm-state'),
    found: ['blocker vm-state'],
    says: ['internal VM'],
  },
  'paused-explicit-hot': {
    vm: { power: 'paused' },
    declared: { host: 'a2', method: 'hot' },
    plan: blocked('vm-state'),
    found: ['blocker vm-state'],
  },
  ...everyMethod(
    'busy',
    'vm-busy',
    { locks: [{ by: 'backup' }] },
    { near: 'a2', far: 'c1' },
    { says: ['locked by another operation: backup'], declared: { noProgressTimeout: '10s' } },
  ),
  'busy-for-a-while': {
    up: 'a/a2 running Settled',
    vm: { locks: [{ by: 'backup', for: '30s' }] },
    declared: { host: 'a2' },
    plan: blocked('vm-busy'),
    found: ['blocker vm-busy'],
  },
  ...everyMethod(
    'owned',
    'vm-owned-elsewhere',
    { claim: 'organization/web/prod' },
    { near: 'a2', far: 'c1' },
    { says: ['is placed by the stack organization/web/prod', 'takeOver: organization/web/prod'] },
  ),
  'owned-taken-over': {
    up: 'a/a2 running Settled',
    vm: { claim: 'organization/web/prod' },
    declared: { host: 'a2', takeOver: 'organization/web/prod' },
    plan: hot(),
  },
  'owned-by-another-than-named': {
    vm: { claim: 'organization/web/prod' },
    declared: { host: 'a2', takeOver: 'organization/web/test' },
    plan: blocked('vm-owned-elsewhere'),
    found: ['blocker vm-owned-elsewhere'],
    says: ['takeOver names organization/web/test'],
  },
};

export const ofPlaces: Table = {
  ...everyMethod('maintenance', 'host-unavailable', {}, { near: 'a-maintenance', far: 'c-maintenance' }, { says: ['is in maintenance'] }),
  'entering-maintenance': {
    declared: { host: 'a-entering' },
    plan: blocked('host-unavailable'),
    found: ['blocker host-unavailable'],
    says: ['is entering maintenance'],
  },
  disconnected: {
    declared: { host: 'a-disconnected' },
    plan: blocked('host-unavailable'),
    found: ['blocker host-unavailable'],
    says: ['is disconnected'],
  },
  'evacuates-maintenance': {
    up: 'a/a2 running Settled',
    vm: { host: 'a-maintenance' },
    declared: { host: 'a2' },
    plan: 'hot: a/a-maintenance -> a/a2; vm-running, hot-possible',
  },
  'evacuates-entering': {
    vm: { host: 'a-entering' },
    declared: { host: 'a2' },
    plan: 'hot: a/a-entering -> a/a2; vm-running, hot-possible',
  },
  'source-disconnected': {
    vm: { host: 'a-disconnected' },
    declared: { host: 'a2' },
    plan: blocked('host-unavailable'),
    found: ['blocker host-unavailable'],
    says: ['source a/a-disconnected is disconnected'],
  },
  'no-such-host': {
    declared: { host: 'a22' },
    plan: blocked('host-not-in-cluster'),
    found: ['blocker host-not-in-cluster'],
    says: ['there is no host a22', 'Did you mean a2?'],
  },
  'no-such-cluster': {
    declared: { cluster: 'aa' },
    plan: blocked('host-not-in-cluster'),
    found: ['blocker host-not-in-cluster'],
    says: ['there is no cluster aa', 'Did you mean a?'],
  },
  'host-of-another-cluster': {
    declared: { cluster: 'b', host: 'a2' },
    plan: blocked('host-not-in-cluster'),
    found: ['blocker host-not-in-cluster'],
    says: ['host a2 is in cluster a, not in b'],
  },
  'no-such-host-cold': {
    vm: off,
    declared: { host: 'a22', method: 'cold' },
    plan: blocked('host-not-in-cluster'),
    found: ['blocker host-not-in-cluster'],
  },
  'refuses-hot': {
    declared: { host: 'r1' },
    plan: blocked('cluster-refuses'),
    found: ['blocker cluster-refuses'],
    says: ['cluster refusing does not accept migrations'],
  },
  'refuses-cold': { vm: off, declared: { host: 'r1' }, plan: blocked('cluster-refuses'), found: ['blocker cluster-refuses', estimate] },
  'refuses-staged': {
    declared: { host: 'r1', method: 'staged' },
    plan: blocked('cluster-refuses'),
    found: ['blocker cluster-refuses', estimate],
  },
  'refuses-not-its-own': {
    vm: { host: 'r1' },
    declared: { host: 'r2' },
    plan: 'hot: refusing/r1 -> refusing/r2; vm-running, hot-possible',
  },
  'cluster-not-connected': {
    declared: { host: 'down1' },
    plan: blocked('cluster-refuses'),
    found: ['blocker cluster-refuses'],
    says: ['cluster down is not connected'],
  },
  'version-one-ahead': { declared: { host: 'one1' }, plan: hot('one-ahead/one1') },
  'version-two-ahead': {
    declared: { host: 'two1' },
    plan: blocked('cluster-refuses'),
    found: ['blocker cluster-refuses'],
    says: ['a has 1.0.0, two-ahead has 3.0.0'],
  },

  'cpu-hot': {
    vm: { cpu: { model: 'Skylake-Server', features: ['avx2', 'avx512f'] } },
    declared: { host: 'b-old-cpu', method: 'hot' },
    plan: blocked('cpu-incompatible'),
    found: ['blocker cpu-incompatible'],
    says: ['model Skylake-Server; feature avx512f'],
  },
  'cpu-cold': {
    vm: { cpu: { features: ['avx512f'] }, ...off },
    declared: { host: 'a-old-cpu' },
    plan: coldOff('a/a-old-cpu'),
    found: ['warning cpu-incompatible', estimate],
  },
  'cpu-cold-running': {
    vm: { cpu: { model: 'Skylake-Server' } },
    declared: { host: 'a-old-cpu', ...cold },
    plan: 'cold: a/a1 -> a/a-old-cpu; declared-cold; will-stop-vm',
    found: ['warning cpu-incompatible', stops, estimate],
  },
  'cpu-staged': {
    vm: { cpu: { model: 'Skylake-Server' } },
    declared: { host: 'c-old-cpu', method: 'staged' },
    plan: 'staged: a/a1 -> c/c-old-cpu; declared-staged; a go at the VM is obeyed',
    found: ['warning cpu-incompatible', estimate],
  },
  'arch-hot': {
    declared: { host: 'b-arm', method: 'hot' },
    plan: blocked('cpu-incompatible'),
    found: ['blocker cpu-incompatible'],
    says: ['needs a x86_64 CPU; b/b-arm has aarch64'],
  },
  'arch-cold': { vm: off, declared: { host: 'a-arm' }, plan: blocked('cpu-incompatible'), found: ['blocker cpu-incompatible', estimate] },
  'arch-staged': {
    declared: { host: 'c-arm', method: 'staged' },
    plan: blocked('cpu-incompatible'),
    found: ['blocker cpu-incompatible', estimate],
  },

  ...everyMethod(
    'firmware',
    'firmware-machine',
    { firmware: 'uefi' },
    { near: 'a-bios', far: 'c-bios' },
    { says: ['lacks the firmware uefi'] },
  ),
  ...everyMethod('machine', 'firmware-machine', { machineType: 'pc' }, { near: 'a2', far: 'c1' }, { says: ['lacks the machine type pc'] }),
  ...everyMethod(
    'memory',
    'memory-short',
    { memory: '2GiB' },
    { near: 'a-small', far: 'c-small' },
    { says: ['needs 2 GiB of memory', 'has 512 MiB left'] },
  ),
  ...everyMethod(
    'storage',
    'storage-short',
    disk({ size: '20GiB', allocated: '2GiB' }),
    { near: 'a-full', far: 'c-full' },
    { says: ['needs 2 GiB on pool default'] },
  ),
  'storage-fits-what-is-written': {
    vm: disk({ size: '20GiB', allocated: '512MiB' }),
    declared: { host: 'a-half-full' },
    plan: hot('a/a-half-full'),
  },
  ...everyMethod(
    'pool',
    'storage-unmapped',
    disk({ pool: 'fast' }),
    { near: 'a2', far: 'c1' },
    { says: ['has no pool fast', 'storage: {fast: <pool there>}'] },
  ),
  'pool-mapped': {
    up: 'a/a2 running Settled',
    vm: disk({ pool: 'fast' }),
    declared: { host: 'a2', storage: { fast: 'slow' } },
    plan: hot(),
  },
  'pool-mapped-to-none': {
    vm: disk({ pool: 'fast' }),
    declared: { host: 'a2', storage: { fast: 'fsat' } },
    plan: blocked('storage-unmapped'),
    found: ['blocker storage-unmapped'],
    says: ['has no pool fsat, which pool fast is mapped to'],
  },
  ...everyMethod(
    'network',
    'network-unmapped',
    { nics: ['default', 'vlan7'] },
    { near: 'a2', far: 'c1' },
    { says: ['has no network vlan7'] },
  ),
  'network-mapped': {
    up: 'a/a2 running Settled',
    vm: { nics: ['default', 'vlan7'] },
    declared: { host: 'a2', networks: { vlan7: 'vlan8' } },
    plan: hot(),
  },
  'network-mapped-to-none': {
    vm: { nics: ['vlan7'] },
    declared: { host: 'a2', networks: { vlan7: 'vlan9' } },
    plan: blocked('network-unmapped'),
    found: ['blocker network-unmapped'],
  },
};

const san = disk({ pool: 'san' });
const snapshots = { snapshots: ['before-upgrade'] };

export const ofWhatItHas: Table = {
  'nvram-cold': { vm: { stateFiles: ['nvram', 'tpm'], ...off }, declared: { host: 'a2' }, plan: coldOff(), found: [estimate] },
  'nvram-staged': { vm: { stateFiles: ['nvram', 'tpm'] }, declared: { host: 'c1' }, plan: staged(), found: [estimate] },
  'secret-hot': { vm: { stateFiles: ['secret'] }, declared: { host: 'a2' }, plan: hot() },
  'secret-cold': {
    vm: { stateFiles: ['secret'], ...off },
    declared: { host: 'a2' },
    plan: blocked('state-files'),
    found: ['blocker state-files', estimate],
    says: ['secret'],
  },
  'secret-staged': {
    vm: { stateFiles: ['secret'] },
    declared: { host: 'c1' },
    plan: blocked('state-files'),
    found: ['blocker state-files', estimate],
  },

  'same-storage-hot': {
    up: 'a/a2 running Settled',
    vm: san,
    declared: { host: 'a2' },
    plan: hot(),
    found: ['notice storage-same'],
    says: ['is not copied and not removed'],
  },
  'same-storage-cold': {
    up: 'a/a2 off Settled',
    vm: { ...san, ...off },
    declared: { host: 'a2' },
    plan: coldOff(),
    found: ['notice storage-same', estimate],
  },
  'same-storage-staged': {
    vm: san,
    declared: { host: 'c-san' },
    plan: blocked('storage-same'),
    found: ['blocker storage-same', estimate],
    says: ['method: cold with allowShutdown: true'],
  },

  'shared-hot': {
    vm: { disks: [{ name: 'vda' }, { name: 'vdb', sharedWith: ['shared-cold'] }] },
    declared: { host: 'a2' },
    plan: blocked('disk-shared'),
    found: ['blocker disk-shared'],
    says: ['disk vdb of VM shared-hot is shared with shared-cold'],
  },
  'shared-cold': {
    vm: { disks: [{ name: 'vda' }, { name: 'vdb', sharedWith: ['shared-hot'] }], ...off },
    declared: { host: 'a2' },
    plan: blocked('disk-shared'),
    found: ['blocker disk-shared', estimate],
  },
  'shared-staged': {
    vm: disk({ sharedWith: ['shared-hot'] }),
    declared: { host: 'c1' },
    plan: blocked('disk-shared'),
    found: ['blocker disk-shared', estimate],
  },

  'untracked-hot': { vm: disk({ format: 'raw' }), declared: { host: 'a2' }, plan: hot() },
  'untracked-cold': { vm: { ...disk({ format: 'raw' }), ...off }, declared: { host: 'a2' }, plan: coldOff(), found: [estimate] },
  'untracked-staged': {
    vm: disk({ format: 'raw' }),
    declared: { host: 'c1' },
    plan: blocked('disk-untracked'),
    found: ['blocker disk-untracked', estimate],
    says: ['method: cold with allowShutdown: true'],
  },
  'untracked-qcow2': {
    vm: disk({ tracked: false }),
    declared: { host: 'c1' },
    plan: blocked('disk-untracked'),
    found: ['blocker disk-untracked', estimate],
  },

  ...Object.fromEntries(
    ['pci', 'sriov', 'usb', 'gpu', 'cdrom'].map((kind) => [
      `device-${kind}`,
      {
        vm: { devices: [{ name: 'dev0', kind }] },
        declared: { host: 'a2', method: 'hot' },
        plan: blocked('device-unmovable'),
        found: ['blocker device-unmovable'],
        says: [`${kind} device dev0`],
      },
    ]),
  ),
  'device-without-medium': { vm: { devices: [{ name: 'cd', kind: 'cdrom', hostLocal: false }] }, declared: { host: 'a2' }, plan: hot() },
  'device-hot-detach': {
    vm: { devices: [{ name: 'card', kind: 'pci' }] },
    declared: { host: 'a2', method: 'hot', detach: ['card'] },
    plan: blocked('device-unmovable'),
    found: ['blocker device-unmovable'],
  },
  'device-cold': {
    vm: { devices: [{ name: 'card', kind: 'pci' }], ...off },
    declared: { host: 'a2' },
    plan: blocked('device-unmovable'),
    found: ['blocker device-unmovable', estimate],
    says: ['detach: [card]'],
  },
  'device-cold-detach': {
    up: 'a/a2 off AwaitingConfirmation',
    vm: { devices: [{ name: 'card', kind: 'pci' }], ...off },
    declared: { host: 'a2', detach: ['card'] },
    plan: coldOff(),
    found: [estimate],
  },
  'device-staged': {
    vm: { devices: [{ name: 'card', kind: 'pci' }] },
    declared: { host: 'c1' },
    plan: blocked('device-unmovable'),
    found: ['blocker device-unmovable', estimate],
  },

  'snapshots-hot': {
    vm: snapshots,
    declared: { host: 'a2' },
    plan: blocked('snapshots-lost'),
    found: ['blocker snapshots-lost'],
    says: ['before-upgrade', 'dropSnapshots: true', 'keepSource: confirm'],
  },
  'snapshots-hot-kept': { vm: snapshots, declared: { host: 'a2', keepSource: 'confirm' }, plan: hot(), found: ['warning snapshots-lost'] },
  'snapshots-hot-dropped': { vm: snapshots, declared: { host: 'a2', dropSnapshots: true }, plan: hot(), found: ['warning snapshots-lost'] },
  'snapshots-cold-kept': {
    vm: { ...snapshots, ...off },
    declared: { host: 'a2' },
    plan: coldOff(),
    found: ['warning snapshots-lost', estimate],
    says: ['stay on the kept source'],
  },
  'snapshots-cold': {
    vm: { ...snapshots, ...off },
    declared: { host: 'a2', keepSource: 'no' },
    plan: blocked('snapshots-lost'),
    found: ['blocker snapshots-lost', estimate],
  },
  'snapshots-staged-kept': { vm: snapshots, declared: { host: 'c1' }, plan: staged(), found: ['warning snapshots-lost', estimate] },
  'snapshots-staged': {
    vm: snapshots,
    declared: { host: 'c1', keepSource: 'no' },
    plan: blocked('snapshots-lost'),
    found: ['blocker snapshots-lost', estimate],
  },
  'snapshots-on-shared-storage': { vm: { ...snapshots, ...san }, declared: { host: 'a2' }, plan: hot(), found: ['notice storage-same'] },

  'affinity-must-hosts': {
    vm: { affinity: [{ strength: 'must', kind: 'hosts', members: ['a1', 'b1'] }] },
    declared: { host: 'a2' },
    plan: blocked('affinity-violated'),
    found: ['blocker affinity-violated'],
    says: ['wants it on a1, b1, not on a/a2'],
  },
  'affinity-must-hosts-cold': {
    vm: { affinity: [{ strength: 'must', kind: 'hosts', members: ['a1'] }], ...off },
    declared: { host: 'a2' },
    plan: blocked('affinity-violated'),
    found: ['blocker affinity-violated', estimate],
  },
  'affinity-must-hosts-staged': {
    vm: { affinity: [{ strength: 'must', kind: 'hosts', members: ['a1'] }] },
    declared: { host: 'c1' },
    plan: blocked('affinity-violated'),
    found: ['blocker affinity-violated', estimate],
  },
  'affinity-prefer-hosts': {
    vm: { affinity: [{ strength: 'prefer', kind: 'hosts', members: ['a1'] }] },
    declared: { host: 'a2' },
    plan: hot(),
    found: ['warning affinity-violated'],
  },
  'affinity-must-with': {
    vm: { affinity: [{ strength: 'must', kind: 'with', members: ['stays-on-host'] }] },
    declared: { host: 'a2' },
    plan: blocked('affinity-violated'),
    found: ['blocker affinity-violated'],
    says: ['wants it with stays-on-host, which is on a/a1'],
  },
  'affinity-prefer-with': {
    vm: { affinity: [{ strength: 'prefer', kind: 'with', members: ['stays-on-host'] }] },
    declared: { host: 'a2' },
    plan: hot(),
    found: ['warning affinity-violated'],
  },
  'affinity-neighbour': { vm: { host: 'a-bios' }, declared: { host: 'a-bios' }, plan: '' },
  'affinity-must-apart': {
    vm: { affinity: [{ strength: 'must', kind: 'apart', members: ['affinity-neighbour'] }] },
    declared: { host: 'a-bios' },
    plan: blocked('affinity-violated'),
    found: ['blocker affinity-violated'],
    says: ['wants it apart from affinity-neighbour'],
  },
  'affinity-prefer-apart': {
    vm: { affinity: [{ strength: 'prefer', kind: 'apart', members: ['affinity-neighbour'] }] },
    declared: { host: 'a-bios' },
    plan: hot('a/a-bios'),
    found: ['warning affinity-violated'],
  },
  'affinity-loner': {
    vm: { host: 'b-cut-off', affinity: [{ strength: 'must', kind: 'apart', members: ['affinity-of-another'] }] },
    declared: { host: 'b-cut-off' },
    plan: '',
  },
  'affinity-of-another': {
    vm: { host: 'b1' },
    declared: { host: 'b-cut-off' },
    plan: blocked('affinity-violated'),
    found: ['blocker affinity-violated'],
    says: ['a rule of VM affinity-loner'],
  },

  'ha-hot': { vm: { ha: true }, declared: { host: 'a2' }, plan: hot(), found: ['notice ha-or-balancer'] },
  'ha-cold': { vm: { ha: true, ...off }, declared: { host: 'a2' }, plan: coldOff(), found: ['notice ha-or-balancer', estimate] },
  'ha-staged': { vm: { ha: true }, declared: { host: 'c1' }, plan: staged(), found: ['notice ha-or-balancer', estimate] },
  'console-hot': {
    vm: { consoles: ['vnc', 'spice'] },
    declared: { host: 'a2' },
    plan: hot(),
    found: ['notice console-breaks'],
    says: ['open consoles (vnc, spice)', 'Reopen them'],
  },
  'console-staged': { vm: { consoles: ['vnc'] }, declared: { host: 'c1' }, plan: staged(), found: [estimate] },
  'estimate-staged': {
    declared: { host: 'c1' },
    plan: staged(),
    found: [estimate],
    says: [/estimated downtime of VM estimate-staged .*throughput 200 MiB\/s.*dirty rate measured/],
  },
  'writes-fast': {
    vm: { dirtyRate: '190MiB/s', workingSet: '4GiB' },
    declared: { host: 'c1' },
    plan: staged(),
    found: ['warning slow-increments', estimate],
    says: ['changes 190 MiB/s of its disks, and the link carries 200 MiB/s'],
  },
};

/** `will-stop-vm`: this `up` may stop the running VM. */
export const ofTheGo: Table = {
  'go-none': { declared: { host: 'c1' }, plan: staged(), found: [estimate] },
  'go-now': {
    up: 'c/c1 running AwaitingConfirmation',
    declared: { host: 'c1', ...go('now') },
    plan: staged('c/c1', '; will-stop-vm'),
    found: [stops, estimate],
    says: ['the go "now" is given (declared)'],
  },
  'go-force': { declared: { host: 'c1', ...go('force') }, plan: staged('c/c1', '; will-stop-vm'), found: [stops, estimate] },
  'go-time-reached': {
    declared: { host: 'c1', ...go('2020-01-01T00:00:00Z') },
    plan: staged('c/c1', '; will-stop-vm'),
    found: [stops, estimate],
  },
  'go-window-missed': { declared: { host: 'c1', ...go('2020-01-01T00:00:00Z/2020-01-02T00:00:00Z') }, plan: staged(), found: [estimate] },
  'go-window-to-wait-for': {
    declared: { host: 'c1', onPending: 'wait', goFrom: 'declared', waitTimeout: '5m', ...go('2100-01-01T00:00:00Z/2100-01-02T00:00:00Z') },
    plan: 'staged: a/a1 -> c/c1; no-direct-network, other-cluster; will-stop-vm',
    found: [stops, estimate],
  },
  'go-hold': { declared: { host: 'c1', ...go('hold') }, plan: staged(), found: [estimate] },
  'go-only-at-the-vm': { declared: { host: 'c1', goFrom: 'vm', ...go('now') }, plan: staged(), found: [estimate] },
  'go-may-come': {
    declared: { host: 'c1', onPending: 'wait', waitTimeout: '5m' },
    plan: staged('c/c1', '; will-stop-vm'),
    found: [stops, estimate],
    says: ['waits for a go at the VM'],
  },
  'go-cannot-come': {
    declared: { host: 'c1', onPending: 'wait', goFrom: 'declared', waitTimeout: '5m' },
    plan: 'staged: a/a1 -> c/c1; no-direct-network, other-cluster',
    found: [estimate],
  },
};
