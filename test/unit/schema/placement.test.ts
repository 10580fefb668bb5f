import { describe, expect, it } from 'vitest';
import { jsonSchema } from '../../../schema/generated/json-schema.js';
import { checkGetPlacement, checkGetPlan, checkPlacement } from '../../../schema/validate.js';

const later = { unknown: 'until the resource it comes from is there' };
const isUnknown = (value: unknown): boolean => value === later;
const check = (raw: Record<string, unknown>) => checkPlacement(raw, { isUnknown });
const failures = (raw: Record<string, unknown>) => check(raw).failures;

/** Per input: a value that is accepted, the field of `Desired` that shows it, and a value that is refused. */
const inputs: Record<string, { good: unknown; shows: [string, unknown]; bad: unknown; says: RegExp }> = {
  vm: { good: 'web-01', shows: ['vm', 'web-01'], bad: 5, says: /^must be a string, not the number 5 \(put it in quotes\)$/ },
  cluster: { good: 'b', shows: ['cluster', 'b'], bad: '', says: /^must not be empty$/ },
  host: { good: 'b1', shows: ['hosts', ['b1']], bad: ['b1'], says: /^must be a string, not a list$/ },
  hosts: { good: ['b1', 'b2'], shows: ['hosts', ['b1', 'b2']], bad: [], says: /^must have at least one entry$/ },
  method: { good: 'hot', shows: ['method', 'hot'], bad: 'warm', says: /^must be one of auto, hot, cold, staged, not "warm"$/ },
  annotations: { good: { 'vmplacement/shutdown': 'now' }, shows: ['shutdown', 'now'], bad: 'now', says: /^must be an object, not a text$/ },
  allowShutdown: { good: true, shows: ['allowShutdown', true], bad: 'true', says: /^must be true or false, not a text$/ },
  startAfter: { good: 'never', shows: ['startAfter', 'never'], bad: 'later', says: /^must be one of asBefore, always, never/ },
  keepSource: { good: 'no', shows: ['keepSource', 'no'], bad: false, says: /^must be a string, not the boolean false/ },
  networks: { good: { lan: 'lan2' }, shows: ['networks', { lan: 'lan2' }], bad: ['lan'], says: /^must be an object, not a list$/ },
  storage: { good: { fast: 'ssd' }, shows: ['storage', { fast: 'ssd' }], bad: 'ssd', says: /^must be an object/ },
  bandwidth: { good: '100MiB/s', shows: ['bandwidthBytesPerSecond', 104_857_600], bad: '100MiB', says: /a rate such as "100MiB\/s"/ },
  downtimeBudget: { good: '10s', shows: ['downtimeBudgetMs', 10_000], bad: 10, says: /^must be a string, not the number 10/ },
  incrementEvery: { good: '2m', shows: ['incrementEveryMs', 120_000], bad: '2 min', says: /a duration such as/ },
  shutdownGrace: { good: '1m', shows: ['shutdownGraceMs', 60_000], bad: '60', says: /the unit is missing$/ },
  lateShutdown: { good: '0s', shows: ['lateShutdownMs', 0], bad: '-5m', says: /a duration such as/ },
  noProgressTimeout: { good: '1m30s', shows: ['noProgressTimeoutMs', 90_000], bad: true, says: /^must be a string/ },
  waitTimeout: { good: '2h', shows: ['waitTimeoutMs', 7_200_000], bad: '0s', says: /^must be longer than 0s$/ },
  maxDuration: { good: '1d', shows: ['maxDurationMs', 86_400_000], bad: {}, says: /^must be a string, not an object$/ },
  onPending: { good: 'wait', shows: ['onPending', 'wait'], bad: 'block', says: /^must be one of succeed, fail, wait/ },
  goFrom: { good: 'declared', shows: ['goFrom', 'declared'], bad: 'host', says: /^must be one of declared, vm, both/ },
  detach: { good: ['cdrom0'], shows: ['detach', ['cdrom0']], bad: 'cdrom0', says: /^must be a list, not a text$/ },
  dropSnapshots: { good: true, shows: ['dropSnapshots', true], bad: 1, says: /^must be true or false, not the number 1$/ },
  assumeOs: { good: true, shows: ['assumeOs', true], bad: 'yes', says: /^must be true or false/ },
  takeOver: { good: 'acme/vms/prod', shows: ['takeOver', 'acme/vms/prod'], bad: true, says: /^must be a string/ },
  verify: { good: 'full', shows: ['verify', 'full'], bad: false, says: /^must be a string/ },
  postCopy: { good: true, shows: ['postCopy', true], bad: 'no', says: /^must be true or false/ },
  suspend: { good: true, shows: ['suspend', true], bad: 0, says: /^must be true or false/ },
};

