/** Plays one schedule: processes, operators, guests and failing hosts on one datacenter, until all has come to rest. */
import { PlacementError } from '../../provider/core/errors.js';
import type { Desired } from '../../provider/core/desired.js';
import {
  MoveFailed,
  applyPlacement,
  cancelMove,
  confirmMove,
  openSession,
  previewPlacement,
  releasePlacement,
  resumeMove,
  type PlacementRun,
  type Session,
} from '../../provider/core/placement.js';
import type { PlacementState } from '../../provider/core/state.js';
import { embeddedDriver, modelOn, openModel, openOutside, type Model, type Outside } from '../../provider/drivers/embedded/index.js';
import { resolveEmbedded } from '../../schema/embedded.js';
import { settings as labSettings, want } from '../unit/itinerary/lab.js';
import { watched, type Actor, type Facts, type Sink } from './audit.js';
import { seeded } from './random.js';
import {
  datacenterOf,
  hosts,
  links,
  speed,
  vms,
  type Declared,
  type Event,
  type Happening,
  type HostName,
  type Scenario,
  type VmName,
} from './scenario.js';
import { Process, Turns, type Fate } from './turns.js';

export interface Played {
  readonly violations: readonly string[];
  readonly history: readonly string[];
  /** How often each thing happened and each state was reached. */
  readonly seen: ReadonlyMap<string, number>;
  readonly turns: number;
}

const stack = 'org/project/dev';
const minute = 60_000;
/** Settings in wall time, as if time went by as fast as in the model. */
const settings = { ...labSettings, leaseRenewMs: 15_000 / speed, leaseExpireMs: minute / speed };
/** A schedule that takes more turns does not end. */
const mostTurns = 60_000;

export async function play(scenario: Scenario): Promise<Played> {
  const world = new Play(scenario);
  for (const event of scenario.events) await world.happens(event);
  await world.comesToRest();
  return { violations: world.violations, history: world.history, seen: world.seen, turns: world.turns.count };
}

type ByOthers = Exclude<Happening, { kind: 'up' | 'command' | 'time passes' }>;

export class Play {
  readonly violations: string[] = [];
  readonly history: string[] = [];
  readonly seen = new Map<string, number>();
  readonly turns: Turns;
  private readonly model: Model;
  readonly outside: Outside;
  private readonly root = new Process('the world', null);
  private processes = 0;
  /** Somebody outside let two copies run: from then on only a person can say which is right. */
  private split = false;
  private readonly spent = new Map<string, string>();
  private readonly held = new Map<string, number>();
  private readonly given = new Set<string>();
  private lastOutside = 0;
  /** As the last update that ended well told it. */
  last: PlacementState | null = null;

  private readonly vms: readonly VmName[];

  constructor(private readonly scenario: Scenario) {
    this.vms = vms.filter((vm) => scenario.vms[vm] !== undefined);
    this.turns = new Turns(seeded(scenario.order));
    const wall = this.turns.wallOf(this.root);
    this.model = openModel(resolveEmbedded(datacenterOf(scenario)), 'memory', wall);
    this.outside = openOutside(this.model);
  }

  /** The next event, after its turns or when nobody is at work any more. */
  async happens({ after, does }: Event): Promise<void> {
    if (after === null) await this.untilIdle();
    else for (let turn = 0; turn < after && !this.turns.idle; turn += 1) await this.step(Infinity);
    await this.does(does);
  }

  private async does(happening: Happening): Promise<void> {
    if ('vm' in happening && this.scenario.vms[happening.vm] === undefined) return;
    this.count(`${happening.kind}${'what' in happening ? ` ${happening.what}` : 'state' in happening ? ` ${happening.state}` : ''}`);
    switch (happening.kind) {
      case 'up':
        return this.up(happening.vm, happening.declared, happening.fate);
      case 'command':
        return this.command(happening.vm, happening.what, happening.fate);
      case 'time passes':
        return this.passes(happening.minutes);
      case 'annotate':
      case 'guest':
      case 'start on':
      case 'move by hand':
      case 'disk':
      case 'HA restarts':
      case 'source is started':
      case 'starts fail':
      case 'obedience':
      case 'lock':
      case 'host':
      case 'clock':
      case 'link':
      case 'pool':
      case 'all is repaired':
        return this.outsiders(happening);
    }
  }

