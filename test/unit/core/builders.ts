/** Small datacenters for tests of the core: two clusters a (a1, a2) and b (b1, b2), linked directly, one running VM web-01 on a/a1. */
import type { DecideContext } from '../../../provider/core/candidates.js';
import type { Desired } from '../../../provider/core/desired.js';
import type { Capabilities } from '../../../provider/core/driver.js';
import {
  type Cluster,
  type Copy,
  type Disk,
  type Host,
  type HostFacts,
  type Inventory,
  type Link,
  type Place,
  type Vm,
} from '../../../provider/core/inventory.js';
import { Promises } from '../../../provider/core/promises.js';
import type { Claim, MigrationRecord } from '../../../provider/core/record.js';

export const GiB = 1024 ** 3;
export const MiB = 1024 ** 2;
export const now = '2026-05-01T12:00:00.000Z';
export const nowMs = Date.parse(now);
export const at = (offsetMs: number): string => new Date(nowMs + offsetMs).toISOString();
export const stack = 'org/shop/prod';

export function place(text: string): Place {
  const [cluster = '', host = ''] = text.split('/');
  return { cluster, host };
}

export const cluster = (name: string, over: Partial<Cluster> = {}): Cluster => ({
  name,
  acceptsMigrations: true,
  version: '1.0.0',
  connected: true,
  balancer: false,
  ...over,
});

export const facts = (over: Partial<HostFacts> = {}): HostFacts => ({
  cpu: { arch: 'x86_64', models: ['qemu64'], features: ['sse', 'avx2'] },
  machineTypes: ['q35'],
  firmware: ['bios', 'uefi'],
  memory: { totalBytes: 64 * GiB, freeBytes: 32 * GiB },
  pools: [{ name: 'default', freeBytes: 1000 * GiB, storageId: null }],
  networks: ['default'],
  ...over,
});

export const host = (text: string, over: Partial<HostFacts> = {}, more: Partial<Host> = {}): Host => ({
  name: place(text).host,
  cluster: place(text).cluster,
  state: 'connected',
  facts: facts(over),
  observedAt: now,
  ...more,
});

export const copy = (text: string, over: Partial<Copy> = {}): Copy => ({
  ref: { ...place(text), platformId: `id-${text}` },
  role: 'live',
  power: 'running',
  lastChange: { at: at(-86_400_000), cause: 'started' },
  autostart: true,
  blocked: false,
  storedBytes: 5 * GiB,
  ...over,
});

export const disk = (over: Partial<Disk> = {}): Disk => ({
  name: 'vda',
  pool: 'default',
  path: '/pool/web-01/vda.qcow2',
  format: 'qcow2',
  virtualBytes: 10 * GiB,
  allocatedBytes: 5 * GiB,
  sharedWith: [],
  tracked: true,
  storageId: null,
  ...over,
});

export const vm = (over: Partial<Vm> = {}): Vm => ({
  name: 'web-01',
  uuid: 'uuid-web-01',
  copies: [copy('a/a1')],
  cpu: { arch: 'x86_64', model: 'qemu64', features: ['sse'] },
  machineType: 'q35',
  firmware: 'bios',
  memoryBytes: 2 * GiB,
  disks: [disk()],
  nics: [{ name: 'net0', network: 'default', mac: '52:54:00:00:00:01' }],
  devices: [],
  consoles: [],
  os: { installed: true, seenBy: 'agent' },
  snapshots: [],
  stateFiles: [],
  locks: [],
  affinity: [],
  ha: false,
  conditions: [],
  annotation: [],
  record: null,
  claim: null,
  lease: null,
  dirtyRate: { memoryBytesPerSecond: 10 * MiB, diskBytesPerSecond: MiB, memoryWorkingSetBytes: 256 * MiB, diskWorkingSetBytes: 512 * MiB },
  ...over,
});

/** The VM, off since a clean shutdown. */
export const offVm = (over: Partial<Vm> = {}): Vm =>
  vm({
    copies: [copy('a/a1', { power: 'off', lastChange: { at: at(-3_600_000), cause: 'guest-shutdown', began: at(-3_605_000) } })],
    ...over,
  });

export const link = (between: [string, string], direct: Link['direct'], over: Partial<Link> = {}): Link => ({
  between,
  scope: 'clusters',
  direct,
  source: 'declared',
  bytesPerSecond: 500 * MiB,
  at: now,
  ...over,
});

export const self = (name: string): Link => link([name, name], 'yes', { bytesPerSecond: 1024 * MiB });

export interface World {
  readonly vm?: Vm;
  readonly others?: readonly Vm[];
  readonly clusters?: readonly Cluster[];
  readonly hosts?: readonly Host[];
  readonly links?: readonly Link[];
}

