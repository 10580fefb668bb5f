import { describe, expect, it } from 'vitest';
import { ruleInput, findingsOf, type DecideContext } from '../../../provider/core/candidates.js';
import { all } from '../../../provider/core/rules/index.js';
import type { Desired } from '../../../provider/core/desired.js';
import { findingCodes, type Finding, type FindingCode } from '../../../provider/core/finding.js';
import { unknown, type Host, type Vm } from '../../../provider/core/inventory.js';
import { liveCopy, locate } from '../../../provider/core/locate.js';
import { declarationKey, Promises } from '../../../provider/core/decide.js';
import type { Method } from '../../../provider/core/record.js';
import { hostNotInCluster } from '../../../provider/core/rules/host-not-in-cluster.js';
import { vmMissing } from '../../../provider/core/rules/vm-missing.js';
import {
  annotation,
  at,
  capabilities,
  claim,
  cluster,
  context,
  copy,
  desired,
  disk,
  GiB,
  host,
  hostsWith,
  inventory,
  link,
  MiB,
  offVm,
  onHost,
  onHosts,
  place,
  record,
  self,
  vm,
  type World,
} from './builders.js';

const why = unknown('no rights');
const seen = new Set<FindingCode>();

interface Case extends World {
  readonly to?: string;
  readonly method?: Method;
  readonly desired?: Partial<Desired>;
  readonly ctx?: Partial<DecideContext>;
}

/** What the rules say of one code: "severity: message". */
function said(code: FindingCode, given: Case): readonly string[] {
  const world = inventory(given);
  const to = place(given.to ?? 'b/b1');
  const machine = world.vms[0]!;
  const target = world.hosts.find((each) => each.name === to.host && each.cluster === to.cluster)!;
  const live = liveCopy(machine) ?? machine.copies[0]!;
  const subject = { desired: onHost(to.host, given.desired), inventory: world, ctx: context(given.ctx), vm: machine, live };
  const input = ruleInput(subject, target, given.method ?? 'hot', null);
  return told(
    code,
    all.flatMap((rule) => rule(input)),
  );
}

function told(code: FindingCode, findings: readonly Finding[]): readonly string[] {
  const found = findings.filter((finding) => finding.code === code);
  if (found.length > 0) seen.add(code);
  for (const { subject, message } of found) expect([subject, message].every((text) => text.length > 0)).toBe(true);
  return found.map(({ severity, message }) => `${severity}: ${message}`);
}

const target = (over: Parameters<typeof host>[1], more: Partial<Host> = {}, text = 'b/b1'): World => ({
  hosts: hostsWith(host(text, over, more)),
});
const unreadTarget = { hosts: hostsWith(host('b/b1', {}, { facts: why })) };
const is = (...parts: readonly (string | RegExp)[]): unknown =>
  parts.map((part) => (typeof part === 'string' ? expect.stringContaining(part) : expect.stringMatching(part)));

describe('vm-missing', () => {
  it('says that no host that was read has it', () => {
    expect(told('vm-missing', vmMissing({ desired: desired({ vm: 'nope' }), inventory: inventory() }))).toEqual(
      is(/^blocker: VM nope is on none of the 4 hosts/),
    );
  });
  it('lists the candidates of an ambiguous name with their UUIDs', () => {
    const twin = vm({ uuid: 'uuid-2', copies: [copy('b/b2')] });
    const messages = told('vm-missing', vmMissing({ desired: desired(), inventory: inventory({ others: [twin] }) }));
    expect(messages).toEqual(is(/uuid-web-01 on a\/a1; uuid-2 on b\/b2/));
  });
  it('takes a UUID where the name is ambiguous', () => {
    const twin = vm({ uuid: 'uuid-2', copies: [copy('b/b2')] });
    expect(locate(inventory({ others: [twin] }), 'UUID-2')).toMatchObject({ kind: 'found', vm: { uuid: 'uuid-2' } });
  });
  it('does not take a kept source for a candidate, and names it', () => {
    const kept = vm({ uuid: 'uuid-2', copies: [copy('b/b2', { role: 'kept', power: 'off' })] });
    expect(vmMissing({ desired: desired(), inventory: inventory({ others: [kept] }) })).toEqual([]);
    expect(told('vm-missing', vmMissing({ desired: desired(), inventory: inventory({ vm: kept }) }))).toEqual(is(/a kept source on b\/b2/));
  });
});

describe('vm-two-copies', () => {
  it('names both hosts and since when', () => {
    const twice = vm({ copies: [copy('a/a1'), copy('a/a2', { lastChange: why })] });
    expect(said('vm-two-copies', { vm: twice })).toEqual(
      is(/^blocker: .*running on a\/a1 since 2026-04-30.*running on a\/a2 since when could not be read: no rights/),
    );
  });
  it('counts a kept source that somebody started', () => {
    expect(said('vm-two-copies', { vm: vm({ copies: [copy('a/a1'), copy('a/a2', { role: 'kept' })] }) })).toHaveLength(1);
  });
  it.each([
    ['both off', [copy('a/a1', { power: 'off' }), copy('a/a2', { power: 'off' })]],
    ['the power of one unknown', [copy('a/a1'), copy('a/a2', { power: 'unknown' })]],
  ])('refuses definitions that cannot be told apart: %s', (_name, copies) => {
    expect(said('vm-two-copies', { vm: vm({ copies }) })).toEqual(is(/^blocker: .*cannot be told/));
  });
  it('says when another definition is in the way on the target', () => {
    expect(said('vm-two-copies', { vm: vm({ copies: [copy('a/a1'), copy('b/b1', { power: 'off' })] }) })).toEqual(is(/in the way/));
  });
  it('is silent on a half-built target', () => {
    expect(said('vm-two-copies', { vm: vm({ copies: [copy('a/a1'), copy('b/b1', { role: 'incoming', power: 'off' })] }) })).toEqual([]);
  });
});

describe('vm-state', () => {
  it.each(['paused', 'suspended', 'saved', 'crashed', 'unknown'] as const)('blocks a VM that is %s', (power) => {
    expect(said('vm-state', { vm: vm({ copies: [copy('a/a1', { power })] }) })).toEqual(is(/^blocker: /));
  });
  it.each(['transient', 'deleting', 'recycle-bin', 'internal'] as const)('blocks a VM with the condition %s', (condition) => {
    expect(said('vm-state', { vm: vm({ conditions: [condition] }) })).toEqual(is(/^blocker: VM web-01/));
  });
  it.each([vm(), offVm()])('is silent otherwise', (machine) => {
    expect(said('vm-state', { vm: machine })).toEqual([]);
  });
});

