/** What a schedule is made of, as plain data that fast-check makes, shrinks and prints: a datacenter, and what happens in it. */
import fc from 'fast-check';
import type { EmbeddedDatacenter, EmbeddedVm } from '../../schema/generated/types.js';
import type { Fate } from './turns.js';

export const hosts = ['a1', 'a2', 'n1', 'f1', 'f2'] as const;
export type HostName = (typeof hosts)[number];
export const vms = ['web-01', 'db-01'] as const;
export type VmName = (typeof vms)[number];

/** Whose networks may fail. */
export const links: readonly (readonly [string, string])[] = [
  ['a', 'far'],
  ['a', 'near'],
  ['a', 'a'],
  ['near', 'far'],
];

/** What an `up` declares for one VM; the rest has its default. */
export interface Declared {
  readonly host: HostName;
  readonly shutdown: 'now' | 'force' | 'hold' | null;
  readonly method: 'auto' | 'cold' | 'staged' | 'hot';
  readonly keepSource: 'confirm' | 'no' | null;
  readonly allowShutdown: boolean;
  readonly startAfter: 'asBefore' | 'always' | 'never';
  readonly onPending: 'succeed' | 'fail' | 'wait';
  readonly goFrom: 'declared' | 'vm' | 'both';
  readonly verify: 'off' | 'increment' | 'full';
}

export type Happening =
  | { readonly kind: 'up'; readonly vm: VmName; readonly declared: Declared; readonly fate: Fate | null }
  | {
      readonly kind: 'command';
      readonly vm: VmName;
      readonly what: 'cancel' | 'confirm' | 'resume' | 'release';
      readonly fate: Fate | null;
    }
  | { readonly kind: 'annotate'; readonly vm: VmName; readonly value: 'now' | 'force' | 'hold' | null }
  | { readonly kind: 'guest'; readonly vm: VmName; readonly what: 'shuts down' | 'is powered off' | 'crashes' | 'is started' }
  | { readonly kind: 'start on'; readonly vm: VmName; readonly host: HostName }
  | { readonly kind: 'move by hand'; readonly vm: VmName; readonly host: HostName }
  | { readonly kind: 'HA restarts'; readonly vm: VmName; readonly host: HostName }
  | { readonly kind: 'source is started'; readonly vm: VmName }
  | { readonly kind: 'disk'; readonly vm: VmName; readonly what: 'snapshot' | 'grow' | 'shrink' | 'add' | 'replace' | 'remove incoming' }
  | { readonly kind: 'starts fail'; readonly vm: VmName; readonly host: HostName; readonly what: 'crashes' | 'refused' }
  | { readonly kind: 'obedience'; readonly vm: VmName; readonly what: 'obeys' | 'ignores' | 'delays' }
  | { readonly kind: 'lock'; readonly vm: VmName; readonly minutes: number }
  | {
      readonly kind: 'host';
      readonly host: HostName;
      readonly state: 'unreachable' | 'disconnected' | 'maintenance' | 'loses power' | 'down' | 'boots';
    }
  | { readonly kind: 'clock'; readonly host: HostName; readonly aheadMinutes: number }
  | { readonly kind: 'link'; readonly between: readonly [string, string]; readonly what: 'cut' | 'slow' | 'ok' }
  | { readonly kind: 'pool'; readonly host: HostName; readonly what: 'full' | 'ok' }
  | { readonly kind: 'all is repaired' }
  | { readonly kind: 'time passes'; readonly minutes: number };

export interface Event {
  /** Turns of others before it; null: when nobody is at work any more. */
  readonly after: number | null;
  readonly does: Happening;
}

export interface Scenario {
  readonly style: 'driven' | 'task';
  readonly vms: Readonly<Partial<Record<VmName, Guest>>>;
  readonly events: readonly Event[];
  /** Decides who is next. */
  readonly order: number;
}

export interface Guest {
  readonly power: 'running' | 'off';
  readonly writes: 'nothing' | 'little' | 'much';
  readonly shutdown: 'at once' | 'slow' | 'never';
  readonly autostart: boolean;
}

export function datacenterOf({ style, vms: guests }: Pick<Scenario, 'style' | 'vms'>): EmbeddedDatacenter {
  return {
    style,
    clock: 'wall',
    speed,
    relayBandwidth: '20MiB/s',
    clusters: {
      a: { hosts: { a1: {}, a2: {} }, bandwidth: '40MiB/s' },
      near: { hosts: { n1: {} } },
      far: { hosts: { f1: {}, f2: {} } },
    },
    links: [
      { between: ['a', 'near'], direct: 'yes', bandwidth: '40MiB/s' },
      { between: ['a', 'far'], direct: 'no' },
      { between: ['near', 'far'], direct: 'no' },
    ],
    vms: Object.fromEntries(Object.entries(guests).map(([name, guest]) => [name, declaredVm(guest)])),
  };
}

/** Model seconds in a wall second: a copy has a handful of ticks. */
export const speed = 100;