  // ---- processes of ours

  private up(vm: VmName, declared: Declared, fate: Fate | null): void {
    const desired = desiredOf(vm, declared);
    const willBe = { vm, shutdown: desired.shutdown, allowShutdown: desired.allowShutdown };
    const actor = this.actor(willBe, fate);
    const text = `up ${vm} ${JSON.stringify(declared)}`;
    this.begin(actor, text, async (session, run) => {
      this.declares(vm, desired.shutdown);
      const urn = `urn:${vm}`;
      const plan = await previewPlacement(session, urn, desired);
      actor.willStop = plan.willStopVm;
      return applyPlacement(session, urn, desired, plan.summary, run);
    });
  }

  private command(vm: VmName, what: 'cancel' | 'confirm' | 'resume' | 'release', fate: Fate | null): void {
    const commands = {
      cancel: cancelMove,
      confirm: confirmMove,
      resume: resumeMove,
      release: (session: Session, name: string, run: PlacementRun) => releasePlacement(session, `urn:${name}`, name, run),
    };
    this.begin(this.actor(null, fate), `${what} ${vm}`, (session, run) => commands[what](session, vm, run));
  }

  private actor(declared: Actor['declared'], fate: Fate | null): Actor {
    this.processes += 1;
    if (fate !== null) this.count(`a process is ${fate.what}`);
    return {
      process: new Process(`run-${this.processes}`, fate),
      holder: `run-${this.processes}@machine`,
      declared,
      blocksStart: this.scenario.style === 'driven',
      willStop: false,
    };
  }

  private begin(actor: Actor, text: string, work: (session: Session, run: PlacementRun) => Promise<PlacementState | string>): void {
    const { process, holder } = actor;
    const { fate } = process;
    this.note(`${holder} begins: ${text}${fate === null ? '' : `, ${fate.what} at turn ${fate.turn}`}`);
    const own = modelOn(this.model.dc.config, this.turns.storeOf(this.model.store, process), this.turns.wallOf(process));
    const driver = embeddedDriver(watched(own, actor, this.facts, this.sink));
    let moves = 0;
    const run: PlacementRun = {
      signal: process.interrupt.signal,
      emit: (event) => {
        if (event.kind === 'start') this.count(`step ${event.step}`);
        if (event.kind === 'warning') this.note(`${holder} warns: ${event.message}`);
      },
      log: () => undefined,
      timeoutMs: 3 * minute,
      halt: process.halt.signal,
    };
    this.turns.start(
      process,
      () => {
        const session = openSession(
          {
            ...driver,
            survey: (scope, signal) => driver.survey(scope, signal).then((read) => ((process.readAt = this.turns.count), read)),
          },
          settings,
          { stack, holder, newId: () => `move-${process.name}-${(moves += 1)}` },
        );
        return work(session, run);
      },
      (result) => this.ended(actor, result),
    );
  }