describe('vm-busy', () => {
  it('names who holds it', () => {
    expect(said('vm-busy', { vm: vm({ locks: [{ by: 'backup' }] }) })).toEqual(is(/^blocker: .*backup/));
    expect(said('vm-busy', {})).toEqual([]);
  });

  it('names the run that works on it, as long as its lease lasts', () => {
    const busy = (expiresAt: string): Vm => vm({ locks: [{ by: 'job' }], lease: { holder: 'run-9@ci', expiresAt } });
    const held = is(/by another operation: job; run-9@ci is working on it, and its lease ends \S+ unless renewed$/);
    expect(said('vm-busy', { vm: busy(at(1000)) })).toEqual(held);
    expect(said('vm-busy', { vm: busy('nonsense') })).toEqual(held);
    expect(said('vm-busy', { vm: busy(at(-1)) })).toEqual(is(/operation: job$/));
    expect(said('vm-busy', { vm: busy(at(1000)), ctx: { holder: 'run-9@ci' } })).toEqual(is(/operation: job$/));
  });
});

describe('vm-owned-elsewhere', () => {
  const other = 'org/other/dev';
  it('blocks on another stack, also when takeOver names a third', () => {
    const theirs = vm({ claim: claim({ stack: other }) });
    expect(said('vm-owned-elsewhere', { vm: theirs })).toEqual(is(/^blocker: .*org\/other\/dev/));
    expect(said('vm-owned-elsewhere', { vm: theirs, desired: { takeOver: 'x/y/z' } })).toEqual(is(/takeOver names x\/y\/z/));
  });
  it('lets takeOver take it, but never with a live lease', () => {
    const lease = (expiresAt: string): Vm => vm({ claim: claim({ stack: other }), lease: { holder: 'run-9@ci', expiresAt } });
    expect(said('vm-owned-elsewhere', { vm: lease(at(-1)), desired: { takeOver: other } })).toEqual([]);
    expect(said('vm-owned-elsewhere', { vm: lease(at(1000)), desired: { takeOver: other } })).toEqual(
      is(/lease is alive: held by run-9@ci/),
    );
    expect(said('vm-owned-elsewhere', { vm: lease('nonsense'), desired: { takeOver: other } })).toHaveLength(1);
    expect(said('vm-owned-elsewhere', { vm: lease(at(1000)), desired: { takeOver: other }, ctx: { holder: 'run-9@ci' } })).toEqual([]);
  });
  it('is silent on our own and on an unclaimed VM', () => {
    expect(said('vm-owned-elsewhere', { vm: vm({ claim: claim() }) })).toEqual([]);
    expect(said('vm-owned-elsewhere', {})).toEqual([]);
  });
});

describe('host-unavailable', () => {
  it.each(['maintenance', 'entering-maintenance', 'disconnected', 'unreachable'] as const)('blocks a target that is %s', (state) => {
    expect(said('host-unavailable', target({}, { state }))).toEqual(is(/^blocker: target b\/b1/));
  });
  it.each(['disconnected', 'unreachable'] as const)('blocks a source that is %s', (state) => {
    expect(said('host-unavailable', target({}, { state }, 'a/a1'))).toEqual(is(/^blocker: source a\/a1/));
  });
  it.each(['maintenance', 'entering-maintenance'] as const)('lets a source in %s be evacuated', (state) => {
    expect(said('host-unavailable', target({}, { state }, 'a/a1'))).toEqual([]);
  });
  it('speaks alone for a host that does not answer', () => {
    const subject = { desired: desired(), inventory: inventory(unreadTarget), vm: vm(), live: copy('a/a1'), ctx: context({}) };
    const found = findingsOf(ruleInput(subject, host('b/b1', {}, { facts: why }), 'hot', null));
    expect(found.filter(({ severity }) => severity === 'blocker').map(({ code }) => code)).toEqual(['host-unavailable']);
  });
  it('does not take an unread target for a good one, nor an unlisted source', () => {
    expect(said('host-unavailable', unreadTarget)).toEqual(is(/^blocker: unknown: target b\/b1 .*no rights/));
    expect(said('host-unavailable', { hosts: [host('b/b1')] })).toEqual(is(/^blocker: unknown: source a\/a1/));
  });
});

describe('host-not-in-cluster', () => {
  const ask = (over: Partial<Desired>, name: string): readonly string[] =>
    told(
      'host-not-in-cluster',
      hostNotInCluster({ desired: onHost(name, over), inventory: inventory(), to: { cluster: '?', host: name } }),
    );
  it('names the clusters or hosts that were perhaps meant', () => {
    const [finding] = hostNotInCluster({ desired: onHost('b11'), inventory: inventory(), to: place('?/b11') });
    expect(finding).toMatchObject({ severity: 'blocker', suggestion: expect.stringMatching(/^Did you mean b1\? Known: b1, /) as unknown });
    expect(ask({}, 'b11')).toEqual(is(/there is no host b11/));
    expect(ask({ cluster: 'bb' }, 'b1')).toEqual(is(/there is no cluster bb/));
    expect(ask({ cluster: 'b' }, 'zzzzzzzz')).toEqual(is(/there is no host zzzzzzzz in cluster b/));
  });
  it('says in which cluster the host is', () => {
    expect(ask({ cluster: 'b' }, 'a1')).toEqual(is(/host a1 is in cluster a, not in b/));
  });
  it('asks for the cluster where the name is in several', () => {
    const world = inventory({ hosts: [host('a/h'), host('b/h')] });
    expect(told('host-not-in-cluster', hostNotInCluster({ desired: onHost('h'), inventory: world, to: place('b/h') }))).toEqual(
      is(/several clusters: a, b/),
    );
  });
  it('is silent on a host of the cluster', () => {
    expect(ask({ cluster: 'b' }, 'b1')).toEqual([]);
    expect(said('host-not-in-cluster', {})).toEqual([]);
  });
});

