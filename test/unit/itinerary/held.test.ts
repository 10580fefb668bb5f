/** Two runs and one VM: one that lives is left alone, one that was killed is waited for. */
import { describe, expect, it } from 'vitest';
import { resolveEmbedded } from '../../../schema/embedded.js';
import { applyPlacement, cancelMove, openSession, releasePlacement, type PlacementRun } from '../../../provider/core/placement.js';
import { embeddedDriver, openModel } from '../../../provider/drivers/embedded/index.js';
import { stoppedWall } from '../embedded/kit.js';
import { Lab, settings, stack, urn, want } from './lab.js';

const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 20));
const notices = (lab: Lab): string[] => lab.events.flatMap((event) => (event.kind === 'notice' ? [event.message] : []));
const held = (lab: Lab): string[] => notices(lab).filter((message) => message.includes('its lease is held by'));

/** A run that took the lease and was killed. */
async function killed(lab: Lab): Promise<void> {
  await lab.session().driver.lease((await lab.vm()).uuid, 'run-of-bob@ci', { expireMs: 60_000 });
}

describe('a lease whose holder was killed', () => {
  it('is waited for, which is told once, and then the move is made', async () => {
    const lab = new Lab();
    await killed(lab);
    const begun = await lab.model.read(({ now }) => now);
    expect(await lab.up(want('n1'))).toMatchObject({ phase: 'Settled', place: { host: 'n1' } });
    expect(held(lab)).toEqual([expect.stringMatching(/^web-01: .*run-of-bob@ci.*2026-05-01T10:01:00/)]);
    expect(Date.parse((await lab.vm()).claim!.lastMove!.start)).toBeGreaterThanOrEqual(begun + 60_000);
  });

  it('is waited for by a delete as well', async () => {
    const lab = new Lab();
    await lab.up(want('a1'));
    await killed(lab);
    expect(await releasePlacement(lab.session(), urn, 'web-01', lab.run())).toContain('no longer managed');
    expect((await lab.vm()).claim).toBeNull();
  });

  it('is not waited for longer than its holder needs to give it back', async () => {
    const lab = new Lab();
    await killed(lab);
    const driver = lab.session().driver;
    const run: PlacementRun = {
      ...lab.run(),
      emit: (event) => {
        lab.events.push(event);
        if (event.kind === 'notice') void driver.release('web-01', 'run-of-bob@ci');
      },
    };
    const begun = await lab.model.read(({ now }) => now);
    await applyPlacement(lab.session(), urn, want('n1'), null, run);
    expect(Date.parse((await lab.vm()).claim!.lastMove!.start)).toBeLessThan(begun + 5000);
  });

  it('in wall time, however fast the model time passes', async () => {
    const wall = stoppedWall();
    const document = {
      clock: 'wall',
      speed: 3600,
      clusters: { a: { hosts: { a1: {}, a2: {} } } },
      vms: { 'web-01': { host: 'a1' } },
    } as const;
    const model = openModel(resolveEmbedded(document), 'memory', wall);
    const driver = embeddedDriver(model);
    await driver.lease('web-01', 'run-of-bob@ci', { expireMs: 60_000 });
    const ends = wall.now() + 60_000;
    const session = openSession(driver, settings, { stack, holder: 'run-2@machine', newId: () => 'move-1' });
    let started = 0;
    const run: PlacementRun = {
      signal: new AbortController().signal,
      emit: ({ kind }) => {
        if (kind === 'start' && started === 0) started = wall.now();
      },
      log: () => undefined,
      timeoutMs: null,
    };
    expect(await applyPlacement(session, urn, { ...want('a2'), cluster: 'a' }, null, run)).toMatchObject({ place: { host: 'a2' } });
    expect(started).toBeGreaterThanOrEqual(ends);
    expect(started).toBeLessThan(ends + 1000);
  });

  it.each(['signal', 'halt'] as const)('is not waited for after a %s, and nothing is done', async (which) => {
    const lab = new Lab();
    await killed(lab);
    const stop = new AbortController();
    const run: PlacementRun = {
      ...lab.run(),
      [which]: stop.signal,
      emit: (event) => {
        lab.events.push(event);
        stop.abort();
      },
    };
    await expect(applyPlacement(lab.session(), urn, want('n1'), null, run)).rejects.toMatchObject({
      code: 'interrupted',
      message: expect.stringContaining('run-of-bob@ci') as string,
    });
    expect(await lab.vm()).toMatchObject({ record: null, claim: null, lease: { holder: 'run-of-bob@ci' } });
  });
});

describe('a run that is at work', () => {
  it('is left alone: the second one is refused, naming VM, holder, the end of its lease and what to do', async () => {
    const lab = new Lab();
    const first = lab.up(want('f1', { onPending: 'wait', waitTimeoutMs: 3_600_000 }));
    while ((await lab.vm()).record?.phase !== 'AwaitingShutdown') await turn();
    const before = await lab.vm();
    const second = await lab.up(want('f1')).catch(String);
    expect(second).toMatch(
      /web-01: run-1@machine is working on it and has just renewed its lease; its lease ends 2026-05-01T\S+ unless renewed/,
    );
    expect(second).toMatch(/Nothing was done. Next: let that run end \(vmplacement status web-01 shows how far it is\), then pulumi up/);
    expect((await lab.vm()).record?.epoch).toBe(before.record?.epoch);
    await lab.annotate('now');
    await lab.advance(60_000);
    expect(await first).toMatchObject({ phase: 'AwaitingConfirmation', power: 'running', place: { host: 'f1' } });
    expect(await lab.journal()).toEqual([]);
  });

  it('that ends while it is waited for: the other one decides anew on what is there then', async () => {
    const lab = new Lab();
    const first = lab.session();
    const others: Promise<unknown>[] = [];
    const run = lab.run();
    const emit: typeof run.emit = (event) => {
      run.emit(event);
      if (event.kind === 'progress' && others.length === 0) others.push(lab.up(want('n1')).catch((error: unknown) => error));
    };
    await applyPlacement(first, urn, want('n1'), null, { ...run, emit });
    expect(await others[0]).toMatchObject({ code: 'plan-changed', message: expect.stringContaining('nothing to do') as string });
    expect((await lab.vm()).copies).toMatchObject([{ ref: { host: 'n1' }, power: 'running' }]);
    expect(await lab.journal()).toEqual([]);
  });
});

describe('vmplacement cancel', () => {
  it('hands its request to the holder at once, and says what becomes of it should that have died', async () => {
    const lab = new Lab();
    await lab.up(want('f1'));
    await killed(lab);
    const said = await cancelMove(lab.session(), 'web-01', lab.run());
    expect(said).toMatch(/run-of-bob@ci is working on it and was asked to cancel/);
    expect(said).toMatch(/If it has died, the next pulumi up does it \(its lease then ends 2026-05-01T/);
    expect(held(lab)).toEqual([]);
    expect(await lab.up(want('f1'))).toMatchObject({ phase: 'Settled', place: { host: 'a1' } });
  });
});
