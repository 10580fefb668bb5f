import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Desired } from '../../../provider/core/desired.js';
import type { Answer, Driver } from '../../../provider/core/driver.js';
import type { Vm } from '../../../provider/core/inventory.js';
import { asker, atOnce } from '../../../provider/core/placement/asking.js';
import { decideFresh, holdToPromise } from '../../../provider/core/placement/deciding.js';
import { openSession, previewPlacement } from '../../../provider/core/placement.js';
import type { Plan } from '../../../provider/core/plan.js';
import type { Question } from '../../../provider/core/questions.js';
import {
  capabilities,
  context,
  copy,
  desired,
  facts,
  host,
  hostsWith,
  inCluster,
  inventory,
  link,
  nowMs,
  offVm,
  onHost,
  onHosts,
  place,
  self,
  vm,
  type World,
} from './builders.js';

const yes: Answer = { answer: 'yes', because: '', fix: '' };
const no: Answer = { answer: 'no', because: 'root there has no key', fix: 'Copy the key.' };
const silent: Answer = { answer: 'unknown', because: 'nobody may ask', fix: 'Allow it.' };

/** "a1 > b1" and "intel on b1", as they were asked. */
const words = (question: Question): string =>
  question.kind === 'reach' ? `${question.from.host} > ${question.to.host}` : `${question.cpu} on ${question.host.host}`;

/** A platform that measures. `answers` may change while it is used; what it does not name is `yes`. */
function platform(world: World, answers: Readonly<Record<string, Answer>> = {}) {
  const asked: string[] = [];
  const told = { ...answers };
  const answer = (question: Question): Promise<Answer> => {
    asked.push(words(question));
    return Promise.resolve(told[words(question)] ?? yes);
  };
  const driver = {
    capabilities: capabilities({ reachability: 'measured' }),
    clock: { now: () => Promise.resolve(nowMs), sleep: () => Promise.reject(new Error('nothing waits here')) },
    survey: () => Promise.resolve(inventory(world)),
    probes: {
      reach: (from, to) => answer({ kind: 'reach', from, to }),
      cpu: (cpu, at) => answer({ kind: 'cpu', cpu, host: at }),
    },
  } satisfies Partial<Driver> as unknown as Driver;
  const { settings, stack } = { ...context(), stack: 'org/shop/prod' };
  const session = openSession(driver, settings as Parameters<typeof openSession>[1], { stack, holder: 'h', newId: () => 'id' });
  const preview = (want: Desired): Promise<Plan> => previewPlacement(session, `urn:${want.vm}`, want);
  return { asked, told, session, preview };
}

const intel = { arch: 'x86_64', model: 'qemu64', features: ['sse'], definition: 'intel' };
const undeclared = { links: [self('a'), self('b')] };
const codes = (plan: Plan): readonly string[] => plan.findings.filter(({ severity }) => severity === 'blocker').map(({ code }) => code);

describe('reach', () => {
  it('between clusters, measured yes: auto moves hot without a declaration', async () => {
    const { preview, asked } = platform(undeclared);
    expect(await preview(onHost('b1'))).toMatchObject({ action: 'move', method: 'hot', summary: expect.stringContaining('hot-possible') });
    expect(asked).toEqual(['a1 > b1']);
  });

  it('between clusters, measured no: auto moves staged', async () => {
    const { preview } = platform(undeclared, { 'a1 > b1': no });
    expect(await preview(onHost('b1'))).toMatchObject({ method: 'staged', reasons: ['no-direct-network', 'other-cluster'] });
  });

  it('inside a cluster, measured no: blocked, with the cause and the fix', async () => {
    const { preview } = platform({}, { 'a1 > a2': no });
    const plan = await preview(onHost('a2'));
    expect(plan.action).toBe('blocked');
    expect(plan.sentence).toMatch(
      /a hot move goes straight from a\/a1 to a\/a2, and that way is closed: root there has no key; measured at 2026-05-01T12:00:00.000Z.*Copy the key\./,
    );
  });

  it('that could not be measured leaves what is declared, and is said where nothing is', async () => {
    expect(await platform({}, { 'a1 > b1': silent }).preview(onHost('b1'))).toMatchObject({ method: 'hot' });
    expect(await platform({}, { 'a1 > a2': silent }).preview(onHost('a2'))).toMatchObject({ method: 'hot' });
    const plan = await platform(undeclared, { 'a1 > b1': silent }).preview(onHost('b1'));
    expect(codes(plan)).toEqual(['reach-unknown']);
    expect(plan.sentence).toMatch(/nobody may ask.*Allow it\. Or declare it/);
    const declared = await platform(undeclared, { 'a1 > b1': silent }).preview(onHost('b1', { method: 'hot' }));
    expect(declared).toMatchObject({ action: 'move', method: 'hot' });
    expect(declared.findings).toContainEqual(expect.objectContaining({ code: 'reach-unknown', severity: 'warning' }));
  });

  it('that is declared to be none is not asked about', async () => {
    const { preview, asked } = platform({ links: [link(['a', 'b'], 'no'), self('a'), self('b')] });
    expect(await preview(onHost('b1'))).toMatchObject({ method: 'staged' });
    expect(codes(await preview(onHost('b1', { method: 'hot' })))).toEqual(['no-direct-network']);
    expect(asked).toEqual([]);
  });

  it('one way says nothing of the way back', async () => {
    const back = vm({ name: 'web-02', uuid: 'uuid-web-02', copies: [copy('b/b1')] });
    const { preview, asked } = platform({ ...undeclared, others: [back] }, { 'a1 > b1': no });
    expect(await preview(onHost('b1'))).toMatchObject({ method: 'staged' });
    expect(await preview(onHost('a1', { vm: 'web-02' }))).toMatchObject({ method: 'hot' });
    expect(asked).toEqual(['a1 > b1', 'b1 > a1']);
  });
});