describe('cluster-refuses', () => {
  const b = (over: Parameters<typeof cluster>[1]): Case => ({ clusters: [cluster('a'), cluster('b', over)] });
  it.each([
    ['does not accept', { acceptsMigrations: false }, /does not accept/],
    ['acceptance unknown', { acceptsMigrations: why }, /unknown: whether cluster b accepts migrations could not be read: no rights/],
    ['not connected', { connected: false }, /not connected/],
    ['connection unknown', { connected: why }, /unknown: whether cluster b is connected/],
    ['two major versions apart', { version: '3.1.0' }, /a has 1.0.0, b has 3.1.0/],
    ['version unknown', { version: why }, /unknown: the version of cluster b/],
    ['version unreadable', { version: 'latest' }, /"latest" is no dotted version/],
  ] as const)('blocks: %s', (_name, over, message) => {
    expect(said('cluster-refuses', b(over))).toEqual([expect.stringMatching(new RegExp(`^blocker: .*${message.source}`))]);
  });
  it('blocks a cluster that the inventory does not list', () => {
    expect(said('cluster-refuses', { clusters: [cluster('a')] })).toEqual(is(/^blocker: unknown: cluster b/));
    expect(said('cluster-refuses', { clusters: [cluster('b')] })).toEqual(is(/^blocker: unknown: the version of cluster a/));
  });
  it('accepts one major version apart, and asks nothing inside one cluster', () => {
    expect(said('cluster-refuses', b({ version: '2.9' }))).toEqual([]);
    expect(said('cluster-refuses', { to: 'a/a2', clusters: [cluster('a', { acceptsMigrations: false })] })).toEqual([]);
  });
});

describe('what a method asks of the VM', () => {
  it('staged-same-cluster', () => {
    expect(said('staged-same-cluster', { method: 'staged', to: 'a/a2' })).toEqual(is(/^blocker: /));
    expect(said('staged-same-cluster', { method: 'staged' })).toEqual([]);
    expect(said('staged-same-cluster', { method: 'hot', to: 'a/a2' })).toEqual([]);
  });
  it('staged-not-running', () => {
    expect(said('staged-not-running', { method: 'staged', vm: offVm() })).toEqual(is(/^blocker: /));
    expect(said('staged-not-running', { method: 'staged' })).toEqual([]);
    expect(said('staged-not-running', { method: 'cold', vm: offVm() })).toEqual([]);
  });
  it('staged-no-os: blocker, or a warning with assumeOs', () => {
    const none = vm({ os: { installed: false, seenBy: null } });
    expect(said('staged-no-os', { method: 'staged', vm: none })).toEqual(is(/^blocker: no operating system/));
    expect(said('staged-no-os', { method: 'staged', vm: none, desired: { assumeOs: true } })).toEqual(is(/^warning: /));
    expect(said('staged-no-os', { method: 'staged', vm: vm({ os: why }) })).toEqual(is(/^blocker: unknown: .*no rights/));
    expect(said('staged-no-os', { method: 'staged', vm: vm({ os: why }), desired: { assumeOs: true } })).toEqual(is(/^warning: unknown/));
    expect(said('staged-no-os', { method: 'staged' })).toEqual([]);
    expect(said('staged-no-os', { method: 'hot', vm: none })).toEqual([]);
  });
  it('cold-running: without allowShutdown, or under hold', () => {
    expect(said('cold-running', { method: 'cold' })).toEqual(is(/^blocker: VM web-01 runs/));
    expect(said('cold-running', { method: 'cold', desired: { allowShutdown: true } })).toEqual([]);
    expect(
      said('cold-running', { method: 'cold', desired: { allowShutdown: true }, vm: vm({ annotation: [annotation('hold')] }) }),
    ).toEqual(is(/hold is set/));
    expect(said('cold-running', { method: 'cold', vm: offVm() })).toEqual([]);
  });
  it('hot-not-running', () => {
    expect(said('hot-not-running', { method: 'hot', vm: offVm() })).toEqual(is(/^blocker: /));
    expect(said('hot-not-running', { method: 'hot' })).toEqual([]);
  });
});

describe('cutover-at-power-off', () => {
  const watched = { ctx: { capabilities: capabilities({ holdsCutover: false }) } };
  it('says that the platform cuts over by itself, for staged only, and only there', () => {
    expect(said('cutover-at-power-off', { method: 'staged', ...watched })).toEqual(is(/^notice: .* cuts VM web-01 over at any power-off/));
    expect(said('cutover-at-power-off', { method: 'cold', ...watched })).toEqual([]);
    expect(said('cutover-at-power-off', { method: 'staged' })).toEqual([]);
  });
});

describe('will-stop-vm', () => {
  it.each([
    ['staged, go declared', { method: 'staged', desired: { shutdown: 'now' } }],
    ['staged, go on the VM', { method: 'staged', vm: vm({ annotation: [annotation('now')] }) }],
    ['staged, a time to come', { method: 'staged', desired: { shutdown: at(3_600_000) } }],
    ['staged, waiting for a go at the VM', { method: 'staged', desired: { onPending: 'wait' } }],
    ['cold, allowShutdown', { method: 'cold', desired: { allowShutdown: true } }],
  ] as const)('warns: %s', (_name, given: Case) => {
    expect(said('will-stop-vm', given)).toEqual(is(/^warning: this update may stop the running VM web-01/));
  });
  it.each([
    ['hot', { method: 'hot', desired: { shutdown: 'now' } }],
    ['staged without a go', { method: 'staged' }],
    ['staged, hold', { method: 'staged', desired: { shutdown: 'hold', onPending: 'wait' } }],
    [
      'staged, hold on the VM beats the declared go',
      { method: 'staged', desired: { shutdown: 'now' }, vm: vm({ annotation: [annotation('hold')] }) },
    ],
    ['staged, waiting, but only the declaration counts', { method: 'staged', desired: { onPending: 'wait', goFrom: 'declared' } }],
    ['staged, the declared go is spent', { method: 'staged', desired: { shutdown: 'now' }, vm: vm({ claim: claim({ spentGo: 'now' }) }) }],
    ['staged, a window that is over', { method: 'staged', desired: { shutdown: `${at(-7_200_000)}/${at(-3_600_000)}` } }],
    ['cold of a VM that is off', { method: 'cold', desired: { allowShutdown: true }, vm: offVm() }],
  ] as const)('is silent: %s', (_name, given: Case) => {
    expect(said('will-stop-vm', given)).toEqual([]);
  });
});

