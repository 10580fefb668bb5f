/** What a run says of a fault, what it leaves, and that the next one goes on from there. */
import { describe, expect, it } from 'vitest';
import { MoveFailed, applyPlacement, cancelMove, previewPlacement } from '../../../provider/core/placement.js';
import type { Desired } from '../../../provider/core/desired.js';
import type { Driver } from '../../../provider/core/driver.js';
import type { MoveEvent } from '../../../provider/core/events.js';
import type { PlacementState } from '../../../provider/core/state.js';
import { before } from './fault-cases.js';
import { Lab, urn, want } from './lab.js';

const GiB = 1024 ** 3;
const minute = 60_000;
const home = { power: 'running', place: { cluster: 'a', host: 'a1' } };
const moved = { phase: 'AwaitingConfirmation', power: 'running', place: { cluster: 'far', host: 'f1' } };
const staged = want('f1', { shutdown: 'now' });
const cold = want('f1', { method: 'cold', allowShutdown: true });

/** An `up` during which something happens at the first event that is meant. */
async function upWith(
  lab: Lab,
  desired: Desired,
  isMeant: (event: MoveEvent) => boolean,
  act: () => Promise<unknown>,
): Promise<PlacementState> {
  const run = lab.run();
  let happened: Promise<unknown> | null = null;
  const emit: typeof run.emit = (event) => {
    run.emit(event);
    if (happened === null && isMeant(event)) happened = act();
  };
  const session = lab.session();
  const { summary } = await previewPlacement(session, urn, desired);
  return applyPlacement(session, urn, desired, summary, { ...run, emit });
}
const copying =
  (step: string) =>
  (event: MoveEvent): boolean =>
    event.kind === 'progress' && event.step === step && event.bytes > GiB;
const ended =
  (step: string) =>
  (event: MoveEvent): boolean =>
    event.kind === 'end' && event.step === step;

async function failure(up: Promise<PlacementState>): Promise<MoveFailed> {
  const error: unknown = await up.then(
    (state) => new Error(`did not fail: ${JSON.stringify(state)}`),
    (one: unknown) => one,
  );
  if (!MoveFailed.isMoveFailed(error)) throw error;
  return error;
}

describe('a link that is cut', () => {
  it('under the full copy: stalls, fails after the no-progress timeout, and goes on where it stopped', async () => {
    const lab = new Lab();
    const error = await failure(upWith(lab, staged, copying('replicate'), () => lab.outside.setLink('a', 'far', 'cut')));
    expect(error.message).toMatch(/copy of VM web-01 from a1 to f1 made no progress for 120 s\. Next: look at both hosts and the network/);
    expect(error).toMatchObject({ code: 'timeout', state: { ...home, phase: 'Failed' } });
    expect(error.state.message).toContain('made no progress');
    await lab.outside.setLink('far', 'a', 'ok');
    const state = await lab.up(staged);
    expect(state).toMatchObject(moved);
    expect(state.lastMove!.bytes).toBeLessThan(4.2 * GiB);
    expect(await lab.journal()).toEqual([]);
  });

  it('under the last increment: the cutover is rolled back, and the VM runs', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    const error = await failure(upWith(lab, want('f1'), ended('block-source'), () => lab.outside.setLink('a1', 'f1', 'cut')));
    expect(error.state).toMatchObject({ ...home, phase: 'AwaitingShutdown' });
    expect(error.state.message).toContain('The cutover failed and was rolled back: The copy of VM web-01 from a1 to f1 made no progress');
    await lab.outside.setLink('a1', 'f1', 'ok');
    expect(await lab.up(want('f1'))).toMatchObject(moved);
  });

  it('under a hot migration: it is aborted, the VM and its autostart stay', async () => {
    const lab = new Lab();
    const error = await failure(upWith(lab, want('n1'), copying('migrate'), () => lab.outside.setLink('a', 'near', 'cut')));
    expect(error.message).toMatch(/made no progress for 120 s and was aborted; the VM runs on a\/a1/);
    expect(error.state).toMatchObject({ ...home, phase: 'Settled' });
    expect(await lab.vm()).toMatchObject({ record: null, copies: [{ power: 'running', autostart: true, blocked: false }] });
  });
});

