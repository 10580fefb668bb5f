/**
 * Each fault at each moment of each method: nothing is lost, never two run, and once the fault is over the next `up`s end on the target,
 * where need be after an operator has done what the message says. `VMPLACEMENT_FAULT_MOMENTS=all`: before every effect.
 */
import { describe, expect, it } from 'vitest';
import { applyPlacement, previewPlacement } from '../../../provider/core/placement.js';
import type { MigrationRecord } from '../../../provider/core/record.js';
import { before, faults, methods, runningHost, type Fault, type Method } from './fault-cases.js';
import { Lab, urn } from './lab.js';

/** `effect`: before the n-th, whatever it is. */
type Moment = { readonly verb: string } | { readonly effect: number } | 'in the middle of the data';

const everywhere = process.env['VMPLACEMENT_FAULT_MOMENTS'] === 'all';
const outside = (moment: Moment): string =>
  moment === 'in the middle of the data' ? moment : 'verb' in moment ? `before ${moment.verb}` : `before effect ${moment.effect}`;

describe.each(methods)('$name', { timeout: everywhere ? 600_000 : 60_000 }, (method) => {
  it.each(faults)('$name', async (fault) => {
    const moments: Moment[] = everywhere
      ? Array.from({ length: await effects(method) }, (_, index) => ({ effect: index + 1 }))
      : method.verbs.map((verb) => ({ verb }));
    for (const moment of [...moments, 'in the middle of the data'] as const) {
      const lab = new Lab({ style: method.style, vm: method.vm });
      const told = [`${method.name}, ${fault.name}, ${outside(moment)}`, await withFault(lab, method, fault, moment)];
      await fault.over?.(lab, method.to);
      await endsWell(lab, method, told);
    }
  });
});

describe('while a staged move waits for its go', () => {
  it.each(faults)('$name', async (fault) => {
    const method = methods.find(({ name }) => name === 'staged, driven')!;
    const lab = new Lab();
    const waiting = { ...method.desired, shutdown: null };
    expect(await lab.up(waiting)).toMatchObject({ phase: 'AwaitingShutdown', power: 'running' });
    await fault.happen(lab, method.to).catch(() => undefined);
    const told = [`${fault.name}, while it waits`];
    const up = (): Promise<unknown> =>
      lab.up(waiting).then(
        (state) => told.push(`up: ${state.phase} ${state.power}: ${state.message}`),
        (error: unknown) => told.push(`up: ${String(error)}`),
      );
    await up();
    await fault.over?.(lab, method.to);
    await up();
    // Nothing of it is a go: the VM is where it was, or where HA has put it, and was shut down by nobody.
    const { copies } = await lab.vm();
    expect(
      copies.find(({ role }) => role === 'live'),
      told.join('\n'),
    ).toMatchObject({ power: expect.stringMatching(/running|crashed/), ref: { cluster: 'a' } });
    await endsWell(lab, method, told);
  });
});

async function endsWell(lab: Lab, method: Method, told: string[]): Promise<void> {
  const state = await comeToEnd(lab, method, told);
  const where = told.join('\n');
  expect(state, where).toMatchObject({ phase: 'Settled', power: method.power, place: { host: method.to } });
  expect(await lab.vm(), where).toMatchObject({ record: null, lease: null });
  expect((await lab.vm()).copies, where).toHaveLength(1);
  expect(await lab.journal(), where).toEqual([]);
  // What is said is for people.
  expect(where).not.toMatch(/undefined|Cannot read properties|is not a function|NaN|\[object/);
}

/**
 * Between the last reading before the target is started and the start itself nobody can be held off: who takes the block away and starts
 * the source there, or gives it another disk, is beyond what a platform of single hosts can keep apart.
 */
function isBeyond({ name: method }: Method, { name }: Fault, verb: string, args: readonly unknown[]): boolean {
  if (method.startsWith('hot') || !(name === 'somebody starts the source' || name.startsWith('a disk'))) return false;
  const record = verb === 'record' ? (args[1] as MigrationRecord | null) : null;
  return verb === 'start' || (record?.targetStarting === true && !record.done.includes('start-target'));
}

/** One `up` in which the fault happens, and what came of it, in words. */
async function withFault(lab: Lab, method: Method, fault: Fault, moment: Moment): Promise<string> {
  let happened: Promise<unknown> = Promise.resolve();
  const act = async (verb = '', args: readonly unknown[] = []): Promise<void> => {
    if (isBeyond(method, fault, verb, args)) return;
    await (happened = fault.happen(lab, method.to).catch((error: unknown) => String(error)));
  };
  const verb = moment !== 'in the middle of the data' && 'verb' in moment ? moment.verb : undefined;
  const n = moment === 'in the middle of the data' ? Infinity : 'effect' in moment ? moment.effect : 1;
  const session = lab.session(before(verb, n, act).wrap);
  const run = lab.run();
  let seen = 0;
  const emit: typeof run.emit = (event) => {
    run.emit(event);
    if (event.kind === 'progress' && (seen += 1) === 3 && moment === 'in the middle of the data') void act();
  };
  const { summary } = await previewPlacement(session, urn, method.desired);
  const result = await applyPlacement(session, urn, method.desired, summary, { ...run, emit }).then(
    (state) => `first up: ${state.phase} ${state.power}: ${state.message}`,
    (error: unknown) => `first up: ${String(error)}`,
  );
  await happened;
  return result;
}

/** An operator who does what the messages say. */
async function comeToEnd(lab: Lab, { desired, power, to }: Method, told: string[]): Promise<unknown> {
  for (let round = 0; ; round += 1) {
    await lab.advance(61_000);
    const { record } = await lab.vm();
    const toStart = /Next: start it on \S+\/(\w+)/.exec(told.at(-1) ?? '')?.[1];
    const running = await runningHost(lab);
    // "start it again": it crashed, or was found off; the block of a move in its cutover refuses it.
    const mayStart = toStart !== undefined || (power === 'running' && running === null && record?.targetStarting !== true);
    if (mayStart) await lab.outside.start('web-01', toStart).catch((error: unknown) => told.push(`start: ${String(error)}`));
    // A VM that was off and that somebody has started: its owner shuts it down again.
    if (power === 'off' && running !== null && record === null) await lab.outside.shutdown('web-01', 'clean');
    // A go is used up by the move that it was given for.
    await lab.annotate('now');
    const state = await lab.up(desired).catch((error: unknown) => void told.push(`up: ${String(error)}`));
    if (state !== undefined) told.push(`up: ${state.phase} ${state.power} on ${state.place.host}: ${state.message}`);
    if ((state?.phase === 'Settled' && state.place.host === to) || round === 6) return state;
  }
}

async function effects({ style, vm, desired }: Method): Promise<number> {
  const lab = new Lab({ style, vm });
  const counting = before(undefined, Infinity, () => Promise.resolve());
  await lab.up(desired, undefined, lab.session(counting.wrap));
  return counting.count();
}