describe('cpu-incompatible', () => {
  const lacking = vm({ cpu: { arch: 'x86_64', model: 'Icelake', features: ['sse', 'avx512f', 'amx'] } });
  it('hot: blocker with what is missing', () => {
    expect(said('cpu-incompatible', { vm: lacking })).toEqual(is(/^blocker: .*model Icelake; features avx512f, amx/));
  });
  it.each(['cold', 'staged'] as const)('%s: warning for model and features, blocker for the architecture', (method) => {
    expect(said('cpu-incompatible', { vm: lacking, method })).toEqual(is(/^warning: /));
    expect(said('cpu-incompatible', { vm: vm({ cpu: { arch: 'aarch64', model: null, features: [] } }), method })).toEqual(
      is(/^blocker: VM web-01 needs a aarch64 CPU/),
    );
  });
  it.each([
    ['of the VM', { vm: vm({ cpu: why }) }],
    ['of the host', target({ cpu: why })],
    ['of an unread host', unreadTarget],
  ])('unknown CPU %s: blocker', (_name, given: Case) => {
    for (const method of ['hot', 'cold', 'staged'] as const)
      expect(said('cpu-incompatible', { ...given, method })).toEqual(is(/^blocker: unknown: .*no rights/));
  });
  it('no model in particular fits any host', () => {
    expect(said('cpu-incompatible', { vm: vm({ cpu: { arch: 'x86_64', model: null, features: ['sse'] } }) })).toEqual([]);
  });
});

describe('firmware-machine', () => {
  it.each([
    ['machine type', target({ machineTypes: ['pc'] }), /lacks the machine type q35/],
    ['firmware', target({ firmware: ['uefi'] }), /lacks the firmware bios/],
    ['machine type of the VM unknown', { vm: vm({ machineType: why }) }, /unknown: the machine type of VM/],
    ['firmware of the VM unknown', { vm: vm({ firmware: why }) }, /unknown: the firmware of VM/],
    ['machine types unknown', target({ machineTypes: why }), /unknown: the machine types of b\/b1/],
    ['firmwares unknown', target({ firmware: why }), /unknown: the firmware of b\/b1/],
    ['host unread', unreadTarget, /unknown: what b\/b1 can run/],
  ] as const)('blocks: %s', (_name, given: Case, message) => {
    for (const method of ['hot', 'cold', 'staged'] as const)
      expect(said('firmware-machine', { ...given, method })).toEqual([expect.stringMatching(new RegExp(`^blocker: .*${message.source}`))]);
  });
  it('is silent where both are there', () => expect(said('firmware-machine', {})).toEqual([]));
});

describe('state-files', () => {
  const withState = (kind: 'nvram' | 'secret'): Vm => vm({ stateFiles: [{ kind, path: `/var/${kind}`, bytes: 1 }] });
  it.each(['cold', 'staged'] as const)('%s: blocks what the driver does not copy, and what could not be read', (method) => {
    expect(said('state-files', { method, vm: withState('secret') })).toEqual(is(/^blocker: .*secret \(\/var\/secret\)/));
    expect(said('state-files', { method, vm: withState('nvram') })).toEqual([]);
    expect(said('state-files', { method, vm: vm({ stateFiles: why }) })).toEqual(is(/^blocker: unknown/));
  });
  it('hot: silent', () => expect(said('state-files', { vm: withState('secret') })).toEqual([]));
});

describe('memory-short', () => {
  const free = (freeBytes: number): World => target({ memory: { totalBytes: 64 * GiB, freeBytes } });
  it('keeps the reserve free', () => {
    expect(said('memory-short', free(2.5 * GiB))).toEqual([]);
    expect(said('memory-short', free(2.5 * GiB - 1))).toEqual(is(/^blocker: VM web-01 needs 2 GiB of memory; b\/b1 has/));
  });
  it('counts what this process promised to other VMs, not to this one', () => {
    const promises = new Promises();
    promises.promise('uuid-web-01', place('b/b1'), 30 * GiB, {});
    expect(said('memory-short', { ctx: { promises } })).toEqual([]);
    promises.promise('other', place('b/b1'), 30 * GiB, {});
    expect(said('memory-short', { ctx: { promises } })).toHaveLength(1);
    promises.release('other');
    expect(said('memory-short', { ctx: { promises } })).toEqual([]);
  });
  it('counts moves in flight until they run there, and once where also promised', () => {
    const moving = vm({ name: 'db', uuid: 'uuid-db', memoryBytes: 30 * GiB, copies: [copy('a/a2')], record: record() });
    expect(said('memory-short', { others: [moving] })).toHaveLength(1);
    expect(said('memory-short', { others: [{ ...moving, memoryBytes: why }] })).toEqual(is(/^blocker: unknown: .*db is moving there/));
    expect(said('memory-short', { others: [{ ...moving, copies: [copy('b/b1')] }] })).toEqual([]);
    const promises = new Promises();
    promises.promise('uuid-db', place('b/b1'), 29 * GiB, {});
    expect(said('memory-short', { others: [moving], ctx: { promises } })).toEqual([]);
  });
  it.each([
    ['of the VM', { vm: vm({ memoryBytes: why }) }],
    ['of the host', target({ memory: why })],
    ['of an unread host', unreadTarget],
  ])('unknown %s: blocker', (_name, given: Case) => {
    expect(said('memory-short', given)).toEqual(is(/^blocker: unknown: .*no rights/));
  });
});

describe('storage-short', () => {
  const pool = (freeBytes: number, name = 'default', storageId: string | null = null): World =>
    target({ pools: [{ name, freeBytes, storageId }] });
  it.each(['hot', 'cold', 'staged'] as const)('%s: asks for what will really be written, raw too', (method) => {
    expect(said('storage-short', { ...pool(5 * GiB), method })).toEqual([]);
    expect(said('storage-short', { ...pool(5 * GiB - 1), method })).toEqual(is(/^blocker: VM web-01 needs 5 GiB on pool default of b\/b1/));
    const raw = vm({ disks: [disk({ format: 'raw', allocatedBytes: 10 * GiB })] });
    expect(said('storage-short', { ...pool(6 * GiB), vm: raw, method })).toHaveLength(1);
  });
  it('adds up per mapped pool', () => {
    const two = vm({ disks: [disk(), disk({ name: 'vdb', pool: 'fast' })] });
    const storage = { default: 'ssd', fast: 'ssd' };
    expect(said('storage-short', { ...pool(9 * GiB, 'ssd'), vm: two, desired: { storage } })).toEqual(is(/needs 10 GiB on pool ssd/));
  });
  it('asks nothing for a disk on storage that both see, nor for a pool that is not there', () => {
    const shared = vm({ disks: [disk({ storageId: 'nfs-1' })] });
    expect(said('storage-short', { ...pool(0, 'default', 'nfs-1'), vm: shared })).toEqual([]);
    expect(said('storage-short', pool(0, 'other'))).toEqual([]);
  });
  it('counts promises, and of moves in flight what they have not written yet', () => {
    const promises = new Promises();
    promises.promise('other', place('b/b1'), 0, { default: 3 * GiB });
    expect(said('storage-short', { ...pool(7 * GiB), ctx: { promises } })).toHaveLength(1);
    const incoming = copy('b/b1', { role: 'incoming', power: 'off', storedBytes: 4 * GiB });
    const moving = vm({ name: 'db', uuid: 'uuid-db', copies: [copy('a/a2'), incoming], record: record() });
    expect(said('storage-short', { ...pool(6 * GiB), others: [moving] })).toEqual([]);
    expect(said('storage-short', { ...pool(6 * GiB - 1), others: [moving] })).toHaveLength(1);
    expect(said('storage-short', { ...pool(6 * GiB), others: [{ ...moving, disks: why }] })).toEqual(is(/^blocker: unknown/));
  });
  it.each([
    ['disks', { vm: vm({ disks: why }) }],
    ['pools', target({ pools: why })],
    ['free space', target({ pools: [{ name: 'default', freeBytes: why, storageId: null }] })],
    ['host', unreadTarget],
  ])('unknown %s: blocker', (_name, given: Case) => {
    expect(said('storage-short', given)).toEqual(is(/^blocker: unknown: .*no rights/));
  });
});

