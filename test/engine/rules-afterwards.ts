/** What earlier moves leave behind, or others have under way: the findings that no datacenter file can declare. */
import type { Table } from './rules-rows.js';

const roomy = { memory: '16TiB', pools: { default: { capacity: '64TiB' } } };
const go = (value: string): object => ({ annotations: { 'vmplacement/shutdown': value } });

export const afterwardsDatacenter = {
  embedded: {
    clock: 'manual',
    clusters: {
      a: { hosts: { a1: roomy, a2: roomy } },
      b: { hosts: { b1: roomy } },
      c: { hosts: { c1: roomy, c2: roomy, 'c-tight': { memory: '8GiB', pools: { default: { capacity: '12GiB' } } } } },
    },
    links: [{ between: ['a', 'b'] }, { between: ['a', 'c'], direct: 'no' }, { between: ['b', 'c'], direct: 'no' }],
    vms: {
      kept: { host: 'a1', power: 'off' },
      spent: { host: 'a1' },
      cancelled: { host: 'a1' },
      pending: { host: 'a1', memory: '4GiB', disks: [{ name: 'vda', allocated: '8GiB' }] },
      'late-for-memory': { host: 'a1', memory: '4GiB', disks: [{ name: 'vda', allocated: '1GiB' }] },
      'late-for-storage': { host: 'a1', memory: '1GiB', disks: [{ name: 'vda', allocated: '6GiB' }] },
      leased: { host: 'a1', claim: 'organization/web/prod' },
    },
  },
};

/** First carried out: a kept source, a go that was used, two moves that wait. */
export const beforehand: Record<string, Record<string, unknown>> = {
  kept: { vm: 'kept', host: 'a2' },
  spent: { vm: 'spent', host: 'c1', keepSource: 'no', ...go('now') },
  cancelled: { vm: 'cancelled', host: 'c1' },
  pending: { vm: 'pending', host: 'c-tight' },
};

const estimate = 'notice downtime-estimate';

/** Then asked and previewed. */
export const afterwards: Table = {
  kept: {
    declared: { host: 'b1' },
    plan: 'blocked: source-kept',
    found: ['blocker source-kept'],
    says: ['its source is kept on a/a1', 'vmplacement confirm kept'],
  },
  spent: {
    declared: { host: 'a1', ...go('now') },
    plan: 'staged: c/c1 -> a/a1; no-direct-network, other-cluster; a go at the VM is obeyed',
    found: ['warning go-spent', estimate],
    says: ['was used by an earlier move and is ignored', 'vmplacement annotate spent'],
  },
  cancelled: {
    declared: { host: 'c1' },
    plan: '',
    found: ['warning move-cancelled'],
    says: ['was cancelled', 'vmplacement resume cancelled'],
  },
  'late-for-memory': {
    declared: { host: 'c-tight' },
    plan: 'blocked: memory-short',
    found: ['blocker memory-short', estimate],
    says: ['has 3.5 GiB left'],
  },
  'late-for-storage': {
    declared: { host: 'c-tight' },
    plan: 'blocked: storage-short',
    found: ['blocker storage-short', estimate],
    says: ['needs 6 GiB on pool default of c/c-tight; 4 GiB are left'],
  },
  leased: {
    declared: { host: 'a2', takeOver: 'organization/web/prod' },
    plan: 'blocked: vm-owned-elsewhere',
    found: ['blocker vm-owned-elsewhere'],
    says: ['its lease is alive: held by another run', 'a live lease is never taken over'],
  },
};

/** Only asked. */
export const asWell: Table = {
  'pending continues': {
    of: 'pending',
    declared: { host: 'c-tight' },
    plan: 'staged: a/a1 -> c/c-tight; continues; a go at the VM is obeyed',
    found: [estimate],
  },
  'pending with a go': {
    of: 'pending',
    declared: { host: 'c-tight', ...go('now') },
    plan: 'staged: a/a1 -> c/c-tight; continues; will-stop-vm; a go at the VM is obeyed',
    found: ['warning will-stop-vm', estimate],
  },
  'pending, and back': { of: 'pending', declared: { host: 'a1' }, plan: 'cancel staged: stays on a/a1' },
  'pending, and elsewhere': {
    of: 'pending',
    declared: { host: 'b1' },
    plan: 'cancel staged to c/c-tight; then hot: a/a1 -> b/b1; vm-running, hot-possible',
  },
  'kept, and settled': { of: 'kept', declared: { host: 'a2' }, plan: '' },
  'kept, and given up': { of: 'kept', declared: { host: 'a2', keepSource: 'no' }, plan: 'settle: cold: a/a1 -> a/a2' },
  'spent, and another value': {
    of: 'spent',
    declared: { host: 'a1', ...go('force') },
    plan: 'staged: c/c1 -> a/a1; no-direct-network, other-cluster; will-stop-vm; a go at the VM is obeyed',
    found: ['warning will-stop-vm', estimate],
  },
  'spent, but no staged move': { of: 'spent', declared: { host: 'c2', ...go('now') }, plan: 'hot: c/c1 -> c/c2; vm-running, hot-possible' },
  'cancelled, and another target': { of: 'cancelled', declared: { host: 'b1' }, plan: 'hot: a/a1 -> b/b1; vm-running, hot-possible' },
};