export const inventory = (world: World = {}): Inventory => ({
  clusters: world.clusters ?? [cluster('a'), cluster('b')],
  hosts: world.hosts ?? [host('a/a1'), host('a/a2'), host('b/b1'), host('b/b2')],
  links: world.links ?? [link(['a', 'b'], 'yes'), self('a'), self('b')],
  vms: [world.vm ?? vm(), ...(world.others ?? [])],
  observedAt: now,
});

/** Replaces one host of the default world. */
export const hostsWith = (...changed: readonly Host[]): readonly Host[] =>
  [host('a/a1'), host('a/a2'), host('b/b1'), host('b/b2')].map((each) => changed.find((one) => one.name === each.name) ?? each);

export const desired = (over: Partial<Desired> = {}): Desired => ({
  vm: 'web-01',
  cluster: null,
  scope: 'nowhere',
  hosts: [],
  method: 'auto',
  shutdown: null,
  allowShutdown: false,
  startAfter: 'asBefore',
  keepSource: null,
  networks: {},
  storage: {},
  bandwidthBytesPerSecond: null,
  downtimeBudgetMs: 30_000,
  incrementEveryMs: 60_000,
  shutdownGraceMs: 180_000,
  noProgressTimeoutMs: 120_000,
  waitTimeoutMs: null,
  lateShutdownMs: 300_000,
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
  ...over,
});

/** `host: b1` and the like. */
export const onHost = (name: string, over: Partial<Desired> = {}): Desired =>
  desired({ scope: 'exact', hosts: [name], declared: ['vm', 'host'], ...over });
export const onHosts = (names: readonly string[], over: Partial<Desired> = {}): Desired =>
  desired({ scope: 'any', hosts: names, declared: ['vm', 'hosts'], ...over });
export const inCluster = (name: string, over: Partial<Desired> = {}): Desired =>
  desired({ scope: 'cluster', cluster: name, declared: ['vm', 'cluster'], ...over });

export const capabilities = (over: Partial<Capabilities> = {}): Capabilities => ({
  platform: 'test',
  fencesEffects: true,
  increments: 'driven',
  methods: ['hot', 'cold', 'staged'],
  holdsCutover: true,
  separateStart: true,
  blocksStart: true,
  verify: true,
  verifiesCold: true,
  bandwidth: true,
  postCopy: true,
  suspend: true,
  storageMap: true,
  networkMap: true,
  keepsSource: true,
  readsSharing: true,
  encryptsHot: true,
  reachability: 'declared',
  detach: 'each',
  record: 'full',
  stateFiles: ['nvram', 'tpm'],
  pool: 'shared',
  ...over,
});

export const context = (over: Partial<DecideContext> = {}): DecideContext => ({
  settings: { memoryReserveBytes: 512 * MiB },
  capabilities: capabilities(),
  promises: new Promises(),
  nowMs,
  stack,
  urn: 'urn:web-01',
  ...over,
});

export const claim = (over: Partial<Claim> = {}): Claim => ({
  v: 1,
  stack,
  urn: 'urn:web-01',
  spentGo: null,
  lastMove: null,
  cancelled: null,
  ...over,
});

/** A staged move a/a1 -> b/b1 that waits for its go. */
export const record = (over: Partial<MigrationRecord> = {}): MigrationRecord => ({
  v: 1,
  moveId: 'move-1',
  stack,
  urn: 'urn:web-01',
  vm: { name: 'web-01', uuid: 'uuid-web-01' },
  from: place('a/a1'),
  to: place('b/b1'),
  method: 'staged',
  powerBefore: 'running',
  autostartBefore: true,
  options: {
    networks: {},
    storage: {},
    bandwidthBytesPerSecond: null,
    startAfter: 'asBefore',
    keepSource: 'confirm',
    verify: 'increment',
    detach: [],
    postCopy: false,
    suspend: false,
    downtimeBudgetMs: 30_000,
    shutdownGraceMs: 180_000,
    lateShutdownMs: 300_000,
    noProgressTimeoutMs: 120_000,
    maxDurationMs: 600_000,
    goFrom: 'both',
  },
  done: ['claim', 'replicate'],
  step: 'await-go',
  phase: 'AwaitingShutdown',
  increment: { n: 2, images: { vda: 'image-1' }, at: at(-600_000), bytes: 10 * MiB, projectedDowntimeMs: 1200 },
  go: null,
  stoppedByMove: false,
  awaitingSince: at(-600_000),
  startedAt: at(-1_200_000),
  offAt: null,
  backAt: null,
  bytes: 5 * GiB,
  targetStarting: false,
  failed: null,
  request: null,
  spentGo: null,
  warnings: [],
  epoch: 3,
  ...over,
});

export const annotation = (value: string, giver = 'alice'): Vm['annotation'][number] => ({ value, giver, at: at(-60_000) });