describe('host-lacks', () => {
  const lacks = [{ what: 'qemu-nbd', methods: ['cold'], fix: 'install qemu-utils there' }] as const;
  const both = { hosts: hostsWith(host('a/a1', { lacks }), host('b/b1', { lacks })) };
  it('blocks the methods that need it, on either host', () => {
    expect(said('host-lacks', { ...target({ lacks }), method: 'cold' })).toEqual(
      is(/^blocker: b\/b1 has no qemu-nbd, which a cold move of VM web-01 needs/),
    );
    expect(said('host-lacks', { ...both, method: 'cold' })).toEqual(is(/a\/a1 has no/, /b\/b1 has no/));
    expect(said('host-lacks', { ...both, method: 'hot' })).toEqual([]);
    expect(said('host-lacks', { ...unreadTarget, method: 'cold' })).toEqual([]);
  });
});

describe('storage-taken', () => {
  const files = (...names: readonly string[]): World =>
    target({ pools: [{ name: 'default', freeBytes: 100 * GiB, storageId: null, files: names }] });
  it.each(['hot', 'cold', 'staged'] as const)('%s: blocks a name that is taken in the pool of the target', (method) => {
    expect(said('storage-taken', { ...files('other', 'vda.qcow2'), method })).toEqual(
      is(/^blocker: pool default of b\/b1 already has a file vda\.qcow2, .* disk vda of VM web-01/),
    );
    expect(said('storage-taken', { ...files('vda.qcow', 'avda.qcow2'), method })).toEqual([]);
  });
  it('looks into the pool that the disk is mapped to', () => {
    const fast = vm({ disks: [disk({ pool: 'fast' })] });
    expect(said('storage-taken', { ...files('vda.qcow2'), vm: fast })).toEqual([]);
    expect(said('storage-taken', { ...files('vda.qcow2'), vm: fast, desired: { storage: { fast: 'default' } } })).toHaveLength(1);
  });
  it('is no matter for a disk on storage that both see, nor for what a source of the VM that is kept there holds', () => {
    const shared = vm({ disks: [disk({ storageId: 'nfs-1' })] });
    const nfs = target({ pools: [{ name: 'default', freeBytes: 0, storageId: 'nfs-1', files: ['vda.qcow2'] }] });
    expect(said('storage-taken', { ...nfs, vm: shared })).toEqual([]);
    const kept = vm({ copies: [copy('a/a1'), copy('b/b1', { role: 'kept', power: 'off' })] });
    expect(said('storage-taken', { ...files('vda.qcow2'), vm: kept })).toEqual([]);
  });
  it.each([
    ['files', target({})],
    ['disks', { ...files('vda.qcow2'), vm: vm({ disks: why }) }],
    ['pools', target({ pools: why })],
    ['host', unreadTarget],
  ])('unknown %s: others say so', (_name, given: Case) => expect(said('storage-taken', given)).toEqual([]));
});

describe('storage-unmapped and network-unmapped', () => {
  it('block a pool that is not there, also a mapped one', () => {
    const other = target({ pools: [{ name: 'ssd', freeBytes: 100 * GiB, storageId: null }] });
    expect(said('storage-unmapped', other)).toEqual(is(/^blocker: b\/b1 has no pool default/));
    expect(said('storage-unmapped', { ...other, desired: { storage: { default: 'ssd' } } })).toEqual([]);
    expect(said('storage-unmapped', { ...other, desired: { storage: { default: 'nope' } } })).toEqual(
      is(/no pool nope, which pool default is mapped to/),
    );
  });
  it('block a network that is not there, also a mapped one', () => {
    const other = target({ networks: ['prod'] });
    expect(said('network-unmapped', other)).toEqual(is(/^blocker: b\/b1 has no network default/));
    expect(said('network-unmapped', { ...other, desired: { networks: { default: 'prod' } } })).toEqual([]);
    expect(said('network-unmapped', { ...other, desired: { networks: { default: 'nope' } } })).toEqual(
      is(/no network nope, which network default is mapped to/),
    );
  });
  it('need nothing where there is nothing to map', () => {
    expect(said('storage-unmapped', { ...unreadTarget, vm: vm({ disks: [] }) })).toEqual([]);
    expect(said('network-unmapped', { ...unreadTarget, vm: vm({ nics: [] }) })).toEqual([]);
  });
  it.each([
    ['storage-unmapped', { vm: vm({ disks: why }) }],
    ['storage-unmapped', target({ pools: why })],
    ['storage-unmapped', unreadTarget],
    ['network-unmapped', { vm: vm({ nics: why }) }],
    ['network-unmapped', target({ networks: why })],
    ['network-unmapped', unreadTarget],
  ] as const)('%s: unknown is a blocker', (code, given: Case) => {
    expect(said(code, given)).toEqual(is(/^blocker: unknown: .*no rights/));
  });
});

