import { describe, expect, it } from 'vitest';
import { decide, declarationKey, Promises } from '../../../provider/core/decide.js';
import { unknown, type Vm } from '../../../provider/core/inventory.js';
import {
  annotation,
  claim,
  cluster,
  context,
  copy,
  desired,
  GiB,
  host,
  hostsWith,
  inCluster,
  inventory,
  link,
  offVm,
  onHost,
  onHosts,
  place,
  record,
  self,
  vm,
  type World,
} from './builders.js';

const noNetwork = { links: [link(['a', 'b'], 'no'), self('a'), self('b')] };
const why = unknown('no rights');
const onDevice = vm({ devices: [{ name: 'gpu0', kind: 'gpu', hostLocal: true }] });
const free = (text: string, gib: number) => host(text, { memory: { totalBytes: 64 * GiB, freeBytes: gib * GiB } });
const plan = (want: Parameters<typeof decide>[0], world: World = {}, ctx: Parameters<typeof context>[0] = {}) =>
  decide(want, inventory(world), context(ctx));

describe('choosing the method (rules.md §3)', () => {
  it('off, any target: cold', () => {
    expect(plan(onHost('b1'), { vm: offVm() })).toMatchObject({
      action: 'move',
      method: 'cold',
      reasons: ['vm-off'],
      willStopVm: false,
      summary: 'cold: a/a1 -> b/b1; vm-off',
    });
    expect(plan(onHost('a2'), { vm: offVm() }).steps).not.toContain('shutdown');
  });
  it.each(['a2', 'b1'])('running, hot possible, to %s: hot', (name) => {
    const got = plan(onHost(name));
    expect(got).toMatchObject({ action: 'move', method: 'hot', reasons: ['vm-running', 'hot-possible'], willStopVm: false });
    expect(got.summary).toBe(`hot: a/a1 -> ${name === 'a2' ? 'a/a2' : 'b/b1'}; vm-running, hot-possible`);
    expect(got.sentence).toMatch(/^VM web-01 moves hot from a\/a1 to .*, because it runs and hot is possible; copies about /);
    expect(got.steps).toEqual(['claim', 'autostart-off', 'migrate', 'block-source', 'read-back', 'retire', 'settle']);
  });
  it.each([
    ['no direct network', noNetwork, 'no-direct-network'],
    ['CPU', { hosts: hostsWith(host('b/b1', { cpu: { arch: 'x86_64', models: ['qemu64'], features: [] } })) }, 'cpu-incompatible'],
  ])('running, other cluster, hot impossible (%s), OS installed: staged', (_name, world, reason) => {
    const got = plan(onHost('b1'), world);
    expect(got).toMatchObject({ action: 'move', method: 'staged', reasons: [reason, 'other-cluster'], willStopVm: false });
    expect(got.summary).toBe(`staged: a/a1 -> b/b1; ${reason}, other-cluster; a go at the VM is obeyed`);
    expect(got.steps[0]).toBe('claim');
    expect(got.steps).toContain('await-go');
  });
  it('a device that cannot move: staged, and detach lets it', () => {
    expect(plan(onHost('b1'), { vm: onDevice })).toMatchObject({ action: 'blocked', reasons: ['device-unmovable'] });
    expect(plan(onHost('b1', { detach: ['gpu0'] }), { vm: onDevice })).toMatchObject({
      method: 'staged',
      reasons: ['device-unmovable', 'other-cluster'],
    });
  });
  it('running, same cluster, hot impossible: names the reason and the ways out', () => {
    const got = plan(onHost('a2'), { vm: onDevice });
    expect(got).toMatchObject({ action: 'blocked', method: null, reasons: ['device-unmovable', 'staged-same-cluster'] });
    expect(got.summary).toBe('blocked: device-unmovable, staged-same-cluster');
    expect(got.sentence).toMatch(/gpu0.*hot is impossible \(device-unmovable\).*method: cold with allowShutdown: true, or another host/);
  });
  it.each([
    ['no OS', vm({ os: { installed: false, seenBy: null } })],
    ['OS unknown', vm({ os: why })],
  ])('running, %s, hot impossible: blocked, assumeOs is a way out', (_name, machine) => {
    const got = plan(onHost('b1'), { ...noNetwork, vm: machine });
    expect(got).toMatchObject({ action: 'blocked', reasons: ['no-direct-network', 'staged-no-os'] });
    expect(got.sentence).toContain('assumeOs: true');
    expect(plan(onHost('b1', { assumeOs: true }), { ...noNetwork, vm: machine })).toMatchObject({ action: 'move', method: 'staged' });
  });
  it.each(['paused', 'suspended', 'saved', 'crashed', 'unknown'] as const)('%s: blocked by vm-state alone', (power) => {
    expect(plan(onHost('b1'), { vm: vm({ copies: [copy('a/a1', { power })] }) })).toMatchObject({
      action: 'blocked',
      reasons: ['vm-state'],
    });
  });
  it('other blockers exclude the host, not the method', () => {
    expect(plan(onHost('b1'), { hosts: hostsWith(free('b/b1', 1)) })).toMatchObject({ action: 'blocked', reasons: ['memory-short'] });
  });
  it.each([
    ['CPU of the VM', { vm: vm({ cpu: why }) }, 'cpu-incompatible'],
    ['devices', { vm: vm({ devices: why }) }, 'device-unmovable'],
    ['network', { links: [] }, 'reach-unknown'],
  ])('what is unknown does not make hot impossible: %s', (_name, world, code) => {
    expect(plan(onHost('b1'), world)).toMatchObject({ action: 'blocked', reasons: [code] });
  });
  it('the unknown network does not stop a move that is staged for another reason', () => {
    const lacking = hostsWith(host('b/b1', { cpu: { arch: 'x86_64', models: [], features: [] } }));
    expect(plan(onHost('b1'), { links: [], hosts: lacking })).toMatchObject({ action: 'move', method: 'staged' });
  });
});

