import { describe, expect, it } from 'vitest';
import { driftOf, phaseOf, stateOf } from '../../../provider/core/compare.js';
import { unknown, type Vm } from '../../../provider/core/inventory.js';
import { phases, type LastMove, type MigrationRecord } from '../../../provider/core/record.js';
import { at, claim, copy, desired, GiB, host, hostsWith, inCluster, inventory, onHost, place, record, vm } from './builders.js';

const lastMove = (to: string): LastMove => ({
  moveId: 'm0',
  method: 'hot',
  from: place('b/b2'),
  to: place(to),
  start: at(-9),
  end: at(-8),
  downtimeMs: 12,
  bytes: 1,
  go: '',
});
const state = (machine: Vm): ReturnType<typeof stateOf> => stateOf(machine, inventory({ vm: machine }));
const withRecord = (over: Partial<MigrationRecord>, more: Partial<Vm> = {}): Vm =>
  vm({ copies: [copy('a/a1'), copy('b/b1', { role: 'incoming', power: 'off' })], record: record(over), ...more });

describe('state', () => {
  it('settled: where it is, nothing to say', () => {
    expect(state(vm())).toMatchObject({
      vm: 'web-01',
      vmId: 'uuid-web-01',
      place: place('a/a1'),
      power: 'running',
      phase: 'Settled',
      message: '',
      pending: null,
      replication: null,
      keptSource: null,
    });
  });
  it('awaiting shutdown: the exact next command, and what happens by hand', () => {
    const got = state(withRecord({}));
    expect(got).toMatchObject({
      phase: 'AwaitingShutdown',
      place: place('a/a1'),
      pending: place('b/b1'),
      replication: { increments: 2, bytes: 5 * GiB, projectedDowntimeMs: 1200 },
    });
    expect(got.message).toContain('set annotations: {"vmplacement/shutdown": now} on the resource and run pulumi up');
    expect(got.message).toContain('vmplacement annotate web-01 shutdown=now');
    expect(got.message).toContain('Shut down by hand it stays off until the next pulumi up');
    expect(got.message).toContain('Projected downtime: 1.2s');
  });
  it('names only the ways that count', () => {
    const options = (goFrom: 'declared' | 'vm'): string => state(withRecord({ options: { ...record().options, goFrom } })).message;
    expect(options('vm')).toMatch(/To cut over now: run vmplacement annotate/);
    expect(options('vm')).not.toContain('set annotations');
    expect(options('declared')).not.toContain('vmplacement annotate');
  });
  it('a VM that is off while its move waits comes first', () => {
    const off = withRecord({}, { copies: [copy('a/a1', { power: 'off', lastChange: { at: at(0), cause: 'crashed' } })] });
    expect(state(off).message).toMatch(/^VM web-01 IS NOT RUNNING \(off on a\/a1 since /);
  });
  it('awaiting confirmation: on the target, the source with age and size, the move is over', () => {
    const done = record({ phase: 'AwaitingConfirmation', offAt: at(-70_000), backAt: at(-60_000), targetStarting: true, spentGo: 'now' });
    const machine = vm({
      copies: [copy('a/a1', { role: 'kept', power: 'off', blocked: true, storedBytes: 5 * GiB }), copy('b/b1')],
      record: done,
    });
    expect(state(machine)).toMatchObject({
      place: place('b/b1'),
      pending: null,
      replication: null,
      keptSource: { place: place('a/a1'), since: at(-60_000), bytes: 5 * GiB },
      lastMove: { moveId: 'move-1', downtimeMs: 10_000 },
      spentGo: 'now',
    });
    expect(state(machine).message).toContain(
      '(5 GiB) is kept, blocked, since 2026-05-01T11:59:00.000Z. Check the VM, then: vmplacement confirm web-01',
    );
    const told = { ...machine, claim: claim({ lastMove: { ...lastMove('b/b1'), moveId: 'move-1' }, spentGo: 'force' }) };
    expect(state(told)).toMatchObject({ lastMove: { downtimeMs: 12 }, spentGo: 'force' });
    expect(phaseOf({ ...machine, record: null })).toBe('AwaitingConfirmation');
  });
  it('every phase of a record has something to say, but for the settled one', () => {
    for (const phase of phases) expect(state(withRecord({ phase })).message === '').toBe(phase === 'Settled');
  });
  it('parked: where it stopped, whether the VM runs', () => {
    expect(state(withRecord({ phase: 'Parked', step: 'replicate' })).message).toMatch(
      /interrupted at replicate; the VM is running on a\/a1\. To go on: pulumi up/,
    );
  });
  it('failed: what a person must do', () => {
    expect(state(withRecord({ failed: 'The target rotted.' }))).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^The target rotted\. Then: pulumi up/) as unknown,
    });
    expect(state(vm({ recordProblem: 'newer' }))).toMatchObject({ phase: 'Failed', message: expect.stringContaining('newer') as unknown });
    expect(state(vm({ copies: [copy('a/a2'), copy('a/a1')] }))).toMatchObject({
      phase: 'Failed',
      place: place('a/a2'),
      message: expect.stringContaining('runs on 2 hosts at once') as unknown,
    });
    expect(state(vm({ copies: [copy('a/a2', { power: 'off' }), copy('a/a1', { power: 'off' })] })).message).toContain('cannot be told');
  });
  it('cancelled: how to start it again', () => {
    expect(state(vm({ claim: claim({ cancelled: { to: place('b/b1'), declaration: '' } }) })).message).toContain(
      'vmplacement resume web-01',
    );
  });
  it('past the point of no return the VM is the copy on the target', () => {
    const crossing = withRecord(
      { targetStarting: true, phase: 'CuttingOver' },
      { copies: [copy('a/a1', { power: 'off', role: 'kept' }), copy('b/b1', { role: 'incoming', power: 'off' })] },
    );
    expect(state(crossing)).toMatchObject({ place: place('b/b1'), pending: null });
  });
});