describe('every input of a placement', () => {
  it('is in the table of this test', () => {
    const { properties } = jsonSchema.$defs['PlacementInputs'] as { properties: object };
    expect(Object.keys(inputs)).toEqual(Object.keys(properties));
  });

  it.each(Object.entries(inputs))('%s: is accepted and shows in what the core decides with', (name, { good, shows: [field, value] }) => {
    const { desired, failures, inputs: kept } = check({ vm: 'web-01', [name]: good });
    expect(failures).toEqual([]);
    expect(desired).toMatchObject({ [field]: value, declared: name === 'vm' ? ['vm'] : expect.arrayContaining([name]) });
    expect(kept).toEqual({ vm: 'web-01', [name]: good });
  });

  it.each(Object.entries(inputs))('%s: a wrong value is refused at its path', (name, { bad, says }) => {
    const { desired, failures } = check({ vm: 'web-01', [name]: bad });
    expect(failures).toEqual([{ path: name, reason: expect.stringMatching(says) }]);
    expect(desired).toBeNull();
  });

  it.each(Object.keys(inputs))('%s: not known yet is no failure, and nothing is decided', (name) => {
    const { desired, failures, inputs } = check({ vm: 'web-01', [name]: later });
    expect(failures).toEqual([]);
    expect(desired).toBeNull();
    expect(inputs[name]).toBe(later);
  });
});

describe('a declaration', () => {
  it('has the documented defaults', () => {
    const { desired, inputs } = check({ vm: 'web-01' });
    expect(desired).toEqual({
      vm: 'web-01',
      cluster: null,
      scope: 'nowhere',
      hosts: [],
      method: 'auto',
      shutdown: null,
      allowShutdown: false,
      startAfter: 'asBefore',
      keepSource: null,
      networks: {},
      storage: {},
      bandwidthBytesPerSecond: null,
      downtimeBudgetMs: 30_000,
      incrementEveryMs: 60_000,
      shutdownGraceMs: 180_000,
      lateShutdownMs: 300_000,
      noProgressTimeoutMs: 120_000,
      waitTimeoutMs: null,
      maxDurationMs: null,
      onPending: 'succeed',
      goFrom: 'both',
      detach: [],
      dropSnapshots: false,
      assumeOs: false,
      takeOver: null,
      verify: 'increment',
      postCopy: false,
      suspend: false,
      declared: ['vm'],
    });
    expect(inputs).toEqual({ vm: 'web-01' });
  });

  it.each([
    [{ host: 'b1', cluster: 'b' }, 'exact', ['b1']],
    [{ hosts: ['b1', 'b2'] }, 'any', ['b1', 'b2']],
    [{ cluster: 'b' }, 'cluster', []],
    [{}, 'nowhere', []],
  ])('%j means %s', (where, scope, hosts) => expect(check({ vm: 'v', ...where }).desired).toMatchObject({ scope, hosts }));

  it('gives the same result when what was checked is checked again', () => {
    const first = check({ vm: 'v', host: 'a1', method: null, __provider: 'code' });
    expect(first.inputs).toEqual({ vm: 'v', host: 'a1', __provider: 'code' });
    expect(first.desired?.declared).toEqual(['host', 'vm']);
    expect(check(first.inputs)).toEqual(first);
  });

  it('needs a VM', () => expect(failures({ host: 'a1' })).toEqual([{ path: 'vm', reason: 'is required' }]));
  it('needs a VM that is more than spaces', () => expect(failures({ vm: '  ' })).toEqual([{ path: 'vm', reason: 'must not be empty' }]));

  it('names an unknown property and the nearest known one', () => {
    expect(failures({ vm: 'v', hsot: 'a1' })).toEqual([{ path: 'hsot', reason: 'is not a known property (did you mean "host"?)' }]);
    expect(failures({ vm: 'v', Method: 'hot' })[0]?.reason).toContain('did you mean "method"?');
    expect(failures({ vm: 'v', colour: 'red' })[0]?.reason).not.toContain('did you mean');
    expect(failures({ vm: 'v', constructor: 'x' })[0]?.path).toBe('constructor');
  });

  it('tells every problem at once', () => {
    expect(failures({ host: 5, method: 'x', detach: [1] }).map(({ path }) => path)).toEqual(['vm', 'host', 'method', 'detach[0]']);
  });

  it('takes one host or a set, not both', () => expect(failures({ vm: 'v', host: 'a', hosts: ['b'] })).toMatchObject([{ path: 'hosts' }]));
  it('names a host once', () =>
    expect(failures({ vm: 'v', hosts: ['a', 'b', 'a'] })).toEqual([{ path: 'hosts[2]', reason: 'names "a" a second time' }]));
  it('takes post-copy or suspension, not both', () =>
    expect(failures({ vm: 'v', postCopy: true, suspend: true })).toMatchObject([{ path: 'suspend' }]));
  it.each(['downtimeBudget', 'incrementEvery', 'shutdownGrace', 'noProgressTimeout', 'waitTimeout', 'maxDuration'])(
    '%s takes time',
    (key) => expect(failures({ vm: 'v', [key]: '0s' })).toEqual([{ path: key, reason: 'must be longer than 0s' }]),
  );
  it('allows some bandwidth', () =>
    expect(failures({ vm: 'v', bandwidth: '0B/s' })).toEqual([{ path: 'bandwidth', reason: 'must be more than 0B/s' }]));

  it('knows one annotation', () => {
    expect(failures({ vm: 'v', annotations: { 'vmplacement/shutdwn': 'now' } })).toEqual([
      { path: 'annotations["vmplacement/shutdwn"]', reason: 'is not a known annotation (did you mean "vmplacement/shutdown"?)' },
    ]);
    expect(failures({ vm: 'v', annotations: { team: 'web' } })[0]).toMatchObject({
      path: 'annotations.team',
      reason: expect.stringMatching(/known is vmplacement\/shutdown/),
    });
  });
  it('reads the annotation when it is declared, not when it is needed', () => {
    expect(failures({ vm: 'v', annotations: { 'vmplacement/shutdown': '22:00' } })).toMatchObject([
      { path: 'annotations["vmplacement/shutdown"]', reason: expect.stringMatching(/must be "now", "force", "hold"/) },
    ]);
    expect(failures({ vm: 'v', annotations: { 'vmplacement/shutdown': true } })).toMatchObject([
      { reason: expect.stringMatching(/must be a string/) },
    ]);
    expect(failures({ vm: 'v', annotations: null })).toEqual([]);
  });
});