describe('an explicit method is obeyed or refused (rules.md §3)', () => {
  it.each([
    ['hot', 'b1', vm(), {}, 'move', 'declared-hot'],
    ['hot', 'b1', offVm(), {}, 'blocked', 'hot-not-running'],
    ['staged', 'b1', vm(), {}, 'move', 'declared-staged'],
    ['staged', 'a2', vm(), {}, 'blocked', 'staged-same-cluster'],
    ['staged', 'b1', offVm(), {}, 'blocked', 'staged-not-running'],
    ['cold', 'b1', vm(), {}, 'blocked', 'cold-running'],
    ['cold', 'b1', vm(), { allowShutdown: true }, 'move', 'declared-cold'],
    ['cold', 'b1', offVm(), {}, 'move', 'declared-cold'],
  ] as const)('%s to %s', (method, name, machine, over, action, reason) => {
    expect(plan(onHost(name, { method, ...over }), { vm: machine })).toMatchObject({ action, reasons: [reason] });
  });
  it('hot over an unknown network: a warning', () => {
    const got = plan(onHost('b1', { method: 'hot' }), { links: [] });
    expect(got).toMatchObject({
      action: 'move',
      method: 'hot',
      findings: [{ code: 'reach-unknown', severity: 'warning' }],
      estimate: null,
    });
  });
  it('cold with allowShutdown says that it stops the VM', () => {
    const got = plan(onHost('b1', { method: 'cold', allowShutdown: true }));
    expect(got).toMatchObject({ willStopVm: true, summary: 'cold: a/a1 -> b/b1; declared-cold; will-stop-vm' });
    expect(got.steps.slice(0, 3)).toEqual(['claim', 'shutdown', 'block-source']);
  });
});

describe('what a staged plan promises', () => {
  const staged = (over: Parameters<typeof onHost>[1], machine: Vm = vm()): string =>
    plan(onHost('b1', { method: 'staged', ...over }), { vm: machine }).summary;
  it.each([
    ['nothing given', {}, vm(), '; a go at the VM is obeyed'],
    ['go declared with the target', { shutdown: 'now' }, vm(), '; will-stop-vm; a go at the VM is obeyed'],
    ['only declared goes count', { shutdown: 'now', goFrom: 'declared' }, vm(), '; will-stop-vm'],
    ['spent go', { shutdown: 'now' }, vm({ claim: claim({ spentGo: 'now' }) }), '; a go at the VM is obeyed'],
    ['go on the VM', {}, vm({ annotation: [annotation('now')] }), '; will-stop-vm; a go at the VM is obeyed'],
    ['waiting', { onPending: 'wait' }, vm(), '; will-stop-vm; a go at the VM is obeyed'],
    ['hold', { shutdown: 'hold' }, vm({ annotation: [annotation('now')] }), '; a go at the VM is obeyed'],
  ] as const)('%s', (_name, over, machine, end) => {
    expect(staged(over, machine)).toBe(`staged: a/a1 -> b/b1; declared-staged${end}`);
  });
});

