/** An embedded datacenter in memory with a manual clock, runs of "processes" on it, and the outside world acting on it. */
import { resolveEmbedded } from '../../../schema/embedded.js';
import type { EmbeddedDatacenter, EmbeddedVm } from '../../../schema/generated/types.js';
import type { Desired, Settings } from '../../../provider/core/desired.js';
import type { Driver } from '../../../provider/core/driver.js';
import type { MoveEvent } from '../../../provider/core/events.js';
import type { Vm } from '../../../provider/core/inventory.js';
import { applyPlacement, openSession, previewPlacement, type PlacementRun, type Session } from '../../../provider/core/placement.js';
import type { PlacementState } from '../../../provider/core/state.js';
import { embeddedDriver, openModel, openOutside, realWall, type Model, type Outside } from '../../../provider/drivers/embedded/index.js';
import { mainCopy } from '../../../provider/drivers/embedded/by-hand.js';
import { askShutdown } from '../../../provider/drivers/embedded/verbs.js';
import type { Violation } from '../../../provider/drivers/embedded/world.js';

export const stack = 'org/project/dev';
export const urn = 'urn:web-01';

export const settings: Settings = {
  memoryReserveBytes: 0,
  leaseRenewMs: 15_000,
  leaseExpireMs: 60_000,
  concurrency: { perSourceHost: 2, perTargetHost: 2, perLink: 5, perDatacenter: 20 },
  alwaysRefresh: false,
};

const san = { pools: { default: { storage: 'san-1' } } };

/** Cluster `near` shares a network with a, cluster `far` does not: hot to `near`, staged to `far`. */
const declared = (style: 'driven' | 'task', vm: Partial<EmbeddedVm>, shared: boolean): EmbeddedDatacenter => ({
  style,
  clock: 'manual',
  clusters: {
    a: { hosts: shared ? { a1: san, a2: san } : { a1: {}, a2: {} } },
    near: { hosts: { n1: {} } },
    far: { hosts: { f1: {}, f2: {} } },
  },
  links: [
    { between: ['a', 'near'], direct: 'yes' },
    { between: ['a', 'far'], direct: 'no' },
    { between: ['near', 'far'], direct: 'no' },
  ],
  vms: { 'web-01': { host: 'a1', disks: [{ name: 'vda', size: '10GiB', allocated: '4GiB' }], ...vm } },
});

export class Lab {
  readonly model: Model;
  readonly outside: Outside;
  readonly events: MoveEvent[] = [];
  private processes = 0;

  constructor(options: { readonly style?: 'driven' | 'task'; readonly vm?: Partial<EmbeddedVm>; readonly sharedStorage?: boolean } = {}) {
    const start = Date.parse('2026-05-01T10:00:00Z');
    const wall = { now: () => start, sleep: realWall.sleep };
    this.model = openModel(
      resolveEmbedded(declared(options.style ?? 'driven', options.vm ?? {}, options.sharedStorage ?? false)),
      'memory',
      wall,
    );
    this.outside = openOutside(this.model);
  }

  /** A fresh process: nothing but the platform is left of the one before. */
  session(wrap: (driver: Driver) => Driver = (driver) => driver): Session {
    this.processes += 1;
    const id = this.processes;
    let moves = 0;
    return openSession(wrap(embeddedDriver(this.model)), settings, {
      stack,
      holder: `run-${id}@machine`,
      newId: () => `move-${id}-${(moves += 1)}`,
    });
  }

  run(signal: AbortSignal = new AbortController().signal): PlacementRun {
    return { signal, emit: (event) => void this.events.push(event), log: () => undefined, timeoutMs: null };
  }

  /** `pulumi up`: preview, then apply what was previewed, in a process of its own. */
  async up(desired: Desired, signal?: AbortSignal, session: Session = this.session()): Promise<PlacementState> {
    const plan = await previewPlacement(session, urn, desired);
    return applyPlacement(session, urn, desired, plan.summary, this.run(signal));
  }

  async vm(): Promise<Vm> {
    const { vms } = await embeddedDriver(this.model).survey({});
    return vms[0]!;
  }

  async journal(): Promise<readonly Violation[]> {
    return this.model.read(({ world }) => world.journal);
  }

  warnings(): string {
    return this.events.map((event) => (event.kind === 'warning' ? event.message : '')).join('\n');
  }

  // ---- the outside world

  advance(milliseconds: number): Promise<void> {
    return this.outside.advance(milliseconds);
  }

  driverNow(): Promise<number> {
    return embeddedDriver(this.model).clock.now();
  }

  /** From inside the guest; time does not move on by it. */
  askGuest(): Promise<void> {
    return this.model.update((view) => askShutdown(view, mainCopy(view, 'web-01')));
  }

  annotate(value: string | null): Promise<void> {
    return embeddedDriver(this.model).annotate('web-01', { shutdown: value, giver: 'alice' });
  }
}

const minute = 60_000;

export function want(host: string, more: Partial<Desired> = {}): Desired {
  const cluster = { a: 'a', n: 'near', f: 'far' }[host.slice(0, 1)] ?? null;
  return {
    vm: 'web-01',
    cluster,
    scope: 'exact',
    hosts: [host],
    method: 'auto',
    shutdown: null,
    allowShutdown: false,
    startAfter: 'asBefore',
    keepSource: null,
    networks: {},
    storage: {},
    bandwidthBytesPerSecond: null,
    downtimeBudgetMs: 30_000,
    incrementEveryMs: minute,
    shutdownGraceMs: 3 * minute,
    noProgressTimeoutMs: 2 * minute,
    waitTimeoutMs: null,
    lateShutdownMs: 5 * minute,
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
    declared: [],
    ...more,
  };
}