describe('values that are not known yet', () => {
  it('do not hide what is wrong beside them', () => {
    expect(failures({ vm: later, host: 5, annotations: { 'vmplacement/shutdown': later, other: 'x' } }).map(({ path }) => path)).toEqual([
      'host',
      'annotations.other',
    ]);
  });
  it('inside lists and maps', () => {
    const { desired, failures } = check({ vm: 'v', hosts: [later, later, 'a'], networks: { lan: later }, detach: [later] });
    expect({ desired, failures }).toEqual({ desired: null, failures: [] });
  });
  it('break no rule between fields', () => expect(failures({ vm: 'v', host: 'a', hosts: later })).toEqual([]));
  it('also as texts, as engines send them', () => {
    const text = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
    const raw = { vm: text, hosts: [text, text], bandwidth: text, annotations: { 'vmplacement/shutdown': text }, allowShutdown: text };
    expect(checkPlacement(raw, { isUnknown: (value) => value === text })).toMatchObject({ failures: [], desired: null });
  });
});

describe('functions', () => {
  it('getPlacement takes a VM', () => {
    expect(checkGetPlacement({ vm: 'web-01' }, { isUnknown })).toEqual({ inputs: { vm: 'web-01' }, failures: [] });
    expect(checkGetPlacement({ vm: later }, { isUnknown })).toEqual({ inputs: null, failures: [] });
  });
  it.each([[{}], [{ vm: 1 }], [{ vm: '' }], [{ vm: ' ' }], [{ vm: 'v', host: 'a' }]])('getPlacement refuses %j', (raw) => {
    const { inputs, failures } = checkGetPlacement(raw, { isUnknown });
    expect([inputs, failures.length]).toEqual([null, 1]);
  });
  it('getPlan takes what a placement takes', () => {
    expect(checkGetPlan({ vm: 'v', host: 'a' }, { isUnknown }).desired).toMatchObject({ hosts: ['a'] });
    expect(checkGetPlan({ vm: 'v', hots: 'a' }, { isUnknown }).failures).toHaveLength(1);
  });
});