describe('choosing the host (rules.md §4)', () => {
  it.each([
    ['nowhere declared', desired(), vm()],
    ['the host', onHost('a1'), vm()],
    ['one of the hosts', onHosts(['a2', 'a1']), vm()],
    ['the cluster', inCluster('a'), vm()],
    ['moved inside the set', onHosts(['a1', 'a2']), vm({ copies: [copy('a/a2')] })],
  ])('where it is allowed it stays: %s', (_name, want, machine) => {
    expect(plan(want, { vm: machine, hosts: [host('a/a1', {}, { state: 'maintenance' }), host('a/a2')] })).toMatchObject({
      action: 'none',
      summary: '',
      findings: [],
    });
  });
  it('most free memory after the move, then name', () => {
    expect(plan(inCluster('b'), { hosts: hostsWith(free('b/b1', 10), free('b/b2', 11)) })).toMatchObject({
      to: place('b/b2'),
      reasons: ['vm-running', 'hot-possible', 'most-free-memory'],
    });
    expect(plan(inCluster('b'))).toMatchObject({ to: place('b/b1'), reasons: ['vm-running', 'hot-possible', 'first-by-name'] });
  });
  it('why this host of several is no part of the promise', () => {
    expect(plan(inCluster('b')).summary).toBe('hot: a/a1 -> b/b1; vm-running, hot-possible');
  });
  it('hot before staged, whatever the memory', () => {
    const far = { links: [link(['a', 'b'], 'no'), self('a')], hosts: hostsWith(free('a/a2', 5), free('b/b1', 60)) };
    expect(plan(onHosts(['a2', 'b1']), far)).toMatchObject({
      to: place('a/a2'),
      method: 'hot',
      reasons: ['vm-running', 'hot-possible', 'hot-before-staged'],
    });
  });
  it('fewest warnings before memory', () => {
    const picky = vm({ affinity: [{ strength: 'prefer', kind: 'hosts', members: ['b2'] }] });
    expect(plan(inCluster('b'), { vm: picky, hosts: hostsWith(free('b/b1', 60)) })).toMatchObject({
      to: place('b/b2'),
      reasons: ['vm-running', 'hot-possible', 'fewest-warnings'],
    });
  });
  it('what other plans were promised fills a host, but does not change the rank: an engine asks in any order', () => {
    const promises = new Promises();
    promises.promise('other', place('b/b1'), GiB, {});
    expect(plan(inCluster('b'), {}, { promises })).toMatchObject({ to: place('b/b1') });
    promises.promise('third', place('b/b1'), 1024 * GiB, {});
    expect(plan(inCluster('b'), {}, { promises })).toMatchObject({ to: place('b/b2') });
  });
  it('a promise is kept', () => {
    const promises = new Promises();
    promises.promise('uuid-web-01', place('b/b2'), 2 * GiB, {});
    expect(plan(inCluster('b'), {}, { promises })).toMatchObject({
      to: place('b/b2'),
      reasons: ['vm-running', 'hot-possible', 'promised'],
    });
  });
  it('a blocked host is passed over, and listed with its reason', () => {
    const got = plan(onHosts(['b1', 'b2', 'b9']), { hosts: hostsWith(host('b/b1', {}, { state: 'maintenance' })) });
    expect(got).toMatchObject({ to: place('b/b2'), reasons: ['vm-running', 'hot-possible', 'only-candidate'] });
    expect(got.candidates.map((one) => [one.place.host, one.findings.map(({ code }) => code)])).toEqual([
      ['b2', []],
      ['b1', ['host-unavailable']],
      ['b9', ['host-not-in-cluster']],
    ]);
  });
  it('no candidate: refused, every one with its reasons', () => {
    const got = plan(inCluster('b'), { hosts: hostsWith(host('b/b1', {}, { state: 'maintenance' }), free('b/b2', 1)) });
    expect(got).toMatchObject({
      action: 'blocked',
      method: null,
      to: null,
      reasons: ['host-unavailable', 'memory-short'],
      summary: 'blocked: host-unavailable, memory-short',
    });
    expect(got.sentence).toMatch(/cannot move to any of b\/b1, b\/b2: b\/b1: target b\/b1 is in maintenance .* \| b\/b2: .*memory/);
    expect(got.candidates).toHaveLength(2);
  });
  it.each([
    ['host of another cluster', onHost('a2', { cluster: 'b' })],
    ['unknown host', onHost('zz')],
    ['unknown cluster', inCluster('zz')],
    ['hosts of no such cluster', onHosts(['b1'], { cluster: 'zz' })],
  ])('%s: refused', (_name, want) => {
    expect(plan(want)).toMatchObject({ action: 'blocked', summary: 'blocked: host-not-in-cluster' });
  });
  it('cluster and hosts: only hosts of both', () => {
    expect(plan(onHosts(['a2', 'b1'], { cluster: 'b' }))).toMatchObject({ to: place('b/b1') });
  });
  it('evacuates a host in maintenance', () => {
    expect(plan(onHosts(['a2']), { hosts: hostsWith(host('a/a1', {}, { state: 'maintenance' })) })).toMatchObject({
      action: 'move',
      method: 'hot',
    });
  });
});