describe('storage-same', () => {
  const shared = vm({ disks: [disk({ storageId: 'nfs-1' })] });
  const nfs = target({ pools: [{ name: 'default', freeBytes: 100 * GiB, storageId: 'nfs-1' }] });
  it.each([
    ['hot', 'notice'],
    ['cold', 'notice'],
    ['staged', 'blocker'],
  ] as const)('%s: %s', (method, severity) => {
    expect(said('storage-same', { ...nfs, vm: shared, method })).toEqual(
      is(new RegExp(`^${severity}: disk vda of VM web-01 lies on storage that a/a1 and b/b1 both see`)),
    );
    const doubt = vm({ disks: [disk({ storageId: why })] });
    expect(said('storage-same', { ...nfs, vm: doubt, method })).toEqual(is(new RegExp(`^${severity}: unknown: .*no rights`)));
    const unreadPool = target({ pools: [{ name: 'default', freeBytes: 100 * GiB, storageId: why }] });
    expect(said('storage-same', { ...unreadPool, vm: shared, method })).toEqual(is(new RegExp(`^${severity}: unknown: .*no rights`)));
    expect(said('storage-same', { ...unreadTarget, vm: shared, method })).toEqual(is(new RegExp(`^${severity}: unknown`)));
    expect(said('storage-same', { ...target({ pools: why }), vm: shared, method })).toEqual(is(new RegExp(`^${severity}: unknown`)));
    expect(said('storage-same', { vm: vm({ disks: why }), method })).toEqual(is(new RegExp(`^${severity}: unknown`)));
  });
  it('takes an equal path for nothing, and known local storage for not shared', () => {
    expect(said('storage-same', {})).toEqual([]);
    expect(said('storage-same', { vm: shared })).toEqual([]);
    expect(said('storage-same', { vm: vm({ disks: [disk({ storageId: why })] }) })).toEqual([]);
  });
});

describe('migration-unencrypted', () => {
  it('warns of a hot move where the platform sends it in the clear', () => {
    const clear = { ctx: { capabilities: capabilities({ encryptsHot: false }) } };
    expect(said('migration-unencrypted', clear)).toEqual(is(/^warning: .*unencrypted from a\/a1 to b\/b1/));
    expect(said('migration-unencrypted', { ...clear, method: 'staged' })).toEqual([]);
    expect(said('migration-unencrypted', {})).toEqual([]);
  });
});

describe('disk-shared', () => {
  it('blocks; unknown blocks where the platform could tell, else a notice says that it was not checked', () => {
    expect(said('disk-shared', { vm: vm({ disks: [disk({ sharedWith: ['db'] })] }) })).toEqual(is(/^blocker: .*shared with db/));
    const doubt = vm({ disks: [disk({ sharedWith: why })] });
    expect(said('disk-shared', { vm: doubt })).toEqual(is(/^blocker: unknown/));
    expect(said('disk-shared', { vm: doubt, ctx: { capabilities: capabilities({ readsSharing: false }) } })).toEqual(
      is(/^notice: .*not checked/),
    );
    expect(said('disk-shared', { vm: vm({ disks: why }) })).toEqual(is(/^blocker: unknown/));
    expect(said('disk-shared', {})).toEqual([]);
  });
});

describe('disk-untracked', () => {
  it('staged only', () => {
    const raw = vm({ disks: [disk({ format: 'raw', tracked: false })] });
    expect(said('disk-untracked', { method: 'staged', vm: raw })).toEqual(is(/^blocker: .*disk vda \(raw\)/));
    expect(said('disk-untracked', { method: 'staged', vm: vm({ disks: [disk({ tracked: why })] }) })).toEqual(is(/^blocker: unknown/));
    expect(said('disk-untracked', { method: 'staged', vm: vm({ disks: why }) })).toEqual(is(/^blocker: unknown/));
    expect(said('disk-untracked', { method: 'staged' })).toEqual([]);
    expect(said('disk-untracked', { method: 'cold', vm: raw })).toEqual([]);
  });
});

describe('device-unmovable', () => {
  const withDevice = (kind: 'pci' | 'sriov' | 'usb' | 'gpu' | 'cdrom', hostLocal = true): Vm =>
    vm({ devices: [{ name: 'dev0', kind, hostLocal }] });
  it.each(['pci', 'sriov', 'usb', 'gpu', 'cdrom'] as const)(
    '%s: hot blocks even with detach; cold and staged let detach leave it out',
    (kind) => {
      const machine = withDevice(kind);
      expect(said('device-unmovable', { vm: machine, desired: { detach: ['dev0'] } })).toEqual(is(/^blocker: .*dev0/));
      for (const method of ['cold', 'staged'] as const) {
        expect(said('device-unmovable', { vm: machine, method })).toEqual(is(/^blocker: .*dev0/));
        expect(said('device-unmovable', { vm: machine, method, desired: { detach: ['dev0'] } })).toEqual([]);
      }
    },
  );
  it('does not leave out what the platform cannot', () => {
    const ctx = { capabilities: capabilities({ detach: 'none' }) };
    expect(said('device-unmovable', { vm: withDevice('usb'), method: 'cold', desired: { detach: ['dev0'] }, ctx })).toHaveLength(1);
  });
  it('lets an empty drive move; unknown devices block', () => {
    expect(said('device-unmovable', { vm: withDevice('cdrom', false) })).toEqual([]);
    for (const method of ['hot', 'cold', 'staged'] as const)
      expect(said('device-unmovable', { vm: vm({ devices: why }), method })).toEqual(is(/^blocker: unknown/));
  });
});

describe('snapshots-lost', () => {
  const withSnapshots = vm({ snapshots: ['before-upgrade'] });
  it.each([
    ['hot', {}, 'blocker'],
    ['hot', { keepSource: 'confirm' }, 'warning'],
    ['hot', { dropSnapshots: true }, 'warning'],
    ['cold', {}, 'warning'],
    ['cold', { keepSource: 'no' }, 'blocker'],
    ['staged', {}, 'warning'],
    ['staged', { keepSource: 'no' }, 'blocker'],
    ['staged', { keepSource: 'no', dropSnapshots: true }, 'warning'],
  ] as const)('%s with %o: %s', (method, over, severity) => {
    expect(said('snapshots-lost', { vm: withSnapshots, method, desired: over })).toEqual(is(new RegExp(`^${severity}: .*before-upgrade`)));
    expect(said('snapshots-lost', { vm: vm({ snapshots: why }), method, desired: over })).toEqual(is(new RegExp(`^${severity}: unknown`)));
  });
  it('counts no kept source where the platform keeps none', () => {
    expect(
      said('snapshots-lost', { vm: withSnapshots, method: 'cold', ctx: { capabilities: capabilities({ keepsSource: false }) } }),
    ).toEqual(is(/^blocker/));
  });
  it('is silent where no disk is copied', () => {
    const nfs = target({ pools: [{ name: 'default', freeBytes: 0, storageId: 'nfs-1' }] });
    expect(said('snapshots-lost', { ...nfs, vm: { ...withSnapshots, disks: [disk({ storageId: 'nfs-1' })] } })).toEqual([]);
    expect(said('snapshots-lost', {})).toEqual([]);
  });
});

