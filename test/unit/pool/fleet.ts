/** A datacenter with several VMs on one host, and processes that move them at the same time. */
import type { Concurrency, Desired } from '../../../provider/core/desired.js';
import type { Driver } from '../../../provider/core/driver.js';
import type { MoveEvent } from '../../../provider/core/events.js';
import { applyPlacement, openSession, type PlacementRun, type Session } from '../../../provider/core/placement.js';
import type { Ticket } from '../../../provider/core/pool/ticket.js';
import type { PlacementState } from '../../../provider/core/state.js';
import { embeddedDriver, type Model, type Outside } from '../../../provider/drivers/embedded/index.js';
import type { EmbeddedVm } from '../../../schema/generated/types.js';
import { sim } from '../embedded/kit.js';
import { settings, stack, want } from '../itinerary/lab.js';

export const many = 1000;
export const unlimited: Concurrency = { perSourceHost: many, perTargetHost: many, perLink: many, perDatacenter: many };

const otherRun = 'other@machine';

/** Verbs in which bytes move. */
const verbs = ['migrate', 'copyOff', 'replicate', 'finish'] as const;

export class Fleet {
  readonly model: Model;
  readonly outside: Outside;
  readonly events: MoveEvent[] = [];
  /** VMs that move bytes now, and the most that ever did at once. */
  readonly moving = new Set<string>();
  most = 0;
  /** The tickets of each moment at which something happened. */
  readonly seen: Promise<readonly Ticket[]>[] = [];
  private processes = 0;

  constructor(vms: Readonly<Record<string, Partial<EmbeddedVm>>>) {
    const disks = [{ name: 'vda', size: '20GiB', allocated: '4GiB' }];
    const { model, outside } = sim({
      clusters: { a: { hosts: { a1: {}, a2: {} } }, near: { hosts: { n1: {}, n2: {} } }, far: { hosts: { f1: {}, f2: {} } } },
      links: [
        { between: ['a', 'near'], direct: 'yes' },
        { between: ['a', 'far'], direct: 'no' },
      ],
      vms: Object.fromEntries(Object.entries(vms).map(([name, vm]) => [name, { host: 'a1', memory: '1GiB', disks, ...vm }])),
    });
    this.model = model;
    this.outside = outside;
  }

  /** A process of its own. */
  session(concurrency: Partial<Concurrency>, wrap: (driver: Driver) => Driver = (driver) => driver): Session {
    this.processes += 1;
    const id = this.processes;
    let moves = 0;
    return openSession(
      wrap(this.counting(embeddedDriver(this.model))),
      { ...settings, concurrency: { ...unlimited, ...concurrency } },
      { stack, holder: `run-${id}@machine`, newId: () => `move-${id}-${(moves += 1)}` },
    );
  }

  up(session: Session, vm: string, host: string, more: Partial<Desired> = {}, over: Partial<PlacementRun> = {}): Promise<PlacementState> {
    const run: PlacementRun = {
      signal: new AbortController().signal,
      emit: (event: MoveEvent) => void (this.events.push(event), this.seen.push(this.tickets())),
      log: () => undefined,
      timeoutMs: null,
      ...over,
    };
    return applyPlacement(session, `urn:${vm}`, { ...want(host, more), vm }, null, run);
  }

  tickets(): Promise<readonly Ticket[]> {
    return this.model.read(({ world }) => world.pool ?? []);
  }

  /** Another process moves this VM, and leaves no room on a/a1 to those that are configured with one move per source host. */
  async takeAll(vm: string): Promise<void> {
    await this.model.update(({ world, now, dc }) => {
      const slots = [{ kind: 'source' as const, name: 'a/a1', limit: 1 }];
      const who = { vm: { name: vm, uuid: dc.find(vm).uuid }, holder: otherRun };
      world.pool = [{ ...who, slots, state: 'moving', urgent: false, expiresAt: now + 3_600_000 }];
    });
  }

  /** What that process had taken is free again. */
  async giveBack(): Promise<void> {
    await this.model.update(({ world }) => {
      world.pool = (world.pool ?? []).filter(({ holder }) => holder !== otherRun);
    });
  }

  /** Of VMs whose ticket is in this state. */
  async named(state: Ticket['state']): Promise<readonly string[]> {
    return (await this.tickets()).filter((ticket) => ticket.state === state).map(({ vm }) => vm.name);
  }

  notices(vm: string): readonly string[] {
    return this.events.flatMap((event) => (event.kind === 'notice' && event.vm === vm ? [event.message] : []));
  }

  async until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
  }

  private counting(driver: Driver): Driver {
    const counted = verbs.map((verb) => [
      verb,
      async (...args: Parameters<Driver[typeof verb]>) => {
        const { name } = args[0].vm;
        this.moving.add(name);
        this.most = Math.max(this.most, this.moving.size);
        try {
          return await (driver[verb] as (...all: typeof args) => Promise<unknown>)(...args);
        } finally {
          this.moving.delete(name);
        }
      },
    ]);
    return { ...driver, ...(Object.fromEntries(counted) as Partial<Driver>) };
  }
}

/** VMs of these names, all alike, on a/a1. */
export const fleetOf = (names: readonly string[], vm: Partial<EmbeddedVm> = {}): Fleet =>
  new Fleet(Object.fromEntries(names.map((name) => [name, vm])));