describe('what cannot be judged', () => {
  const deaf = { hosts: hostsWith(host('b/b2', {}, { state: 'unreachable', facts: why })) };
  it('an unread host could hold it: error, not missing', () => {
    expect(plan(onHost('b1', { vm: 'db' }), deaf)).toMatchObject({
      action: 'error',
      reasons: ['unreadable-host'],
      sentence: expect.stringContaining('b/b2') as unknown,
    });
    expect(plan(onHost('b1', { vm: 'db' }))).toMatchObject({ action: 'blocked', reasons: ['vm-missing'] });
    const kept = vm({ copies: [copy('a/a1', { role: 'kept', power: 'off' })] });
    expect(plan(onHost('b1'), { ...deaf, vm: kept })).toMatchObject({ action: 'error' });
    expect(plan(onHost('b1'), { vm: kept })).toMatchObject({ action: 'blocked', reasons: ['vm-missing'] });
  });
  it('an unreadable record: never act', () => {
    expect(plan(onHost('a1'), { vm: vm({ recordProblem: 'written by a newer version' }) })).toMatchObject({
      action: 'error',
      reasons: ['unreadable-record'],
    });
  });
  it('two running copies: blocked, or shown where both are allowed', () => {
    const twice = vm({ copies: [copy('a/a1'), copy('a/a2')] });
    expect(plan(onHost('a1'), { vm: twice })).toMatchObject({ action: 'blocked', reasons: ['vm-two-copies'] });
    expect(plan(inCluster('a'), { vm: twice })).toMatchObject({ action: 'none', findings: [{ code: 'vm-two-copies' }] });
    expect(plan(onHost('b1'), { vm: { ...twice, record: record() } })).toMatchObject({ action: 'blocked' });
  });
});

