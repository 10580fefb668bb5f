import { describe, expect, it } from 'vitest';
import { effectiveGo, isHeld, spentGo, whyStops, type EffectiveGo } from '../../../provider/core/go.js';
import { unknown, type Copy, type Vm } from '../../../provider/core/inventory.js';
import type { MigrationRecord } from '../../../provider/core/record.js';
import { annotation, at, capabilities, claim, copy, desired, now, nowMs, offVm, record, vm } from './builders.js';

interface Given {
  readonly shutdown?: string;
  readonly goFrom?: 'declared' | 'vm' | 'both';
  readonly vm?: Partial<Vm>;
  readonly copy?: Partial<Copy>;
  readonly record?: Partial<MigrationRecord> | null;
  readonly estimateMs?: number | null;
  readonly holdsCutover?: boolean;
}

function go(given: Given = {}): EffectiveGo {
  const { shutdown = null, goFrom = 'both', estimateMs = 60_000, holdsCutover = true } = given;
  const recorded = given.record === null ? null : record(given.record);
  const machine = vm({ copies: [copy('a/a1', given.copy)], ...given.vm, record: recorded });
  return effectiveGo({
    desired: desired({ shutdown, goFrom }),
    vm: machine,
    record: recorded,
    nowMs,
    sourceAheadMs: 0,
    estimateMs,
    capabilities: capabilities({ holdsCutover }),
  });
}

const onVm = (...values: readonly string[]): { vm: Partial<Vm> } => ({ vm: { annotation: values.map((value) => annotation(value)) } });
/** Off; the record waits since ten minutes. */
const stopped = (
  cause: 'guest-shutdown' | 'crashed' | 'destroyed' | 'host-failed' | 'saved' | 'migrated' | 'unknown',
  beganAgo: number | null = 120_000,
): { copy: Partial<Copy> } => ({
  copy: { power: 'off', lastChange: { at: at(-100_000), cause, ...(beganAgo === null ? {} : { began: at(-beganAgo) }) } },
});

describe('values (rules.md §6.5)', () => {
  it('nothing given: waits', () =>
    expect(go()).toEqual({
      go: null,
      force: false,
      hold: false,
      heldBy: null,
      waitingUntil: null,
      waitingFor: null,
      warnings: [],
      offWithoutGo: false,
    }));
  it('now: declared, or on the VM with who gave it', () => {
    expect(go({ shutdown: 'now' })).toMatchObject({
      go: { value: 'now', place: 'declared', giver: 'org/shop/prod', at: now },
      force: false,
    });
    expect(go(onVm('now'))).toMatchObject({ go: { value: 'now', place: 'vm', giver: 'alice', at: at(-60_000) } });
  });
  it('force', () => expect(go({ shutdown: 'force' })).toMatchObject({ go: { value: 'force' }, force: true }));
  it('a time: not before it', () => {
    expect(go({ shutdown: at(60_000) })).toMatchObject({ go: null, waitingUntil: nowMs + 60_000 });
    expect(go({ shutdown: at(0) })).toMatchObject({ go: { value: at(0) }, waitingUntil: null });
  });
  it('a window: inside, and over by its end', () => {
    const window = (from: number, to: number): Given => ({ shutdown: `${at(from)}/${at(to)}` });
    expect(go(window(60_000, 600_000))).toMatchObject({ go: null, waitingUntil: nowMs + 60_000 });
    expect(go(window(-60_000, 60_000))).toMatchObject({ go: { place: 'declared' } });
    expect(go(window(-60_000, 59_999))).toMatchObject({ go: null, waitingUntil: null, warnings: [expect.stringContaining('missed')] });
    expect(go({ ...window(-60_000, 600_000), estimateMs: null })).toMatchObject({
      go: null,
      warnings: [expect.stringContaining('not known')],
    });
  });
  it('hold', () => expect(go({ shutdown: 'hold' })).toMatchObject({ go: null, hold: true }));
});

