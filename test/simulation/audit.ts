/** Looks over the shoulder of every process at each change that it makes to the world, and says which invariant of rules.md §8 it breaks. */
import type { Claim, MigrationRecord } from '../../provider/core/record.js';
import { problems } from '../../provider/drivers/embedded/power.js';
import type { Model, View } from '../../provider/drivers/embedded/model.js';
import type { CopyWorld, VmWorld } from '../../provider/drivers/embedded/world.js';
import type { Process } from './turns.js';

/** What the simulation knows about a process and its permissions, from the declarations and commands it made up itself. */
export interface Actor {
  readonly process: Process;
  readonly holder: string;
  /** The declaration it carries out; null for a command. */
  readonly declared: { readonly vm: string; readonly shutdown: string | null; readonly allowShutdown: boolean } | null;
  /** The platform can block the start of a VM. */
  readonly blocksStart: boolean;
  /** Its plan said that it may stop the running VM. */
  willStop: boolean;
}

export interface Facts {
  /** A declared value that an earlier move used up and that was declared ever since. */
  spent(vm: string): string | null;
  /** Number of the turn at which a hold was last set on the VM; null: none stands there. */
  heldSince(vm: string): number | null;
  /** A value that permits a shutdown stood on the VM at some time since the move began. */
  givenOnVm(vm: string): boolean;
}

/** What the simulation is told. */
export interface Sink {
  violates(violation: string): void;
  /** The record of a move went: it ended, was cancelled, or gave way to another one. `given`: a go stands on the VM even now. */
  moveEnded(vm: string, record: MigrationRecord, by: Actor, given: boolean): void;
  /** A run has written down what it declares: from here on another value than the used one has been declared since. */
  carries(vm: string, record: MigrationRecord): void;
  /** The resource was deleted: the VM is nobody's. */
  released(vm: string): void;
}

type Report = Sink['violates'];

/** The model as this process uses it: every update is compared with what was there right before it. */
export function watched(model: Model, actor: Actor, facts: Facts, sink: Sink): Model {
  return {
    ...model,
    update: (change) =>
      model.update((view) => {
        const report: Report = (violation) => sink.violates(violation);
        const before = snapshot(view);
        const journal = view.world.journal.length;
        const result = change(view);
        for (const one of view.world.journal.slice(journal)) report(`${actor.holder}: ${one.kind} ${one.vm}: ${one.details}`);
        for (const vm of view.dc.config.vms) {
          const [old, state] = [before.get(vm.id), view.world.vms[vm.id]];
          if (old?.text === summary(view, vm.id)) continue;
          if (actor.process.late)
            report(`${actor.holder} changed ${vm.id} after its parent had died (step ${state?.record?.step ?? 'none'})`);
          const { state: was, claim: wasClaim } = old?.parsed ?? {};
          needsLease(view, actor, vm.id, old, report);
          if (wasClaim != null && (view.world.claims[vm.id] ?? null) === null) sink.released(vm.id);
          if (state === undefined) continue;
          mayStop(view, actor, vm.id, was, state, facts, report);
          keepsData(view, vm.id, was, state, actor, report);
          if (actor.blocksStart) keepsBlock(state, actor, report);
          const record = was?.record ?? null;
          if (record !== null && state.record?.moveId !== record.moveId) {
            const given = state.annotation.some(({ value }) => value !== 'hold');
            sink.moveEnded(vm.id, record, actor, given);
          }
          if (state.record !== null) sink.carries(vm.id, state.record);
        }
        return result;
      }),
  };
}

interface Before {
  readonly text: string;
  /** Parsed when it is looked at: most updates change nothing. */
  readonly parsed: { readonly state?: VmWorld; readonly claim?: Claim };
}

function snapshot(view: View): ReadonlyMap<string, Before> {
  return new Map(
    view.dc.config.vms.map(({ id }) => {
      const text = summary(view, id);
      return [
        id,
        {
          text,
          get parsed() {
            return JSON.parse(text) as Before['parsed'];
          },
        },
      ];
    }),
  );
}

/** What is absent, nothing has happened to. */
function summary({ world }: View, id: string): string {
  const mine = <T extends { vm: string }>(all: Record<string, T>): T[] => Object.values(all).filter(({ vm }) => vm === id);
  const [state, claim] = [world.vms[id], world.claims[id] ?? undefined];
  return JSON.stringify({ state, claim, transfers: mine(world.transfers), jobs: mine(world.jobs) });
}