describe('continuing a move (rules.md §2)', () => {
  const moving = (over: Parameters<typeof record>[0] = {}, more: Partial<Vm> = {}): World => ({
    vm: vm({ copies: [copy('a/a1'), copy('b/b1', { role: 'incoming', power: 'off' })], record: record(over), ...more }),
  });
  it('goes on while the declaration allows the target', () => {
    for (const want of [onHost('b1'), onHosts(['b1', 'b2']), inCluster('b'), onHost('b1', { method: 'staged' }), onHosts(['a1', 'b1'])])
      expect(plan(want, moving())).toMatchObject({
        action: 'continue',
        method: 'staged',
        from: place('a/a1'),
        to: place('b/b1'),
        summary: 'staged: a/a1 -> b/b1; continues; a go at the VM is obeyed',
      });
  });
  it('a VM that we shut down is not "off, therefore cold"', () => {
    const off = { copies: [copy('a/a1', { power: 'off' }), copy('b/b1', { role: 'incoming', power: 'off' })] };
    expect(plan(onHost('b1'), moving({ stoppedByMove: true, phase: 'CuttingOver', step: 'finish' }, off))).toMatchObject({
      action: 'continue',
      method: 'staged',
      willStopVm: false,
    });
  });
  it('blockers do not stop it from being continued', () => {
    const world = { ...moving(), hosts: hostsWith(host('b/b1', {}, { state: 'maintenance' })) };
    expect(plan(onHost('b1'), world)).toMatchObject({
      action: 'continue',
      findings: expect.arrayContaining([expect.objectContaining({ code: 'host-unavailable' })]) as unknown,
    });
    expect(plan(onHost('b1'), moving({}, { locks: [{ by: 'ourselves' }] })).findings.map(({ code }) => code)).not.toContain('vm-busy');
  });
  it('a go that is there already: will-stop-vm', () => {
    expect(plan(onHost('b1', { shutdown: 'now' }), moving())).toMatchObject({
      willStopVm: true,
      summary: 'staged: a/a1 -> b/b1; continues; will-stop-vm; a go at the VM is obeyed',
    });
    expect(plan(onHost('b1', { shutdown: 'hold' }), moving())).toMatchObject({ willStopVm: false });
  });
  it('reverted: cancelled', () => {
    for (const want of [onHost('a1'), desired(), inCluster('a')])
      expect(plan(want, moving())).toMatchObject({
        action: 'cancel',
        to: place('a/a1'),
        summary: 'cancel staged: stays on a/a1',
        steps: ['cancel'],
      });
  });
  it('asked to cancel: cancelled; with another method where it may stay: cancelled', () => {
    expect(plan(onHost('b1'), moving({ request: 'cancel' }))).toMatchObject({ action: 'cancel', reasons: ['cancel-requested'] });
    expect(plan(onHosts(['a1', 'b1'], { method: 'hot' }), moving())).toMatchObject({ action: 'cancel', reasons: ['method-changed'] });
  });
  it('moved to the target by somebody else meanwhile: cancelled, it stays there', () => {
    expect(plan(onHost('b1'), { vm: vm({ copies: [copy('b/b1')], record: record() }) })).toMatchObject({
      action: 'cancel',
      summary: 'cancel staged: stays on b/b1',
    });
  });
  it('another target: retargeted', () => {
    const got = plan(onHost('b2'), moving());
    expect(got).toMatchObject({
      action: 'retarget',
      method: 'hot',
      to: place('b/b2'),
      reasons: ['target-changed', 'vm-running', 'hot-possible'],
    });
    expect(got.summary).toBe('cancel staged to b/b1; then hot: a/a1 -> b/b2; vm-running, hot-possible');
    expect(got.steps[0]).toBe('cancel');
  });
  it('another method: retargeted', () => {
    expect(plan(onHost('b1', { method: 'hot' }), moving())).toMatchObject({
      action: 'retarget',
      summary: 'cancel staged to b/b1; then hot: a/a1 -> b/b1; declared-hot',
    });
  });
  it('the new move is decided for the power that the cancel restores, and the go is used up', () => {
    const off = { copies: [copy('a/a1', { power: 'off' })], annotation: [annotation('now')] };
    const got = plan(onHost('b2', { method: 'staged', shutdown: 'now' }), moving({ stoppedByMove: true, declaredGo: 'now' }, off));
    expect(got).toMatchObject({ action: 'retarget', method: 'staged', willStopVm: false });
    expect(plan(onHost('b2', { method: 'staged', shutdown: 'force' }), moving({ declaredGo: 'now' }))).toMatchObject({ willStopVm: true });
  });
  it('a new target that is not possible: blocked, the old move stays', () => {
    const got = plan(onHost('b2'), { ...moving(), hosts: hostsWith(free('b/b2', 1)) });
    expect(got).toMatchObject({ action: 'blocked', reasons: ['memory-short'], record: { moveId: 'move-1' } });
    expect(got.sentence).toMatch(/The move to b\/b1 stays as it is$/);
  });
  it('from the point of no return only forward', () => {
    const cutting = moving(
      { targetStarting: true, phase: 'CuttingOver', step: 'start-target', stoppedByMove: true },
      { copies: [copy('a/a1', { power: 'off', blocked: true }), copy('b/b1', { role: 'incoming', power: 'off' })] },
    );
    for (const want of [onHost('b1'), onHost('a1'), onHost('b2'), onHost('b1', { method: 'hot' })])
      expect(plan(want, cutting)).toMatchObject({ action: 'continue', to: place('b/b1') });
  });
  it('hot: only forward once the VM has arrived', () => {
    const hot = { method: 'hot', done: ['claim', 'autostart-off', 'migrate'], step: 'block-source', phase: 'Migrating' } as const;
    expect(plan(onHost('a1'), { vm: vm({ copies: [copy('b/b1')], record: record(hot) }) })).toMatchObject({
      action: 'continue',
      summary: 'hot: a/a1 -> b/b1; continues',
    });
    const arrived = { ...hot, done: ['claim', 'autostart-off'], step: 'migrate' };
    expect(plan(onHost('b1'), { vm: vm({ copies: [copy('b/b1')], record: record(arrived) }) })).toMatchObject({ action: 'continue' });
  });
  it('over, but its end is not written: settled', () => {
    const done = { done: ['claim', 'read-back'], step: 'settle', phase: 'Migrating' } as const;
    expect(plan(onHost('b1'), { vm: vm({ copies: [copy('b/b1')], record: record(done) }) })).toMatchObject({
      action: 'settle',
      summary: 'settle: staged: a/a1 -> b/b1',
    });
  });
  it('another stack moves it: blocked unless taken over', () => {
    expect(plan(onHost('b1'), moving({ stack: 'x/y/z' }))).toMatchObject({ action: 'blocked', reasons: ['vm-owned-elsewhere'] });
    expect(plan(onHost('b1', { takeOver: 'x/y/z' }), moving({ stack: 'x/y/z' }))).toMatchObject({ action: 'continue' });
  });
});