describe('the CPU', () => {
  const running = (over: Partial<Vm> = {}): Vm => vm({ cpu: intel, ...over });

  it('that the hypervisor there refuses is a blocker of hot, though its names are all there', async () => {
    const { preview } = platform({ vm: running() }, { 'intel on a2': { ...no, because: 'it lacks avx512f' } });
    const plan = await preview(onHost('a2'));
    expect(codes(plan)).toContain('cpu-incompatible');
    expect(plan.sentence).toMatch(/hypervisor of a\/a2 cannot go on with the CPU that VM web-01 was started with: it lacks avx512f/);
  });

  it('that the hypervisor there takes is none, though the names of its model and features are not', async () => {
    const named = running({ cpu: { ...intel, model: 'Skylake', features: ['hle'] } });
    expect(await platform({ vm: named }).preview(onHost('a2'))).toMatchObject({ action: 'move', method: 'hot' });
    expect(codes(await platform({ vm: named }, { 'intel on a2': silent }).preview(onHost('a2')))).toContain('cpu-incompatible');
  });

  it('is asked once for all VMs that have the same', async () => {
    const more = ['web-02', 'web-03'].map((name) => running({ name, uuid: `uuid-${name}` }));
    const other = running({ name: 'web-04', uuid: 'uuid-web-04', cpu: { ...intel, definition: 'amd' } });
    const { preview, asked } = platform({ vm: running(), others: [...more, other] });
    for (const name of ['web-01', 'web-02', 'web-03', 'web-04']) await preview(onHost('a2', { vm: name }));
    expect(asked).toEqual(['a1 > a2', 'intel on a2', 'amd on a2']);
  });
});

describe('nothing is asked', () => {
  const never: readonly (readonly [string, World, Desired])[] = [
    ['of a VM that stays', undeclared, onHosts(['a1', 'b1'])],
    ['of one that is off', { ...undeclared, vm: offVm({ cpu: intel }) }, onHost('b1')],
    ['of a move that is declared cold', undeclared, onHost('b1', { method: 'cold', allowShutdown: true })],
    ['of a move that is declared staged', undeclared, onHost('b1', { method: 'staged' })],
    ['of a host that is blocked anyway', { hosts: hostsWith(host('a/a2', {}, { state: 'maintenance' })) }, onHost('a2')],
    ['of a VM that is not found', undeclared, desired({ ...onHost('b1'), vm: 'nobody' })],
    ['of one whose devices cannot move', { vm: vm({ devices: [{ name: 'gpu0', kind: 'gpu', hostLocal: true }] }) }, onHost('a2')],
  ];
  it.each(never)('%s', async (_what, world, want) => {
    const { preview, asked } = platform(world);
    await preview(want);
    expect(asked).toEqual([]);
  });

  it('of thousands that stay', async () => {
    const others = Array.from({ length: 2000 }, (_, index) => vm({ name: `vm-${index}`, uuid: `uuid-${index}`, cpu: intel }));
    const { preview, asked } = platform({ others });
    for (const { name } of others) expect((await preview(onHost('a1', { vm: name }))).action).toBe('none');
    expect(asked).toEqual([]);
  });
});