/** §8.7. Only a request may be put into a record beside its holder; an annotation is anybody's. */
function needsLease(view: View, { holder, process }: Actor, id: string, old: Before | undefined, report: Report): void {
  const lease = view.world.leases[id];
  if (lease?.holder === holder && lease.expiresAt > nowOf(view)) return;
  const [was, state] = [old?.parsed, view.world.vms[id]];
  const effect = (one: VmWorld | undefined): string =>
    JSON.stringify(one === undefined ? null : { ...one, annotation: [], record: { ...one.record, request: null, epoch: 0 } });
  const sameClaim = JSON.stringify(was?.claim ?? null) === JSON.stringify(view.world.claims[id] ?? null);
  // `touch` stores a VM that nothing happened to yet, which changes nothing.
  if (sameClaim && was?.state === undefined && state !== undefined && state.record === null && state.copies.length === 1) return;
  if (sameClaim && effect(was?.state) === effect(state) && sameWork(old, view, id)) return;
  report(`${holder} changed ${id} without a valid lease at its turn ${process.turns} (lease: ${lease?.holder ?? 'nobody'})`);
}

const sameWork = (old: Before | undefined, view: View, id: string): boolean => {
  const text = summary(view, id);
  return text.slice(text.indexOf('"transfers":')) === (old?.text ?? '').slice(old?.text.indexOf('"transfers":') ?? 0);
};

/** Leases of a wall clock are in wall time; the world keeps where the two meet. */
function nowOf({ world, now }: View): number {
  return world.clock.kind === 'manual' ? now : world.clock.wallBase + (now - world.clock.base) / world.clock.speed;
}

/** §8.8: a running VM is stopped only by a go, or by `allowShutdown`, that this run was given; never against a hold that it has read. */
function mayStop(view: View, actor: Actor, id: string, old: VmWorld | undefined, state: VmWorld, facts: Facts, report: Report): void {
  const stops = state.copies.some((copy) => {
    const was = old?.copies.find(({ id: same }) => same === copy.id);
    if (was?.power !== 'running') return false;
    return (was.shutdown === null && copy.shutdown !== null) || (copy.power === 'off' && copy.cause === 'destroyed');
  });
  if (!stops) return;
  const deny = (why: string): void => report(`${actor.holder} stopped ${id} ${why}`);
  const record = state.record;
  if (record === null) return deny('without a record');
  const held = facts.heldSince(id);
  // The end of a move takes the annotation away, a hold too: only one that still stands counts.
  const stands = old?.annotation.some(({ value }) => value === 'hold') === true;
  if (stands && held !== null && held < actor.process.readAt) deny('against a hold that it has read');
  if (actor.declared?.shutdown === 'hold') deny('against a declared hold');
  const forced = state.copies.some(
    (copy) => copy.cause === 'destroyed' && old?.copies.find((was) => was.id === copy.id)?.power === 'running',
  );
  if (forced && record.go?.value !== 'force') deny('by a power-off without force');
  switch (record.go?.place) {
    case undefined:
      return deny('without a go');
    case 'allowShutdown':
      if (actor.declared?.allowShutdown !== true) deny('although allowShutdown was not declared');
      if (!actor.willStop) deny('although its plan did not say so');
      return;
    case 'declared': {
      const value = actor.declared?.shutdown ?? null;
      if (value === null) deny('by a go that is not declared');
      else if (value === facts.spent(id)) deny(`by the go "${value}", which an earlier move has used up`);
      if (!actor.willStop) deny('although its plan did not say so');
      return;
    }
    case 'vm':
      if (!facts.givenOnVm(id)) deny('by a go that nobody gave at the VM');
      return;
    case 'guest':
      return deny('by a go that was the shutdown itself');
  }
}

/** §8.2, §8.3: after a change of ours some copy still holds everything that the guest was told is durable. */
function keepsData(view: View, id: string, old: VmWorld | undefined, state: VmWorld, actor: Actor, report: Report): void {
  if (state.copies.some((copy) => isWhole(view, id, state, copy))) return;
  if (old !== undefined && !old.copies.some((copy) => isWhole(view, id, old, copy))) return;
  report(
    `${actor.holder} left no copy of ${id} that holds everything: ${state.copies.map((copy) => `${copy.host} ${copy.role}`).join(', ')}`,
  );
}

const isWhole = (view: View, id: string, state: VmWorld, copy: CopyWorld): boolean =>
  copy.defined && (copy.power === 'running' || problems(view.dc, id, state, copy, view.now).length === 0);

/** §6.9: from the point of no return on nobody can start the source by accident, until it is gone. */
function keepsBlock(state: VmWorld, { holder }: Actor, report: Report): void {
  const { record } = state;
  if (record?.targetStarting !== true) return;
  const source = state.copies.find(({ host, moveId }) => host === record.from.host && moveId !== record.moveId);
  if (source !== undefined && source.power !== 'running' && source.blocked === null && source.leftBy === null)
    report(`${holder} left the source of ${record.vm.name} on ${source.host} startable past the point of no return (step ${record.step})`);
}