  private ended({ holder, process }: Actor, result: PromiseSettledResult<PlacementState | string>): void {
    if (result.status === 'fulfilled') {
      const { value } = result;
      this.note(
        `${holder} ends: ${typeof value === 'string' ? value : `${value.phase} on ${value.place.host}, ${value.power}. ${value.message}`}`,
      );
      if (typeof value !== 'string') {
        this.count(`phase ${value.phase}`);
        this.last = value;
        this.toCheck.push({ holder, state: value, readAt: process.readAt });
      }
      return;
    }
    const error: unknown = result.reason;
    const message = error instanceof Error ? error.message : String(error);
    this.note(`${holder} fails: ${message}`);
    this.count(`error ${PlacementError.isInstance(error) ? error.code : 'of ours'}`);
    if (MoveFailed.isMoveFailed(error)) this.count(`phase ${error.state.phase}`);
    if (
      !PlacementError.isInstance(error) ||
      error.code === 'internal' ||
      /undefined|Cannot read|is not a function|NaN|\[object/.test(message)
    )
      this.violates(`${holder} fails with an error that is not for people: ${error instanceof Error ? (error.stack ?? message) : message}`);
  }

  /** States that were told since the last look, to be compared with what is there. */
  private readonly toCheck: { holder: string; state: PlacementState; readAt: number }[] = [];

  /** §8.5: what is reported was read back, where nobody did anything since. */
  private async compareReported(): Promise<void> {
    for (const { holder, state, readAt } of this.toCheck.splice(0)) {
      if (this.lastOutside >= readAt || this.turns.count > readAt + 3) continue;
      const vm = this.model.dc.find(state.vmId);
      const copies = await this.model.read(({ world }) => world.vms[vm.id]?.copies ?? []);
      const there = copies.find(({ host }) => host === state.place.host);
      const settled = copies.every(({ shutdown }) => shutdown === null);
      if (settled && there?.power !== state.power && !(copies.length === 0))
        this.violates(`${holder} reports ${state.vm} ${state.power} on ${state.place.host}, where it is ${there?.power ?? 'not'}`);
    }
  }

  // ---- the world

  private async outsiders(happening: ByOthers): Promise<void> {
    const before = await this.journal();
    const boots = happening.kind === 'host' && happening.state === 'boots';
    const done = await this.acts(happening).then(
      () => 'done',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    this.lastOutside = this.turns.count + 1;
    this.note(`outside: ${JSON.stringify(happening)}: ${done}`);
    const after = await this.journal();
    if (after.length > before.length) {
      // A host that boots must find nothing that it may start beside, or instead of, the VM; only a platform that cannot block lets it.
      if (boots && this.scenario.style === 'driven') this.violates(`a host that boots starts what it must not: ${after.at(-1) ?? ''}`);
      this.split = true;
      this.note(`outside has split the VM: ${after.at(-1) ?? ''}`);
    }
  }

  private async acts(happening: ByOthers): Promise<void> {
    switch (happening.kind) {
      case 'annotate':
        return this.annotates(happening.vm, happening.value);
      case 'guest':
        return this.guest(happening.vm, happening.what);
      case 'start on':
        return this.startsAlone(happening.vm, happening.host);
      case 'move by hand':
        return this.movesByHand(happening.vm, happening.host);
      case 'disk':
        return this.disk(happening.vm, happening.what);
      case 'lock':
        if (happening.minutes === 0) return this.outside.unlock(happening.vm);
        return this.outside.lock(happening.vm, 'backup', happening.minutes * minute);
      case 'HA restarts':
        return this.restartsElsewhere(happening.vm, happening.host);
      case 'source is started':
        return this.startsSource(happening.vm);
      case 'starts fail':
        return this.outside.setStarts(happening.vm, happening.host, happening.what, 1);
      case 'obedience':
        return this.outside.setGuest(happening.vm, happening.what === 'delays' ? { takesMs: 30_000 } : happening.what);
      case 'host':
        return this.host(happening.host, happening.state);
      case 'clock':
        return this.outside.setClock(happening.host, happening.aheadMinutes * minute);
      case 'link':
        return this.outside.setLink(...happening.between, happening.what === 'slow' ? { bytesPerSecond: 2 * MiB } : happening.what);
      case 'pool':
        return this.outside.setPool(happening.host, 'default', happening.what);
      case 'all is repaired':
        return this.repairs();
    }
  }

  private host(host: HostName, state: Extract<Happening, { kind: 'host' }>['state']): Promise<void> {
    switch (state) {
      case 'loses power':
        return this.outside.losePower(host);
      case 'down':
        return this.outside.hostDown(host);
      case 'boots':
        return this.outside.hostUp(host);
      case 'unreachable':
      case 'disconnected':
      case 'maintenance':
        return this.outside.setHost(host, state);
    }
  }

  private async repairs(): Promise<void> {
    for (const host of hosts) {
      await this.outside.setHost(host, null);
      await this.outside.setPool(host, 'default', 'ok');
      for (const vm of this.vms) await this.outside.setStarts(vm, host, 'ok', null);
    }
    for (const [a, b] of links) await this.outside.setLink(a, b, 'ok');
  }

  private async annotates(vm: VmName, value: string | null): Promise<void> {
    if (value === 'hold') this.held.set(vm, this.turns.count);
    else this.held.delete(vm);
    if (value === 'now' || value === 'force') this.given.add(vm);
    await embeddedDriver(this.model).annotate(vm, { shutdown: value, giver: 'alice' });
  }

  private guest(vm: VmName, what: Extract<Happening, { kind: 'guest' }>['what']): Promise<void> {
    switch (what) {
      case 'shuts down':
        return this.outside.shutdown(vm, 'clean');
      case 'is powered off':
        return this.outside.shutdown(vm, 'hard');
      case 'crashes':
        return this.outside.crash(vm);
      case 'is started':
        return this.startsGuest(vm);
    }
  }

  /** From the point of no return on the source is not the VM any more: who works on its disks does that at their own risk. */
  private async disk(vm: VmName, what: Extract<Happening, { kind: 'disk' }>['what']): Promise<void> {
    const isOver = await this.model.read(({ world: { vms } }) => {
      const { record, copies } = vms[vm] ?? { record: null, copies: [] };
      const isPast = record?.targetStarting === true || record?.step === 'point-of-no-return';
      return isPast && !copies.some(({ power }) => power === 'running');
    });
    if (isOver) return;
    switch (what) {
      case 'snapshot':
        return this.outside.snapshot(vm, 'by-hand');
      case 'grow':
        return this.resizes(vm, GiB);
      case 'shrink':
        return this.resizes(vm, -GiB);
      case 'add':
        return this.addsDisk(vm);
      case 'replace':
        return this.replaces(vm);
      case 'remove incoming':
        return this.outside.removeIncoming(vm);
    }
  }

  /** The simulated platform task does not follow a disk that changes under it. */
  private async resizes(vm: VmName, by: number): Promise<void> {
    if (this.scenario.style === 'task') return;
    const now = await this.model.read(({ world }) => world.vms[vm]?.disks[0]?.virtualBytes ?? 4 * GiB);
    if (now + by >= 2 * GiB) await this.outside.resizeDisk(vm, 'vda', now + by);
  }

  private async addsDisk(vm: VmName): Promise<void> {
    const disks = await this.model.read(({ world }) => world.vms[vm]?.disks.length ?? 1);
    if (this.scenario.style === 'driven' && disks < 3)
      await this.outside.addDisk(vm, { name: `vd${disks}`, bytes: GiB, allocatedBytes: 64 * MiB });
  }

  private async replaces(vm: VmName): Promise<void> {
    if (this.scenario.style === 'driven') await this.outside.replaceDisk(vm, 'vda');
  }

  /** HA does not use a host where another copy of it lies. */
  private async restartsElsewhere(vm: VmName, host: HostName): Promise<void> {
    const copies = await this.model.read(({ world }) => world.vms[vm]?.copies ?? []);
    if (copies.every((copy) => copy.host !== host)) await this.outside.restartElsewhere(vm, host);
  }

  /** Past the point of no return, or beside a running copy, a person who does that splits the VM: that is not looked at here. */
  private async startsSource(vm: VmName): Promise<void> {
    const state = await this.model.read(({ world }) => world.vms[vm]);
    if (state === undefined || state.record === null || state.record.targetStarting) return;
    if (!state.copies.some(({ power }) => power === 'running')) await this.outside.startSource(vm);
  }

  /** A person starts the copy only where none is seen to run; that two are started by hand is nobody's fault here. */
  private async startsAlone(vm: VmName, host: HostName): Promise<void> {
    const copies = await this.model.read(({ world }) => world.vms[vm]?.copies ?? []);
    if (!copies.some(({ power }) => power === 'running') && copies.find((copy) => copy.host === host)?.role === 'live')
      await this.outside.start(vm, host);
  }

  /** Not onto a host where another copy of it lies, and not while it is off under a block. */
  private async movesByHand(vm: VmName, host: HostName): Promise<void> {
    const copies = await this.model.read(({ world }) => world.vms[vm]?.copies ?? []);
    if (copies.every((copy) => copy.host !== host && copy.blocked === null && copy.leftBy === null)) await this.outside.move(vm, host);
  }

  private async passes(minutes: number): Promise<void> {
    const until = this.turns.now + (minutes * minute) / speed;
    this.note(`${minutes} min pass`);
    while (this.turns.now < until && (await this.step(until)));
  }

  // ---- what must hold

  private readonly facts: Facts = {
    spent: (vm) => this.spent.get(vm) ?? null,
    heldSince: (vm) => this.held.get(vm) ?? null,
    givenOnVm: (vm) => this.given.has(vm),
  };

  private declares(vm: string, shutdown: string | null): void {
    if (this.spent.get(vm) !== shutdown) this.spent.delete(vm);
  }

  /** Ended, cancelled or given another target: what was declared is used up, what stood on the VM is gone. */
  private readonly sink: Sink = {
    violates: (violation) => this.violates(violation),
    moveEnded: (vm, { declaredGo }, by, given) => {
      if (!given) this.given.delete(vm);
      const changed = by.declared !== null && by.declared.shutdown !== declaredGo;
      if (declaredGo !== undefined && declaredGo !== null && declaredGo !== 'hold' && !changed) this.spent.set(vm, declaredGo);
    },
    carries: (vm, { declaredGo }) => {
      if (declaredGo !== undefined) this.declares(vm, declaredGo);
    },
    released: (vm) => void this.spent.delete(vm),
  };

  private violates(violation: string): void {
    if (this.split) return this.note(`(after the split: ${violation})`);
    this.note(`VIOLATION: ${violation}`);
    this.violations.push(violation);
  }

  private async step(until: number): Promise<boolean> {
    if (this.turns.count > mostTurns) throw new Error(`does not end:\n${this.history.join('\n')}`);
    const { now } = this.turns;
    const more = await this.turns.step(until);
    // A leap in time: a guest that was on its way down is off by now.
    if (this.turns.now !== now) this.toCheck.length = 0;
    if (this.toCheck.length > 0) await this.compareReported();
    return more;
  }

  /** Everybody ends what they are at. */
  async untilIdle(): Promise<void> {
    while (!this.turns.idle && (await this.step(Infinity)));
  }

  /** With all hosts back and an operator who does what the messages say, every history ends with each VM on its target, nothing lost. */
  async comesToRest(): Promise<void> {
    this.note('---- comes to rest');
    await this.outsiders({ kind: 'all is repaired' });
    await this.untilIdle();
    for (const vm of this.vms) await this.rests(vm);
    const journal = await this.journal();
    if (journal.length > 0 && !this.split) this.violates(`journal: ${journal.join('; ')}`);
  }

  private async rests(vm: VmName): Promise<void> {
    // Nothing ever happened to it.
    if (await this.model.read(({ world }) => world.vms[vm] === undefined)) return;
    await this.outsiders({ kind: 'lock', vm, minutes: 0 });
    await this.outsiders({ kind: 'annotate', vm, value: null });
    for (let round = 0; round < 8 && !(await this.isHome(vm)); round += 1) {
      await this.passes(2);
      for (const what of ['confirm', 'resume'] as const) {
        this.command(vm, what, null);
        await this.untilIdle();
      }
      await this.startsWhereTold(vm);
      const shutdown = round % 2 === 0 ? 'force' : 'now';
      this.up(vm, { ...home, host: await this.goalOf(vm), shutdown }, null);
      await this.untilIdle();
      const told = this.history.at(-1) ?? '';
      if (told.includes(`vmplacement cancel ${vm}`)) {
        this.command(vm, 'cancel', null);
        await this.untilIdle();
      }
      if (told.includes('decide which copy')) await this.decides(vm);
    }
    if (await this.isHome(vm)) return this.count('came to rest');
    const told = this.history.join('\n');
    if (this.scenario.style === 'task' && /decide which copy|Which copy is VM .* cannot be told|remove the wrong one by hand/.test(told))
      return this.count('a person decides');
    const { copies, record, lease } = await this.model.read(({ world }) => ({
      copies: (world.vms[vm]?.copies ?? []).map((copy) => `${copy.host} ${copy.role} ${copy.power}`),
      record: world.vms[vm]?.record?.step ?? 'none',
      lease: world.leases[vm]?.holder ?? 'none',
    }));
    this.violates(`${vm} does not come to rest: ${copies.join(', ')}; record ${record}; lease ${lease}`);
  }

  /** Where a start cannot be blocked, one in the moment of ours splits the VM: that is not looked at here. */
  private async startsGuest(vm: VmName): Promise<void> {
    const record = await this.model.read(({ world }) => world.vms[vm]?.record ?? null);
    const starting = record?.targetStarting === true || record?.step === 'point-of-no-return';
    if (this.scenario.style === 'driven' || !starting) await this.outside.start(vm);
  }

  /** The one that runs is the right one; of two that run, the one that the move has started. */
  private async decides(vm: VmName): Promise<void> {
    this.count('a person decided');
    const { copies, record } = (await this.model.read(({ world }) => world.vms[vm])) ?? { copies: [], record: null };
    const running = copies.filter(({ power }) => power === 'running');
    const right = running.find(({ host }) => host === record?.to.host) ?? running[0];
    if (right === undefined) return;
    for (const wrong of copies.filter((copy) => copy !== right)) {
      this.note(`${vm}: a person removes the copy on ${wrong.host}`);
      if (wrong.power === 'running') await this.outside.losePower(wrong.host);
      await this.outside.removeCopy(vm, wrong.host).catch((error: unknown) => this.note(String(error)));
    }
    await this.outsiders({ kind: 'all is repaired' });
  }

  /** Past the point of no return the next up decides: a person who starts a copy then may split the VM. One that has arrived is theirs. */
  private async startsWhereTold(vm: VmName): Promise<void> {
    const state = await this.model.read(({ world }) => world.vms[vm]);
    if (state === undefined || state.copies.some(({ power }) => power === 'running')) return;
    const { record } = state;
    const starting = record?.targetStarting === true;
    if (!starting) return this.outsiders({ kind: 'guest', vm, what: 'is started' });
    const there = state.copies.find(({ moveId }) => moveId === record.moveId)?.host ?? record.to.host;
    if (record.method === 'hot' || record.done.includes('start-target'))
      return this.outsiders({ kind: 'start on', vm, host: there as HostName });
  }

  /** Every third time the VM has to go to one and the same host; else it may stay where it runs, and what is under way there ends. */
  private async goalOf(vm: VmName): Promise<HostName> {
    if (this.scenario.order % 3 === 0) return home.host;
    const copies = await this.model.read(({ world }) => world.vms[vm]?.copies ?? []);
    return (copies.find(({ power }) => power === 'running')?.host as HostName | undefined) ?? home.host;
  }

  private async isHome(vm: VmName): Promise<boolean> {
    const goal = await this.goalOf(vm);
    return this.model.read(({ world }) => {
      const state = world.vms[vm];
      const [copy, ...others] = state?.copies ?? [];
      const there = copy?.host === goal && copy.power === 'running' && others.length === 0;
      return there && state?.record === null && !((world.leases[vm]?.expiresAt ?? 0) > this.turns.now);
    });
  }

  private async journal(): Promise<readonly string[]> {
    return this.model.update(({ world }) => world.journal.map(({ kind, vm, details }) => `${kind} ${vm}: ${details}`));
  }

  private note(text: string): void {
    const at = new Date(this.turns.now).toISOString().slice(11, 23);
    this.history.push(`${at} #${this.turns.count} ${text}`);
  }

  private count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}

const home: Declared = {
  host: 'f1',
  shutdown: 'now',
  method: 'auto',
  keepSource: 'no',
  allowShutdown: true,
  startAfter: 'asBefore',
  onPending: 'succeed',
  goFrom: 'both',
  verify: 'increment',
};

/** Short times: what waits for long only takes more turns. */
const times = { shutdownGraceMs: 20_000, lateShutdownMs: 30_000, noProgressTimeoutMs: 20_000, incrementEveryMs: minute };

const desiredOf = (vm: VmName, { host, ...more }: Declared): Desired => want(host, { vm, dropSnapshots: true, ...times, ...more });
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
