/** The same on a platform as AOC: a task that is only watched and honours few options; and a host that does not answer. */
import type { Table } from './rules-rows.js';

const roomy = { memory: '16TiB', pools: { default: { capacity: '64TiB' } } };

export function taskDatacenter(vms: Readonly<Record<string, object>>): object {
  return {
    embedded: {
      clock: 'manual',
      style: 'task',
      clusters: {
        a: {
          hosts: { a1: { ...roomy, memory: '32TiB', networks: ['default', 'vlan7'] }, a2: { ...roomy, networks: ['default', 'vlan8'] } },
        },
        b: { hosts: { b1: roomy, silent: { ...roomy, state: 'unreachable' } } },
      },
      links: [{ between: ['a', 'b'] }],
      vms: { ...Object.fromEntries(Object.entries(vms).map(([id, vm]) => [id, { host: 'a1', ...vm }])), 'on-silent': { host: 'silent' } },
    },
  };
}

const hot = 'hot: a/a1 -> a/a2; vm-running, hot-possible';
const staged = 'staged: a/a1 -> b/b1; declared-staged; a go at the VM is obeyed';
const unsupported = (declared: object, says: string): Table[string] => ({
  declared: { host: 'a2', ...declared },
  plan: 'blocked: option-unsupported',
  found: ['blocker option-unsupported'],
  says: [says, /Remove \w+\./],
});
const cards = ['card', 'stick'].map((name) => ({ name, kind: 'pci' }));

export const onTask: Table = {
  'option-storage': unsupported({ storage: { default: 'default' } }, 'cannot choose the storage by pool'),
  'option-bandwidth': unsupported({ bandwidth: '100MiB/s' }, 'cannot limit the bandwidth'),
  'option-verify': unsupported({ verify: 'full' }, 'cannot read back what was copied'),
  'option-verify-increment': unsupported({ verify: 'increment' }, 'cannot read back what was copied'),
  'option-postcopy': unsupported({ postCopy: true }, 'has no post-copy'),
  'option-suspend': unsupported({ suspend: true }, 'cannot suspend'),
  'option-increment-every': unsupported({ incrementEvery: '2m' }, 'sends increments by itself'),
  'option-start-after': {
    declared: { host: 'b1', method: 'staged', startAfter: 'never' },
    plan: 'blocked: option-unsupported',
    found: ['blocker option-unsupported', 'notice cutover-at-power-off', 'notice downtime-estimate'],
    says: ['starts the VM by itself after a staged move'],
  },
  'option-detach-some': {
    vm: { devices: cards, power: 'off' },
    declared: { host: 'a2', detach: ['card'] },
    plan: 'blocked: device-unmovable, option-unsupported',
    found: ['blocker option-unsupported', 'blocker device-unmovable', 'notice downtime-estimate'],
    says: ['leaves out all devices or none'],
  },
  'option-detach-all': {
    vm: { devices: cards, power: 'off' },
    declared: { host: 'a2', detach: ['card', 'stick'] },
    plan: 'cold: a/a1 -> a/a2; vm-off',
    found: ['notice downtime-estimate'],
  },
  'options-as-they-are': { declared: { host: 'a2', verify: 'off', postCopy: false, networks: { vlan7: 'vlan8' } }, plan: hot },
  'option-start-after-hot': { declared: { host: 'a2', startAfter: 'never' }, plan: hot },
  'hold-is-supported': {
    declared: { host: 'b1', method: 'staged', annotations: { 'vmplacement/shutdown': 'hold' } },
    plan: staged,
    found: ['notice cutover-at-power-off', 'notice downtime-estimate'],
    says: ['at any power-off'],
  },

  'silent-target': {
    declared: { host: 'silent' },
    plan: 'blocked: host-unavailable',
    found: ['blocker host-unavailable'],
    says: ['target b/silent could not be read: host b/silent does not answer'],
  },
  'silent-target-is-not-chosen': { declared: { cluster: 'b' }, plan: 'hot: a/a1 -> b/b1; vm-running, hot-possible' },
  'on-silent': {
    vm: null,
    declared: { host: 'a2' },
    plan: 'error: unreadable-host',
    says: ['VM on-silent was not found, and it may be on a host that could not be read: b/silent', 'Nothing is done'],
  },
  'nowhere-that-was-read': { vm: null, declared: { host: 'a2' }, plan: 'error: unreadable-host' },
  'apart-from-what-is-not-seen': {
    vm: { affinity: [{ strength: 'must', kind: 'apart', members: ['on-silent'] }] },
    declared: { host: 'a2' },
    plan: 'blocked: affinity-violated',
    found: ['blocker affinity-violated'],
    says: ['unknown: where VM on-silent is'],
  },
};