describe('a pool without room', () => {
  it('under the full copy: names host, pool and VM; with room again it goes on where it stopped', async () => {
    const lab = new Lab();
    const error = await failure(upWith(lab, staged, copying('replicate'), () => lab.outside.setPool('f1', 'default', 'full')));
    expect(error.message).toMatch(
      /VM web-01 failed: pool default of host far\/f1 is full, so disk vda .*What was copied is kept.*Next: free space/,
    );
    expect(error.state).toMatchObject({ ...home, phase: 'Failed' });
    await lab.outside.setPool('f1', 'default', 'ok');
    const state = await lab.up(staged);
    expect(state).toMatchObject(moved);
    expect(state.lastMove!.bytes).toBeLessThan(4.2 * GiB);
  });

  it('before a move: the preview says storage-short', async () => {
    const lab = new Lab();
    await lab.outside.setPool('f1', 'default', 'full');
    expect((await previewPlacement(lab.session(), urn, staged)).summary).toBe('blocked: storage-short');
  });
});

describe('a target that dies at its start', () => {
  it.each([
    ['crashes', /web-01: crashed right after it was started on far\/f1; nothing else was touched\. Next: look at that host and/, 'crashed'],
    ['refused', /VM web-01 could not be started on far\/f1: it died at once\. Next: look at that host/, 'off'],
  ] as const)('%s: says so at once, and the next up starts it there', async (how, message, power) => {
    const lab = new Lab();
    await lab.outside.setStarts('web-01', 'f1', how, 1);
    const before = await lab.driverNow();
    const error = await failure(lab.up(staged));
    expect(error.message).toMatch(message);
    expect((await lab.driverNow()) - before).toBeLessThan(minute);
    expect(error.state).toMatchObject({ phase: 'Failed', power });
    expect((await lab.vm()).copies[0]).toMatchObject({ power: 'off', blocked: true });
    expect(await lab.up(staged)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('a guest', () => {
  it('that delays its shutdown beyond the grace period, but not beyond the late one, is waited for', async () => {
    const lab = new Lab();
    await lab.outside.setGuest('web-01', { takesMs: 4 * minute });
    expect(await lab.up(staged)).toMatchObject(moved);
    expect(lab.warnings()).toContain('did not shut down within 3m; watching 5m more, it is not powered off');
  });

  it('that crashes while it is shut down: nobody waits for it any longer; cold starts it again, staged waits on', async () => {
    for (const [desired, says] of [
      [cold, /crashed on a\/a1 while it was shut down; nothing was copied, and it is started there again/],
      [staged, /asked to shut down and is now crashed/],
    ] as const) {
      const lab = new Lab();
      await lab.outside.setGuest('web-01', 'ignores');
      const crashing = (driver: Driver): Driver => ({
        ...driver,
        async shutdown(...given) {
          await driver.shutdown(...given);
          await lab.outside.crash('web-01');
        },
      });
      const begun = await lab.driverNow();
      const told = await lab.up(desired, undefined, lab.session(crashing)).catch((error: unknown) => error as Error);
      expect(told.message).toMatch(says);
      expect((await lab.driverNow()) - begun).toBeLessThan(2 * minute);
      expect((await lab.vm()).copies[0]).toMatchObject({ power: desired === cold ? 'running' : 'crashed' });
      expect(await lab.journal()).toEqual([]);
    }
  });

  it('that ignored it, and obeys later: the next up ends the move', async () => {
    const lab = new Lab();
    await lab.outside.setGuest('web-01', 'ignores');
    const state = await lab.up(staged);
    expect(state).toMatchObject({ ...home, phase: 'AwaitingShutdown' });
    expect(state.message).toContain('The guest did not obey the shutdown');
    await lab.outside.setGuest('web-01', 'obeys');
    expect(await lab.up(staged)).toMatchObject(moved);
  });

  it('that crashes while the move waits: no go, said first; started again it is copied in full', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.crash('web-01');
    const state = await lab.up(want('f1'));
    expect(state).toMatchObject({ phase: 'AwaitingShutdown', power: 'crashed' });
    expect(state.message).toMatch(
      /^VM web-01 IS NOT RUNNING.*this is not taken as a go: it crashed; start it again: it is then copied in full/s,
    );
    await lab.outside.start('web-01');
    const again = await lab.up(staged);
    expect(again).toMatchObject(moved);
    expect(again.lastMove!.bytes).toBeGreaterThan(8 * GiB);
  });
});

describe('somebody', () => {
  it('takes the block away and starts the source during the last increment: what was sent is void, the VM lives on', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.annotate('now');
    const start = (event: MoveEvent): boolean => event.kind === 'progress' && event.step === 'finish';
    const up = upWith(lab, want('f1'), start, () => lab.outside.startSource('web-01'));
    const state = await up.catch((error: unknown) => (error as MoveFailed).state);
    expect(state).toMatchObject({ ...home, phase: 'AwaitingShutdown' });
    expect((await lab.vm()).copies[0]).toMatchObject({ power: 'running', blocked: false });
    expect(await lab.up(want('f1'))).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it.each([
    ['staged', staged, 'finish'],
    ['staged', staged, 'point-of-no-return'],
    ['staged', staged, 'read-back'],
    ['cold', cold, 'copy'],
    ['cold', { ...cold, keepSource: 'no' as const }, 'read-back'],
  ])('takes the block away in a %s move, and the start fails: it is put back before anything is built on it', async (_m, desired, step) => {
    const lab = new Lab();
    await lab.outside.setStarts('web-01', 'a1', 'refused', 1);
    const state = await upWith(lab, desired, ended(step), () => lab.outside.startSource('web-01').catch(() => undefined));
    expect(state).toMatchObject({ power: 'running', place: moved.place });
    const kept = (await lab.vm()).copies.filter(({ role }) => role === 'kept');
    expect(kept).toMatchObject(desired.keepSource === 'no' ? [] : [{ ref: { host: 'a1' }, power: 'off', blocked: true }]);
    expect(await lab.journal()).toEqual([]);
  });

  it.each([
    ['staged', staged, 'finish'],
    ['cold', cold, 'copy'],
  ])('adds a disk after the %s copy was complete: it is not started without it', async (_method, desired, step) => {
    const lab = new Lab();
    const disk = { name: 'vdb', bytes: GiB, allocatedBytes: GiB / 2 };
    let state = await upWith(lab, desired, ended(step), () => lab.outside.addDisk('web-01', disk));
    expect(lab.warnings()).toContain('disk vdb was added after it was copied: what is on far/f1 is not started, the copy is made again');
    if (state.phase !== moved.phase) state = await lab.up(desired);
    expect(state).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('a host that cannot be read is unknown, not without the VM', () => {
  it.each([
    ['staged', staged, 'finish'],
    ['cold', cold, 'copy'],
  ])(
    'the target, after the %s copy: it is not started, the VM runs on, and nothing stale is started later',
    async (method, desired, step) => {
      const lab = new Lab();
      const error = await failure(upWith(lab, desired, ended(step), () => lab.outside.setHost('f1', 'unreachable')));
      expect(error.message).toContain('far/f1 cannot be read, so the VM is not started there');
      expect(error.state).toMatchObject({ ...home, phase: method === 'cold' ? 'Failed' : 'AwaitingShutdown' });
      // It runs on, and writes.
      await lab.advance(10 * minute);
      await lab.outside.setHost('f1', null);
      expect(await lab.up(desired)).toMatchObject(moved);
      expect(await lab.journal()).toEqual([]);
    },
  );

  it.each([
    ['staged', staged, 'shutdown'],
    ['staged', staged, 'block-source'],
    ['cold', cold, 'shutdown'],
    ['cold', cold, 'copy'],
  ])('the source, in a %s move: nobody is said to have started or removed it', async (_method, desired, step) => {
    const lab = new Lab();
    const error: unknown = await upWith(lab, desired, ended(step), () => lab.outside.setHost('a1', 'unreachable')).catch(String);
    expect(error).toContain('a/a1');
    expect(`${String(error)}${lab.warnings()}`).not.toMatch(/by somebody else|absent|not found there|another controller/);
    await lab.outside.setHost('a1', null);
    expect(await lab.up(desired)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });

  it('the target of a hot migration that has ended: nothing is taken back before it is known', async () => {
    const lab = new Lab();
    let cancels = 0;
    const wrap = (driver: Driver): Driver => ({
      ...before('block', 1, () => lab.outside.setHost('n1', 'unreachable')).wrap(driver),
      cancel: () => Promise.resolve(void (cancels += 1)),
    });
    await expect(lab.up(want('n1'), undefined, lab.session(wrap))).rejects.toThrow('near/n1 does not answer');
    expect(cancels).toBe(0);
    await lab.outside.setHost('n1', null);
    expect(await lab.up(want('n1'))).toMatchObject({ phase: 'Settled', power: 'running', place: { host: 'n1' } });
  });

  it('a third host: the move ends, and says what was not checked', async () => {
    const lab = new Lab();
    await lab.outside.setHost('a2', 'unreachable');
    expect(await lab.up(staged)).toMatchObject(moved);
    expect(lab.warnings()).toContain('not read, so not checked for another copy: a/a2');
  });

  it('where the VM stands while nothing is under way: the preview is an error, and a cancel touches nothing', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await lab.outside.setHost('a1', 'unreachable');
    expect(await previewPlacement(lab.session(), urn, staged)).toMatchObject({ action: 'error', summary: 'error: unreadable-host' });
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('a/a1');
    await lab.outside.setHost('a1', null);
    expect((await lab.vm()).copies).toMatchObject([{ power: 'running' }, { role: 'incoming' }]);
  });
});

it('a run that dies between starting the source again and writing that down: the stale target is not started later', async () => {
  const lab = new Lab();
  await lab.up(want('f1'));
  await lab.annotate('now');
  let dead = false;
  const mortal = (driver: Driver): Driver =>
    new Proxy(driver, {
      get(target, name: string) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          if (dead) throw new Error('this process is dead');
          if (name === 'finish') {
            const outcome: unknown = await (value as (...all: unknown[]) => unknown).apply(target, args);
            await lab.outside.setHost('f1', 'maintenance');
            return outcome;
          }
          // The write that takes the cutover back as a whole: the source runs already.
          const next = args[1] as { done?: readonly string[]; offAt?: string | null } | null;
          if (name === 'record' && next?.offAt === null && next.done?.includes('finish') === false && lab.events.some(ended('finish')))
            dead = true;
          if (dead) throw new Error('this process is dead');
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  await expect(lab.up(want('f1'), undefined, lab.session(mortal))).rejects.toThrow();
  expect(dead).toBe(true);
  expect((await lab.vm()).record).toMatchObject({ offAt: null, done: expect.arrayContaining(['finish']) as unknown });
  await lab.advance(10 * minute);
  await lab.outside.setHost('f1', null);
  await lab.outside.shutdown('web-01', 'clean');
  const state = await lab.up(want('f1')).catch(() => lab.up(want('f1')));
  expect(await lab.journal()).toEqual([]);
  expect(state.phase === moved.phase ? state : await lab.up(want('f1'))).toMatchObject(moved);
  expect(await lab.journal()).toEqual([]);
});

describe('a copy on the target that somebody deletes before it is started', () => {
  const gone = (lab: Lab) => before('start', 1, () => lab.outside.removeCopy('web-01', 'f1')).wrap;
  const back = 'vmplacement cancel web-01 brings it back on a/a1, as it was when it went off there';

  it.each([
    ['staged', staged],
    ['cold', cold],
  ])('%s: nothing is started, the message names the way out, and that leads out', async (_method, desired) => {
    const lab = new Lab();
    await failure(lab.up(desired, undefined, lab.session(gone(lab))));
    const error = await failure(lab.up(desired));
    expect(error.message).toContain(`web-01: its copy on far/f1 was deleted by somebody else; nothing is started. Next: ${back}`);
    expect((await failure(lab.up(want('a1')))).message).toContain(back);
    expect(await cancelMove(lab.session(), 'web-01', lab.run())).toContain('stays on a/a1.');
    expect(lab.warnings()).toContain('goes back to a/a1; what was written on the target is lost');
    expect((await lab.vm()).copies).toMatchObject([{ power: 'running', blocked: false, ref: { host: 'a1' } }]);
    expect(await lab.up(want('a1'))).toMatchObject({ phase: 'Settled', ...home });
    expect(await lab.journal()).toEqual([]);
  });

  it('is not given up while a host cannot be read, or while the copy is there', async () => {
    const lab = new Lab();
    await failure(lab.up(staged, undefined, lab.session(before('start', 1, () => lab.outside.setHost('f1', 'unreachable')).wrap)));
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('cannot be cancelled');
    await lab.outside.setHost('f1', null);
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('cannot be cancelled');
    await lab.outside.removeCopy('web-01', 'f1');
    await lab.outside.setHost('f2', 'unreachable');
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('cannot be cancelled');
    await lab.outside.setHost('f2', null);
    expect(await cancelMove(lab.session(), 'web-01', lab.run())).toContain('stays on a/a1.');
  });
});

it('a target that a platform started by itself and that crashed: a revert first ends the move there', async () => {
  const lab = new Lab({ style: 'task' });
  await lab.up(want('f1'));
  await lab.outside.shutdown('web-01', 'clean');
  await lab.advance(10 * minute);
  await lab.outside.crash('web-01');
  const plan = await previewPlacement(lab.session(), urn, want('a1'));
  expect(plan).toMatchObject({ action: 'continue' });
  expect(plan.sentence).toContain('it has run and reads crashed on far/f1 already; this update starts it there if it shall run');
  await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow('cannot be cancelled');
  expect(await lab.up(want('a1'))).toMatchObject(moved);
  expect(await lab.journal()).toEqual([]);
});

it('a target that a platform started, and after it the source: a person decides, and the next up follows', async () => {
  for (const wrong of ['a1', 'f1']) {
    const lab = new Lab({ style: 'task' });
    await lab.up(want('f1'));
    await lab.outside.shutdown('web-01', 'clean');
    await lab.advance(10 * minute);
    await lab.outside.shutdown('web-01', 'hard');
    await lab.outside.start('web-01', 'a1');
    const said =
      'runs on a/a1 again although its copy on far/f1 has run since. Nothing more is done. Next: decide which copy is the right one';
    await expect(cancelMove(lab.session(), 'web-01', lab.run())).rejects.toThrow(said);
    for (const desired of [want('f1'), want('a1')]) expect((await failure(lab.up(desired))).message).toContain(said);
    expect((await lab.vm()).copies).toHaveLength(2);
    if (wrong === 'a1') await lab.outside.shutdown('web-01', 'hard');
    await lab.outside.removeCopy('web-01', wrong);
    const desired = want(wrong === 'a1' ? 'f1' : 'a1');
    expect(await lab.up(desired)).toMatchObject({ phase: 'Settled', power: 'running', place: { host: desired.hosts?.[0] } });
  }
});

describe('a target host that loses power under the copy, and boots at once', () => {
  it.each([
    ['staged, under the full copy', staged, 'replicate'],
    ['staged, under the last increment', { ...staged, verify: 'off' as const }, 'finish'],
    ['cold', { ...cold, verify: 'off' as const }, 'copy'],
  ])('%s: what it had not flushed does not count as sent', async (_name, desired, step) => {
    const lab = new Lab({ vm: { dirtyRate: '40MiB/s' } });
    const during = (event: MoveEvent): boolean => event.kind === 'progress' && event.step === step && event.bytes > 0;
    const error = await failure(upWith(lab, desired, during, () => lab.outside.losePower('f1')));
    expect(error.message).toContain('The copy of VM web-01 was cut off: far/f1 has booted anew, what it had not flushed is lost.');
    expect((await lab.vm()).copies).toContainEqual(expect.objectContaining({ power: 'running', role: 'live' }));
    expect(await lab.up(desired)).toMatchObject(moved);
    expect(await lab.journal()).toEqual([]);
  });
});

it('a VM that HA takes to the target of its hot move and on to a third host, at any two readings: it gets to where it is declared', async () => {
  const ends = new Set<string>();
  for (let first = 2; first < 14; first += 1) {
    for (let second = first + 1; second < first + 8; second += 1) {
      const lab = new Lab();
      const wrap = [first, second].map(
        (n, index) =>
          before('survey', n, () => lab.outside.restartElsewhere('web-01', index === 0 ? 'a2' : 'n1').catch(() => undefined)).wrap,
      );
      const unruly = lab.session((driver) => wrap.reduce((inner, one) => one(inner), driver));
      const told: unknown[] = [await lab.up(want('a2'), undefined, unruly).catch(String)];
      for (let more = 0; more < 3; more += 1) told.push(await lab.up(want('a2')).catch(String));
      expect(told.at(-1), `${first}, ${second}: ${JSON.stringify(told)}`).toMatchObject({ place: { host: 'a2' }, power: 'running' });
      expect(await lab.journal()).toEqual([]);
      for (const one of told) ends.add(JSON.stringify(one));
    }
  }
  expect([...ends].join('\n')).toContain('by somebody else; its hot move is taken back');
});

it('a VM that was off, and that somebody starts during its cold move and crashes: its block is taken away with the move', async () => {
  const lab = new Lab({ vm: { power: 'off' } });
  const started = before('block', 1, async () => {
    await lab.outside.start('web-01');
    await lab.outside.crash('web-01');
  });
  const error = await failure(lab.up(cold, undefined, lab.session(started.wrap)));
  expect(error.message).toContain('was started on a/a1 by somebody else during its cold move (it reads crashed); the copy is void');
  expect(await lab.vm()).toMatchObject({ record: null, copies: [{ power: 'crashed', blocked: false }] });
  await lab.outside.start('web-01');
  expect(await lab.up(cold)).toMatchObject(moved);
  expect(await lab.journal()).toEqual([]);
});