describe('awaiting confirmation', () => {
  const done = record({ phase: 'AwaitingConfirmation', step: 'retire', done: ['claim', 'read-back'], targetStarting: true });
  const moved = { vm: vm({ copies: [copy('b/b1'), copy('a/a1', { role: 'kept', power: 'off', blocked: true })], record: done }) };
  it('nothing to do where it may be', () => expect(plan(onHost('b1'), moved)).toMatchObject({ action: 'none', summary: '' }));
  it('keepSource: no removes the source; so does a request to confirm', () => {
    expect(plan(onHost('b1', { keepSource: 'no' }), moved)).toMatchObject({ action: 'settle', summary: 'settle: staged: a/a1 -> b/b1' });
    expect(plan(onHost('b1'), { vm: { ...moved.vm, record: { ...done, request: 'confirm' } } })).toMatchObject({ action: 'settle' });
  });
  it('another place is a new move, after confirmation', () => {
    expect(plan(onHost('a1'), moved)).toMatchObject({
      action: 'blocked',
      summary: 'blocked: source-kept',
      sentence: expect.stringContaining('vmplacement confirm web-01') as unknown,
    });
    expect(plan(onHost('b2'), { vm: { ...moved.vm, record: null } })).toMatchObject({ action: 'blocked', reasons: ['source-kept'] });
  });
});

describe('cancelled by vmplacement cancel', () => {
  const want = onHost('b1');
  const cancelled = { vm: vm({ claim: claim({ cancelled: { to: place('b/b1'), declaration: declarationKey(want) } }) }) };
  it('is not started again by the same declaration', () => {
    expect(plan(want, cancelled)).toMatchObject({
      action: 'none',
      summary: '',
      reasons: ['cancelled'],
      findings: [{ code: 'move-cancelled', severity: 'warning' }],
    });
    expect(plan(want, cancelled).sentence).toContain('vmplacement resume web-01');
  });
  it('is started by another one', () => expect(plan(onHost('b2'), cancelled)).toMatchObject({ action: 'move' }));
  it('knows a declaration by its content, not by the order of its words', () => {
    expect(declarationKey(onHosts(['b1', 'b2']))).toBe(declarationKey(onHosts(['b2', 'b1'])));
    expect(declarationKey(onHost('b1'))).not.toBe(declarationKey(onHost('b1', { verify: 'full' })));
  });
});

describe('another platform state', () => {
  it('a cluster that refuses excludes its hosts', () => {
    expect(plan(onHosts(['a2', 'b1']), { clusters: [cluster('a'), cluster('b', { acceptsMigrations: false })] })).toMatchObject({
      to: place('a/a2'),
    });
  });
  it('a VM of another stack that need not move is left alone', () => {
    expect(plan(onHost('a1'), { vm: vm({ claim: claim({ stack: 'x/y/z' }) }) })).toMatchObject({ action: 'none' });
  });
});