function declaredVm({ power, writes, shutdown, autostart }: Guest): EmbeddedVm {
  return {
    host: 'a1',
    power,
    autostart,
    memory: '1GiB',
    disks: [{ name: 'vda', size: '4GiB', allocated: '1GiB' }],
    ...(writes === 'nothing' ? { workingSet: '0B' } : { dirtyRate: writes === 'much' ? '8MiB/s' : '1MiB/s', workingSet: '200MiB' }),
    shutdown: shutdown === 'never' ? { ignores: true } : { takes: shutdown === 'slow' ? '30s' : '5s' },
  };
}

const vm = fc.constantFrom<VmName>('web-01', 'web-01', 'db-01');
const host = fc.constantFrom(...hosts);
const turn = fc.oneof({ maxDepth: 0 }, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 250 }));

const fate: fc.Arbitrary<Fate | null> = fc.option(
  fc.record({
    what: fc.constantFrom<Fate['what']>('killed', 'killed', 'interrupted', 'orphaned', 'stopped'),
    turn,
    milliseconds: fc.constantFrom(100, 700, 1500, 10_000),
  }),
  { freq: 2 },
);

const declared: fc.Arbitrary<Declared> = fc.record({
  host: fc.constantFrom<HostName>('f1', 'f1', 'f1', 'f2', 'a1', 'a2', 'n1'),
  shutdown: fc.constantFrom<Declared['shutdown']>(null, null, 'now', 'now', 'force', 'hold'),
  method: fc.constantFrom<Declared['method']>('auto', 'auto', 'auto', 'cold', 'cold', 'staged', 'hot'),
  keepSource: fc.constantFrom<Declared['keepSource']>(null, 'no', 'confirm'),
  allowShutdown: fc.boolean(),
  startAfter: fc.constantFrom<Declared['startAfter']>('asBefore', 'asBefore', 'asBefore', 'always', 'never'),
  onPending: fc.constantFrom<Declared['onPending']>('succeed', 'succeed', 'succeed', 'fail', 'wait'),
  goFrom: fc.constantFrom<Declared['goFrom']>('both', 'both', 'declared', 'vm'),
  verify: fc.constantFrom<Declared['verify']>('increment', 'off', 'full'),
});

const up = fc.record({ kind: fc.constant('up' as const), vm, declared, fate });

const diskChange = fc.constantFrom<Extract<Happening, { kind: 'disk' }>['what']>(
  'snapshot',
  'grow',
  'shrink',
  'add',
  'replace',
  'remove incoming',
);
const hostTrouble = fc.constantFrom<Extract<Happening, { kind: 'host' }>['state']>(
  'unreachable',
  'unreachable',
  'disconnected',
  'maintenance',
  'loses power',
  'down',
  'boots',
);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 10, arbitrary: up },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('command' as const),
      vm,
      what: fc.constantFrom('cancel' as const, 'cancel' as const, 'confirm' as const, 'resume' as const, 'release' as const),
      fate,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('annotate' as const),
      vm,
      value: fc.constantFrom('now' as const, 'now' as const, 'force' as const, 'hold' as const, null),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('guest' as const),
      vm,
      what: fc.constantFrom('shuts down' as const, 'is powered off' as const, 'crashes' as const, 'is started' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('start on' as const), vm, host }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move by hand' as const), vm, host }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('HA restarts' as const), vm, host }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('source is started' as const), vm }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('disk' as const), vm, what: diskChange }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('starts fail' as const),
      vm,
      host,
      what: fc.constantFrom('crashes' as const, 'refused' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('obedience' as const),
      vm,
      what: fc.constantFrom('obeys' as const, 'ignores' as const, 'delays' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lock' as const), vm, minutes: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('host' as const), host, state: hostTrouble }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('clock' as const), host, aheadMinutes: fc.constantFrom(-600, -10, 10, 600) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('link' as const),
      between: fc.constantFrom(...links),
      what: fc.constantFrom('cut' as const, 'slow' as const, 'ok' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('pool' as const), host, what: fc.constantFrom('full' as const, 'ok' as const) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'all is repaired' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('time passes' as const), minutes: fc.constantFrom(1, 2, 10, 60) }),
  },
);

const guest: fc.Arbitrary<Guest> = fc.record({
  power: fc.constantFrom<Guest['power']>('running', 'running', 'running', 'off'),
  writes: fc.constantFrom<Guest['writes']>('little', 'much', 'nothing'),
  shutdown: fc.constantFrom<Guest['shutdown']>('at once', 'at once', 'slow', 'never'),
  autostart: fc.boolean(),
});

const event = fc.record({
  after: fc.option(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 300 })), { freq: 2 }),
  does: happening,
});

export const scenarios = (style: Scenario['style']): fc.Arbitrary<Scenario> =>
  fc.record({
    style: fc.constant(style),
    vms: fc.oneof(
      { weight: 2, arbitrary: fc.record({ 'web-01': guest }) },
      { weight: 1, arbitrary: fc.record({ 'web-01': guest, 'db-01': guest }) },
    ),
    events: fc.tuple(up, fc.array(event, { minLength: 2, maxLength: 9 })).map(([first, more]) => [{ after: 0, does: first }, ...more]),
    order: fc.nat(),
  });