describe('affinity-violated', () => {
  const rule = (kind: 'hosts' | 'with' | 'apart', members: readonly string[], strength: 'must' | 'prefer' = 'must'): Vm =>
    vm({ affinity: [{ strength, kind, members }] });
  const db = (where: string, over: Partial<Vm> = {}): Vm => vm({ name: 'db', uuid: 'uuid-db', copies: [copy(where)], ...over });
  it('hosts', () => {
    expect(said('affinity-violated', { vm: rule('hosts', ['a1', 'a2']) })).toEqual(is(/^blocker: .*wants it on a1, a2, not on b\/b1/));
    expect(said('affinity-violated', { vm: rule('hosts', ['a1'], 'prefer') })).toEqual(is(/^warning: /));
    expect(said('affinity-violated', { vm: rule('hosts', ['b1']) })).toEqual([]);
  });
  it('with', () => {
    expect(said('affinity-violated', { vm: rule('with', ['db']), others: [db('a/a1')] })).toEqual(
      is(/^blocker: .*with db, which is on a\/a1/),
    );
    expect(said('affinity-violated', { vm: rule('with', ['db'], 'prefer'), others: [db('a/a1')] })).toEqual(is(/^warning: /));
    expect(said('affinity-violated', { vm: rule('with', ['db']), others: [db('b/b1')] })).toEqual([]);
  });
  it('apart, also by a rule of the other', () => {
    expect(said('affinity-violated', { vm: rule('apart', ['db']), others: [db('b/b1')] })).toEqual(is(/^blocker: .*apart from db/));
    expect(said('affinity-violated', { vm: rule('apart', ['db']), others: [db('b/b2')] })).toEqual([]);
    const theirs = db('b/b1', { affinity: [{ strength: 'prefer', kind: 'apart', members: ['web-01'] }] });
    expect(said('affinity-violated', { others: [theirs] })).toEqual(is(/^warning: a rule of VM db/));
  });
  it('unknown rules block; a member on an unread host is unknown, one that is nowhere is nothing', () => {
    expect(said('affinity-violated', { vm: vm({ affinity: why }) })).toEqual(is(/^blocker: unknown/));
    const gone = { hosts: hostsWith(host('b/b2', {}, { facts: why })) };
    expect(said('affinity-violated', { ...gone, vm: rule('apart', ['ghost']) })).toEqual(is(/^blocker: unknown: where VM ghost is.*b\/b2/));
    expect(said('affinity-violated', { ...gone, vm: rule('apart', ['ghost'], 'prefer') })).toEqual(is(/^warning: unknown/));
    expect(said('affinity-violated', { vm: rule('apart', ['ghost']) })).toEqual([]);
  });
});

describe('notices about the way', () => {
  it('ha-or-balancer', () => {
    expect(said('ha-or-balancer', { vm: vm({ ha: true }) })).toEqual(is(/^notice: HA/));
    expect(said('ha-or-balancer', { vm: vm({ ha: why }) })).toEqual(is(/^notice: unknown/));
    expect(said('ha-or-balancer', { clusters: [cluster('a'), cluster('b', { balancer: true })] })).toEqual(
      is(/^notice: the balancer of cluster b/),
    );
    expect(said('ha-or-balancer', { clusters: [cluster('a'), cluster('b', { balancer: why })] })).toEqual(is(/^notice: unknown/));
    expect(said('ha-or-balancer', { clusters: [cluster('a')] })).toEqual(is(/^notice: unknown/));
    expect(said('ha-or-balancer', {})).toEqual([]);
  });
  it('no-direct-network: hot only', () => {
    const links = [link(['b', 'a'], 'no')];
    expect(said('no-direct-network', { links })).toEqual(is(/^blocker: .*a\/a1 and b\/b1 have none/));
    for (const method of ['cold', 'staged'] as const) expect(said('no-direct-network', { links, method })).toEqual([]);
    expect(said('no-direct-network', {})).toEqual([]);
  });
  it('no-direct-network: a link of the hosts wins, also inside a cluster', () => {
    const denied = link(['a1', 'a2'], 'no', { scope: 'hosts' });
    expect(said('no-direct-network', { links: [denied], to: 'a/a2' })).toHaveLength(1);
    expect(said('no-direct-network', { links: [link(['a', 'b'], 'no'), link(['a1', 'b1'], 'yes', { scope: 'hosts' })] })).toEqual([]);
  });
  it('reach-unknown: blocker under auto, warning where hot is declared, nothing for the others', () => {
    expect(said('reach-unknown', { links: [] })).toEqual(is(/^blocker: unknown: .*nothing is declared between a and b/));
    expect(said('reach-unknown', { links: [link(['a', 'b'], 'unknown')] })).toHaveLength(1);
    expect(said('reach-unknown', { links: [], desired: { method: 'hot' } })).toEqual(is(/^warning: unknown/));
    for (const method of ['cold', 'staged'] as const) expect(said('reach-unknown', { links: [], method })).toEqual([]);
    expect(said('reach-unknown', { links: [], to: 'a/a2' })).toEqual([]);
  });
  it('console-breaks: hot only', () => {
    expect(said('console-breaks', { vm: vm({ consoles: ['vnc'] }) })).toEqual(is(/^notice: .*vnc/));
    expect(said('console-breaks', { vm: vm({ consoles: why }) })).toEqual(is(/^notice: unknown/));
    expect(said('console-breaks', {})).toEqual([]);
    expect(said('console-breaks', { vm: vm({ consoles: ['vnc'] }), method: 'staged' })).toEqual([]);
  });
  it('downtime-estimate: cold and staged, with its basis', () => {
    expect(said('downtime-estimate', { method: 'staged' })).toEqual(
      is(/^notice: estimated downtime of VM web-01 .*after copying .*throughput 500 MiB\/s \(declared\)/),
    );
    expect(said('downtime-estimate', { method: 'cold', vm: offVm() })).toEqual(is(/^notice: VM web-01 is off already; the copy takes/));
    expect(said('downtime-estimate', { method: 'cold', links: [] })).toEqual(
      is(/^notice: unknown: .*throughput between a\/a1 and b\/b1 is not known/),
    );
    expect(said('downtime-estimate', { method: 'cold', vm: vm({ disks: why }) })).toEqual(
      is(/^notice: unknown: .*disks could not be read \(no rights\)/),
    );
    expect(said('downtime-estimate', {})).toEqual([]);
  });
  it('slow-increments: staged, from 70 % of the throughput', () => {
    const writes = (diskBytesPerSecond: number): Vm =>
      vm({ dirtyRate: { diskBytesPerSecond, memoryBytesPerSecond: 0, diskWorkingSetBytes: 0, memoryWorkingSetBytes: 0 } });
    expect(said('slow-increments', { method: 'staged', vm: writes(350 * MiB) })).toEqual(is(/^warning: .*350 MiB\/s.*500 MiB\/s/));
    expect(said('slow-increments', { method: 'staged', vm: writes(349 * MiB) })).toEqual([]);
    expect(said('slow-increments', { method: 'hot', vm: writes(350 * MiB) })).toEqual([]);
    expect(said('slow-increments', { method: 'staged', vm: vm({ dirtyRate: why }) })).toEqual(is(/^notice: unknown/));
    expect(said('slow-increments', { method: 'staged', links: [] })).toEqual(is(/^notice: unknown/));
  });
});

