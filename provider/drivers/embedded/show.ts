/** What the embedded datacenter knows about itself, and no platform would tell: which copy holds what, and what went wrong. */
import { iso } from '../../core/clock.js';
import { placeText, type ChangeCause, type CopyRole, type HostState, type Power } from '../../core/inventory.js';
import { hostState, type View } from './model.js';
import { problems } from './power.js';
import { troubleTexts } from './troubles.js';
import { isUp, vmState, writesOf } from './vm-state.js';
import type { Violation } from './world.js';

export interface Shown {
  readonly schemaVersion: 1;
  readonly now: string;
  readonly clock: 'wall' | 'manual';
  readonly style: 'driven' | 'task';
  readonly hosts: readonly { readonly place: string; readonly state: HostState }[];
  /** What was made to go wrong and lasts, in words. */
  readonly troubles: readonly string[];
  readonly vms: readonly ShownVm[];
  readonly transfers: readonly { readonly vm: string; readonly kind: string; readonly stage: string; readonly percent: number }[];
  /** What must never happen; empty in a healthy world. */
  readonly violations: readonly Violation[];
}

export interface ShownVm {
  readonly name: string;
  readonly uuid: string;
  /** Blocks that the guest has written and was told are durable. */
  readonly writes: number;
  readonly copies: readonly {
    readonly place: string;
    readonly role: CopyRole;
    readonly power: Power;
    readonly cause: ChangeCause;
    readonly since: string;
    readonly blocked: boolean;
    readonly defined: boolean;
    /** Why it must not be started as it is: acknowledged writes that it lacks. Natural for a source that is kept. */
    readonly lacks: readonly string[];
  }[];
  readonly annotation: readonly string[];
  readonly step: string | null;
}

export function showWorld(view: View): Shown {
  const { dc, world } = view;
  const jobs = Object.values(world.jobs).map((job) => ({
    vm: dc.vm(job.vm).name,
    kind: job.kind,
    stage: job.stage,
    percent: share(job.stageBytes - job.left, job.stageBytes),
  }));
  const transfers = Object.values(world.transfers).map(({ vm, kind, pass, complete }) => {
    const stage = pass === null ? (complete === null ? 'waiting' : 'complete') : `${pass.kind} ${pass.n}`;
    return { vm: dc.vm(vm).name, kind, stage, percent: pass === null ? 100 : share(pass.sent, pass.total) };
  });
  return {
    schemaVersion: 1,
    now: iso(view.now),
    clock: world.clock.kind,
    style: dc.config.style,
    hosts: dc.config.clusters
      .flatMap((cluster) => cluster.hosts)
      .map((host) => ({ place: placeText(dc.place(host.name)), state: hostState(view, host.name) })),
    troubles: troubleTexts(dc, world),
    vms: dc.config.vms.map((vm) => showVm(view, vm.id)),
    transfers: [...jobs, ...transfers],
    violations: world.journal,
  };
}

function showVm(view: View, id: string): ShownVm {
  const { dc, world, now } = view;
  const [vm, state] = [dc.vm(id), vmState(dc, world, id)];
  return {
    name: vm.name,
    uuid: vm.uuid,
    writes: writesOf(vm, state, now),
    copies: state.copies.map((copy) => ({
      place: placeText(dc.place(copy.host)),
      role: copy.role,
      power: copy.power,
      cause: copy.cause,
      since: iso(copy.since),
      blocked: copy.blocked !== null,
      defined: copy.defined,
      lacks: isUp(copy) ? [] : problems(dc, id, state, copy, now).map(({ details }) => details),
    })),
    annotation: state.annotation.map(({ value, giver }) => `${value} (${giver})`),
    step: state.record === null ? null : `${state.record.method}: ${state.record.step}`,
  };
}

const share = (part: number, whole: number): number => (whole === 0 ? 100 : Math.floor((part / whole) * 100));