describe('order: hold > on the VM > declared', () => {
  it.each([
    ['hold declared, now on the VM', { shutdown: 'hold', ...onVm('now') }],
    ['now declared, hold on the VM', { shutdown: 'now', ...onVm('hold') }],
    ['hold on the VM counts even where only the declaration may give a go', { shutdown: 'now', goFrom: 'declared', ...onVm('hold') }],
    ['hold declared counts even where only the VM may give a go', { shutdown: 'hold', goFrom: 'vm', ...onVm('now') }],
  ] as const)('%s', (_name, given) => {
    expect(go(given)).toMatchObject({ go: null, hold: true });
  });
  it('the VM beats the declaration, also with a later time', () => {
    expect(go({ shutdown: 'now', ...onVm('force') })).toMatchObject({ go: { value: 'force', place: 'vm' } });
    expect(go({ shutdown: 'now', ...onVm(at(60_000)) })).toMatchObject({ go: null, waitingUntil: nowMs + 60_000 });
  });
  it('several or unreadable values on the VM: hold, with a warning', () => {
    expect(go({ shutdown: 'now', ...onVm('now', 'now') })).toMatchObject({
      go: null,
      hold: true,
      warnings: [expect.stringContaining('more than once')],
    });
    expect(go({ shutdown: 'now', ...onVm('tomorrow') })).toMatchObject({
      go: null,
      hold: true,
      warnings: [expect.stringContaining('"tomorrow"')],
    });
    expect(go({ shutdown: 'tomorrow' })).toMatchObject({ go: null, hold: true, warnings: [expect.stringContaining('cannot be read')] });
  });
  it('goFrom', () => {
    expect(go({ goFrom: 'vm', shutdown: 'now' })).toMatchObject({ go: null });
    expect(go({ goFrom: 'declared', ...onVm('now') })).toMatchObject({ go: null, hold: false });
    expect(go({ goFrom: 'declared', shutdown: 'now', ...onVm('nonsense') })).toMatchObject({ go: { place: 'declared' }, warnings: [] });
  });
  it('a spent declared value is ignored until it changes', () => {
    const spent = { vm: { claim: claim({ spentGo: 'now' }) } };
    expect(go({ shutdown: 'now', ...spent })).toMatchObject({ go: null, hold: false });
    expect(go({ shutdown: 'force', ...spent })).toMatchObject({ go: { value: 'force' } });
    expect(go({ shutdown: 'now', record: { spentGo: 'now' } })).toMatchObject({ go: null });
    expect(spentGo(vm({ claim: claim({ spentGo: 'a' }), record: record({ spentGo: 'b' }) }))).toBe('a');
  });
});

describe('the guest was shut down (5c)', () => {
  it('a clean shutdown that began after the pause is a go', () => {
    expect(go(stopped('guest-shutdown'))).toMatchObject({
      go: { value: 'shutdown', place: 'guest', at: at(-120_000) },
      offWithoutGo: false,
    });
  });
  it.each([
    ['began before the pause', stopped('guest-shutdown', 700_000), /before the move began to wait/],
    ['when it began is not known', stopped('guest-shutdown', null), /when its shutdown began is not known/],
    ['during phase 1', { ...stopped('guest-shutdown'), record: { awaitingSince: null } }, /before the full copy was complete/],
    ['crashed', stopped('crashed'), /it crashed/],
    ['crashed, as power', { copy: { power: 'crashed', lastChange: { at: now, cause: 'crashed' } } }, /it crashed/],
    ['destroyed', stopped('destroyed'), /powered off/],
    ['host failed', stopped('host-failed'), /host failed/],
    ['saved', stopped('saved'), /state was saved/],
    ['another reason', stopped('unknown'), /another reason/],
    ['reason unreadable', { copy: { power: 'off', lastChange: unknown('no events') } }, /no events/],
  ] as const)('no go, a warning, stays pending: %s', (_name, given, warning) => {
    expect(go(given as Given)).toMatchObject({ go: null, offWithoutGo: true, warnings: [expect.stringMatching(warning)] });
  });
  it('an explicit go counts for a VM that is off for another reason', () => {
    expect(go({ ...stopped('crashed'), shutdown: 'now' })).toMatchObject({ go: { place: 'declared' }, offWithoutGo: false });
  });
  it('hold defers it: the VM stays off', () => {
    expect(go({ ...stopped('guest-shutdown'), shutdown: 'hold' })).toMatchObject({
      go: null,
      hold: true,
      offWithoutGo: true,
      warnings: [expect.stringContaining('hold is set')],
    });
  });
  it('a platform that starts its cutover at any power-off knows no exclusions', () => {
    for (const given of [stopped('crashed'), stopped('destroyed'), { ...stopped('guest-shutdown'), shutdown: 'hold' }])
      expect(go({ ...given, holdsCutover: false })).toMatchObject({ go: { place: 'guest' } });
  });
  it('means nothing without a staged move', () => {
    expect(go({ ...stopped('guest-shutdown'), record: null })).toMatchObject({ go: null, warnings: [], offWithoutGo: true });
    expect(go({ ...stopped('guest-shutdown'), record: { method: 'cold' } })).toMatchObject({ go: null, warnings: [] });
  });
});

describe('a recorded go', () => {
  const given = { value: 'force', place: 'vm', giver: 'alice', at: at(-1000) } as const;
  it('stands once the source is off', () => {
    expect(go({ ...stopped('guest-shutdown', 1), record: { go: given, stoppedByMove: true } })).toMatchObject({ go: given, force: true });
  });
  it('can be taken back until then', () => {
    expect(go({ record: { go: given } })).toMatchObject({ go: null, warnings: [expect.stringContaining('taken back')] });
  });
});

describe('why this run may stop the VM', () => {
  const stops = (over: Parameters<typeof desired>[0], machine = vm(), recorded: MigrationRecord | null = null): string | null =>
    whyStops({ desired: desired(over), vm: machine, record: recorded, method: 'staged', running: true, nowMs });
  it('a hold on the VM can be lifted while a run waits', () => {
    expect(stops({ onPending: 'wait' }, vm({ annotation: [annotation('hold')] }))).toContain('onPending: wait');
    expect(stops({ onPending: 'wait', shutdown: 'hold' })).toBeNull();
  });
  it('isHeld', () => {
    expect(isHeld({ desired: desired({ shutdown: 'hold' }), vm: offVm(), record: null })).toBe(true);
    expect(isHeld({ desired: desired(), vm: vm(), record: null })).toBe(false);
  });
});
