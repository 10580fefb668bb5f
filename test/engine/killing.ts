/** Runs of `up` in which something is killed at a random moment; then the next `up`, which has to finish the move. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { deployed, type AtEnd, type Door, type Placement, type Result, type Stack, type Started } from './harness.js';
import { atHome, away, slowly, type SlowVm } from './slow-moves.js';
import { look, plugins, pluginsGone, processes, signal, world } from './watch.js';

export const victims = ['plugin', 'CLI', 'both'] as const;
export type Victim = (typeof victims)[number];

export interface Killing {
  readonly vm: string;
  readonly placements: Readonly<Record<string, Readonly<Record<string, unknown>> | Placement>>;
  readonly target: string;
  readonly victim: Victim;
  /** Of the time that the move takes when it is left alone. */
  readonly moment: number;
  readonly wholeMs: number;
}

export interface Moves {
  /** Deployed, nothing moved: to be copied for each run. */
  readonly template: Stack;
  /** What each move takes when it is left alone, ms. */
  readonly wholeMs: ReadonlyMap<SlowVm, number>;
  readonly moving: (vm: SlowVm) => Pick<Killing, 'vm' | 'placements' | 'target'>;
}

/** A stack of these VMs, and their moves as they are without a kill. */
export async function slowMoves(declared: readonly SlowVm[], moved: readonly SlowVm[], atEnd: AtEnd, door?: Door): Promise<Moves> {
  const home = Object.fromEntries(declared.map((vm) => [vm, atHome(vm)]));
  const moving: Moves['moving'] = (vm) => ({ vm, placements: { ...home, [vm]: away(vm) }, target: String(away(vm)['host']) });
  const template = await deployed({ placements: home }, slowly(2), atEnd, door);
  const alone = async (vm: SlowVm): Promise<[SlowVm, number]> => [vm, await undisturbed(await template.copy(atEnd), moving(vm))];
  return { template, moving, wholeMs: new Map(await Promise.all(moved.map(alone))) };
}

/** How long the move takes when it is left alone, from the taking of its lease to its release, ms. */
async function undisturbed(fleet: Stack, { vm, placements, target }: Pick<Killing, 'vm' | 'placements' | 'target'>): Promise<number> {
  await fleet.write({ placements });
  const up = fleet.start(['up', '--skip-preview', '--yes']);
  await atWork(fleet, vm, up);
  const begun = performance.now();
  while ((await world(fleet)).leases[vm] !== undefined) await pause(10);
  const wholeMs = performance.now() - begun;
  const result = await up.result;
  expect(result.code, result.text).toBe(0);
  await isDone(fleet, vm, target, result);
  return wholeMs;
}

/** Returns what was killed, and where the move was then. */
export async function killed(fleet: Stack, { vm, placements, target, victim, moment, wholeMs }: Killing): Promise<string> {
  await fleet.write({ placements });
  const up = fleet.start(['up', '--skip-preview', '--yes']);
  await atWork(fleet, vm, up);
  await Promise.race([pause(moment * wholeMs), up.result]);
  const at = (await look(fleet, vm))?.vm.record?.step ?? 'an end or a beginning';
  const found = await plugins(fleet);
  if (victim !== 'plugin') {
    up.kill('SIGKILL');
    // Where a program runs the CLI, that one as well.
    for (const pid of await processes(fleet, /^[^\0]*\/pulumi\0/)) signal(pid, 'SIGKILL');
  }
  if (victim !== 'CLI') for (const pid of found) signal(pid, 'SIGKILL');
  const { text } = await up.result;
  await pluginsGone(fleet);
  if (victim === 'CLI') {
    // A plugin that can still act gives back what it holds: its lease, and its turn.
    const { leases, pool = [] } = await world(fleet);
    expect([leases, pool], text).toEqual([{}, []]);
  }
  const next = await nextUp(fleet);
  const all = `killed at ${at}:\n${text}\nthe next up:\n${next.text}`;
  expect(next.code, all).toBe(0);
  if (victim === 'CLI') expect(next.text, all).not.toContain('its lease is held');
  await isDone(fleet, vm, target, { text: all });
  return at;
}

/** With what the engine asks for on the way: a killed CLI leaves its lock. */
export async function nextUp(fleet: Stack): Promise<Result> {
  const first = await fleet.pulumi('up');
  if (!first.text.includes('the stack is currently locked')) return first;
  expect(first.text).toContain('pulumi cancel');
  const cancelled = await fleet.pulumi('cancel', '--yes');
  expect(cancelled.code, cancelled.text).toBe(0);
  return fleet.pulumi('up');
}

/** `at`: the stack whose datacenter it is. */
export async function isDone(fleet: Stack, vm: string, target: string, { text }: Pick<Result, 'text'>, at: Stack = fleet): Promise<void> {
  const { outputs } = await fleet.placement(vm);
  expect(outputs, text).toMatchObject({ host: target, phase: 'Settled', power: 'running' });
  const now = await world(at);
  expect(now.journal, text).toEqual([]);
  expect(now.leases, text).toEqual({});
  expect(now.vms[vm], text).toMatchObject({ record: null, copies: [{ host: target, power: 'running', role: 'live', blocked: null }] });
}

/** The run holds its lease: from here on it has effects. */
async function atWork(fleet: Stack, vm: string, up: Started): Promise<void> {
  let ended = false;
  void up.result.finally(() => (ended = true));
  while (!ended) {
    const { leases } = await world(fleet);
    if (leases[vm] !== undefined) return;
    await pause(10);
  }
  throw new Error(`the update ended before it took the lease of ${vm}:\n${(await up.result).text}`);
}