describe('of several hosts', () => {
  const many = Array.from({ length: 12 }, (_, index) =>
    host(`b/b${index}`, { memory: { ...memory(), freeBytes: memory().freeBytes - index * 2 ** 30 } }),
  );
  function memory() {
    const { memory: of } = facts();
    if ('unknown' in of) throw new Error(of.unknown);
    return of;
  }

  it('only the first ones are asked about when these will do', async () => {
    const { preview, asked } = platform({ ...undeclared, hosts: [host('a/a1'), ...many] });
    expect(await preview(inCluster('b'))).toMatchObject({ method: 'hot', to: place('b/b0') });
    expect(asked).toEqual(['a1 > b0', 'a1 > b1', 'a1 > b2', 'a1 > b3']);
  });

  it('the next ones when they do not', async () => {
    const nos = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`a1 > b${index}`, no]));
    const { preview } = platform({ ...undeclared, hosts: [host('a/a1'), ...many] }, nos);
    expect(await preview(inCluster('b'))).toMatchObject({ method: 'hot', to: place('b/b9') });
  });

  it('the same is chosen whatever was asked before', async () => {
    const second = vm({ name: 'web-02', uuid: 'uuid-web-02', memoryBytes: 0 });
    const { preview } = platform({ ...undeclared, hosts: [host('a/a1'), ...many], others: [second] });
    await preview(onHost('b7', { vm: 'web-02' }));
    expect(await preview(inCluster('b'))).toMatchObject({ to: place('b/b0') });
  });
});

let atMs = 0;
const later = (): void => void (atMs += 1001);
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => atMs));
afterEach(() => vi.restoreAllMocks());

describe('right before acting', () => {
  const run = { signal: new AbortController().signal, emit: () => undefined, log: () => undefined, timeoutMs: null };

  it('it is asked again, and another answer is no longer what was promised: cause and all', async () => {
    const { session, preview, asked, told } = platform({});
    const { summary } = await preview(onHost('a2'));
    later();
    const { plan: same } = await decideFresh(session, 'urn:web-01', onHost('a2'), run);
    expect(() => holdToPromise(same, summary)).not.toThrow();
    expect(asked).toEqual(['a1 > a2', 'a1 > a2']);
    told['a1 > a2'] = no;
    later();
    const { plan } = await decideFresh(session, 'urn:web-01', onHost('a2'), run);
    // What was blocked before by something else is told as what it is now.
    expect(() => holdToPromise(plan, 'blocked: disk-shared, vm-busy')).not.toThrow();
    expect(() => holdToPromise(plan, summary)).toThrow(
      /promised 'hot: a\/a1 -> a\/a2.*', now 'blocked: no-direct-network.*root there has no key.*Nothing was done/,
    );
  });

  it('who is interrupted does not wait for an answer', async () => {
    const { session } = platform({});
    const stop = new AbortController();
    const hanging = { ...session, ask: () => new Promise<never>(() => undefined) };
    const decided = decideFresh(hanging, 'urn:web-01', onHost('a2'), { ...run, signal: stop.signal });
    stop.abort(new Error('Ctrl-C'));
    await expect(decided).rejects.toThrow('Ctrl-C');
  });
});

describe('asking', () => {
  const to = (name: string): Question => ({ kind: 'reach', from: place('a/a1'), to: place(`b/${name}`) });

  /** Answers come when the test says so. */
  function slow() {
    const open: { readonly to: string; readonly tell: (answer: Answer) => void; readonly fail: (error: Error) => void }[] = [];
    const ask = asker({
      clock: { now: () => Promise.resolve(nowMs), sleep: () => Promise.reject(new Error('nothing waits here')) },
      probes: {
        reach: (_from, { host: name }) => new Promise((tell, fail) => open.push({ to: name, tell, fail })),
        cpu: () => Promise.reject(new Error('not asked here')),
      },
    });
    return { ask, open };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('is done by few at a time', async () => {
    const { ask, open } = slow();
    const names = Array.from({ length: atOnce + 2 }, (_, index) => `b${index}`);
    const all = Promise.all(names.map((name) => ask(to(name), 'new')));
    await turn();
    expect(open.map((one) => one.to)).toEqual(names.slice(0, atOnce));
    open[0]?.tell(yes);
    await turn();
    expect(open).toHaveLength(atOnce + 1);
    for (let index = 1; index < names.length; index += 1) {
      open[index]?.tell(yes);
      await turn();
    }
    expect((await all).map(({ answer }) => answer.answer)).toEqual(names.map(() => 'yes'));
  });

  it('a new answer is never one that was asked for more than a moment before', async () => {
    const { ask, open } = slow();
    const first = ask(to('b1'), 'of this session');
    await turn();
    expect(ask(to('b1'), 'new')).toBe(first);
    later();
    const second = ask(to('b1'), 'new');
    await turn();
    open[0]?.tell(yes);
    open[1]?.tell(no);
    expect([(await first).answer, (await second).answer]).toEqual([yes, no]);
    expect((await ask(to('b1'), 'of this session')).answer).toEqual(no);
  });

  it('that fails is told, and asked again by the next one', async () => {
    const { ask, open } = slow();
    const first = ask(to('b1'), 'of this session');
    await turn();
    open[0]?.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    const second = ask(to('b1'), 'of this session');
    await turn();
    open[1]?.tell(yes);
    expect((await second).answer).toEqual(yes);
  });
});