describe('source-kept, go-spent, move-cancelled', () => {
  it('source-kept', () => {
    const kept = vm({ copies: [copy('a/a1'), copy('b/b2', { role: 'kept', power: 'off' })] });
    expect(said('source-kept', { vm: kept })).toEqual(is(/^blocker: .*kept on b\/b2/));
    expect(
      said('source-kept', { vm: vm({ record: record({ phase: 'AwaitingConfirmation', from: place('b/b2'), to: place('a/a1') }) }) }),
    ).toEqual(is(/kept on b\/b2/));
    expect(said('source-kept', {})).toEqual([]);
  });
  it('go-spent: staged, while the declared value is the used one', () => {
    const used = vm({ claim: claim({ spentGo: 'now' }) });
    expect(said('go-spent', { method: 'staged', vm: used, desired: { shutdown: 'now' } })).toEqual(is(/^warning: .*"now"/));
    expect(said('go-spent', { method: 'staged', vm: used, desired: { shutdown: 'force' } })).toEqual([]);
    expect(said('go-spent', { method: 'hot', vm: used, desired: { shutdown: 'now' } })).toEqual([]);
    expect(said('go-spent', { method: 'staged', vm: used })).toEqual([]);
  });
  it('move-cancelled: while the declaration is the cancelled one', () => {
    const cancelled = (declaration: string): Vm => vm({ claim: claim({ cancelled: { to: place('b/b1'), declaration } }) });
    expect(said('move-cancelled', { vm: cancelled(declarationKey(onHost('b1'))) })).toEqual(is(/^warning: .*to b\/b1 was cancelled/));
    expect(said('move-cancelled', { vm: cancelled('') })).toHaveLength(1);
    expect(said('move-cancelled', { vm: cancelled(declarationKey(onHost('b2'))) })).toEqual([]);
    expect(said('move-cancelled', { vm: cancelled(declarationKey(onHost('b1'))), desired: { bandwidthBytesPerSecond: MiB } })).toEqual([]);
  });
});

describe('option-unsupported', () => {
  const poor = capabilities({
    increments: 'platform',
    separateStart: false,
    verify: false,
    verifiesCold: false,
    bandwidth: false,
    postCopy: false,
    suspend: false,
    storageMap: false,
    networkMap: false,
    keepsSource: false,
    detach: 'none',
  });
  it.each([
    ['networks', { networks: { default: 'prod' } }],
    ['storage', { storage: { default: 'ssd' } }],
    ['bandwidth', { bandwidthBytesPerSecond: MiB }],
    ['keepSource', { keepSource: 'confirm' }],
    ['verify', { verify: 'full' }],
    ['postCopy', { postCopy: true }],
    ['suspend', { suspend: true }],
    ['incrementEvery', { incrementEveryMs: 1000 }],
    ['startAfter', { startAfter: 'never' }],
    ['detach', { detach: ['dev0'] }],
  ] as const)('%s: blocker when declared, silent when defaulted or supported', (option, over) => {
    const given = { method: 'staged', ctx: { capabilities: poor } } as const;
    expect(said('option-unsupported', { ...given, desired: { ...over, declared: [option] } })).toEqual(
      is(new RegExp(`^blocker: ${option} is declared for VM web-01, but test `)),
    );
    expect(said('option-unsupported', { ...given, desired: over })).toEqual([]);
    expect(said('option-unsupported', { method: 'staged', desired: { ...over, declared: [option] } })).toEqual([]);
  });
  it.each([
    ['keepSource', { keepSource: 'no' }],
    ['verify', { verify: 'off' }],
    ['postCopy', { postCopy: false }],
    ['suspend', { suspend: false }],
    ['startAfter', { startAfter: 'asBefore' }],
    ['detach', { detach: [] }],
    ['annotations', { shutdown: 'hold' }],
  ] as const)('%s: silent where the platform has nothing to do for it', (option, over) => {
    expect(said('option-unsupported', { method: 'staged', ctx: { capabilities: poor }, desired: { ...over, declared: [option] } })).toEqual(
      [],
    );
  });
  it('detach on a platform that leaves out all devices or none', () => {
    const devices = ['dev0', 'dev1'].map((name) => ({ name, kind: 'usb', hostLocal: true }) as const);
    const given = { method: 'cold', vm: offVm({ devices }), ctx: { capabilities: capabilities({ detach: 'all' }) } } as const;
    expect(said('option-unsupported', { ...given, desired: { detach: ['dev0'], declared: ['detach'] } })).toEqual(is(/name them all/));
    expect(said('option-unsupported', { ...given, desired: { detach: ['dev0', 'dev1'], declared: ['detach'] } })).toEqual([]);
  });
});

describe('the table', () => {
  it('has a rule and a test for every code', () => {
    expect(findingCodes.filter((code) => !seen.has(code))).toEqual([]);
  });
  it('finds nothing at all against a plain hot move', () => {
    const plain = { desired: onHosts(['a2']), inventory: inventory({ links: [self('a')] }), ctx: context(), vm: vm(), live: copy('a/a1') };
    expect(findingsOf(ruleInput(plain, host('a/a2'), 'hot', null))).toEqual([]);
  });
});