describe('drift', () => {
  const drift = (want: ReturnType<typeof desired>, machine: Vm, last: string | null = null): ReturnType<typeof driftOf> =>
    driftOf(want, inventory({ vm: machine }), last === null ? null : place(last));
  it('none where it may be', () =>
    expect(drift(inCluster('a'), vm({ copies: [copy('a/a2')] }), 'a/a1')).toEqual({ kind: 'none', place: place('a/a2') }));
  it('not applied yet is pending, not drift', () => {
    expect(drift(onHost('b1'), vm())).toMatchObject({ kind: 'pending', why: 'not-applied' });
    expect(drift(onHost('b1'), vm(), 'a/a1')).toMatchObject({ kind: 'pending', why: 'not-applied' });
  });
  it('moved outside', () => {
    expect(drift(onHost('a2'), vm(), 'a/a2')).toEqual({ kind: 'moved-outside', place: place('a/a1'), expected: place('a/a2') });
    expect(drift(onHost('a2'), vm({ claim: claim({ lastMove: lastMove('a/a2') }) }))).toMatchObject({ kind: 'moved-outside' });
    expect(drift(onHost('b1'), vm(), 'a/a2')).toEqual({ kind: 'moved-outside', place: place('a/a1'), expected: null });
  });
  it('a move under way is pending; moved elsewhere meanwhile is not', () => {
    expect(drift(onHost('b1'), withRecord({}))).toMatchObject({ kind: 'pending', why: 'under-way', phase: 'AwaitingShutdown' });
    expect(drift(onHost('b1'), withRecord({}, { copies: [copy('a/a2')] }), 'a/a1')).toMatchObject({ kind: 'moved-outside' });
  });
  it('awaiting confirmation is pending', () => {
    const done = vm({
      copies: [copy('b/b1'), copy('a/a1', { role: 'kept', power: 'off' })],
      record: record({ phase: 'AwaitingConfirmation' }),
    });
    expect(drift(onHost('b1'), done)).toMatchObject({ kind: 'pending', why: 'awaiting-confirmation' });
  });
  it('missing, ambiguous, unknown, two copies', () => {
    expect(drift(onHost('a1', { vm: 'nope' }), vm())).toEqual({ kind: 'missing', among: [] });
    expect(driftOf(onHost('a1'), inventory({ others: [vm({ uuid: 'u2' })] }))).toEqual({ kind: 'missing', among: ['uuid-web-01', 'u2'] });
    const deaf = inventory({ hosts: hostsWith(host('b/b2', {}, { facts: unknown('down') })) });
    expect(driftOf(onHost('a1', { vm: 'nope' }), deaf)).toEqual({
      kind: 'unknown',
      reason: 'not found; could not be read: b/b2 (down)',
    });
    expect(drift(onHost('a1'), vm({ recordProblem: 'newer' }))).toMatchObject({ kind: 'unknown' });
    expect(drift(inCluster('a'), vm({ copies: [copy('a/a1'), copy('a/a2')] }))).toEqual({
      kind: 'two-copies',
      places: [place('a/a1'), place('a/a2')].map((one) => one),
    });
  });
});
