/** The faults of the outside world and the moments of a move, for tests that let each happen at each. */
import type { Desired } from '../../../provider/core/desired.js';
import type { Driver } from '../../../provider/core/driver.js';
import type { Lab } from './lab.js';
import { want } from './lab.js';

export interface Fault {
  readonly name: string;
  /** `to`: the host that the move leads to. */
  readonly happen: (lab: Lab, to: string) => Promise<unknown>;
  readonly over?: (lab: Lab, to: string) => Promise<unknown>;
}

const hour = 3_600_000;
const GiB = 1024 ** 3;

export const faults: readonly Fault[] = [
  ...(['source', 'target', 'third'] as const).flatMap((which): Fault[] => {
    const host = (to: string): string => ({ source: 'a1', target: to, third: 'a2' })[which];
    return [
      {
        name: `the ${which} host cannot be read`,
        happen: (lab, to) => lab.outside.setHost(host(to), 'unreachable'),
        over: (lab, to) => lab.outside.setHost(host(to), null),
      },
      {
        name: `the ${which} host goes down`,
        happen: (lab, to) => lab.outside.hostDown(host(to)),
        over: (lab, to) => lab.outside.hostUp(host(to)),
      },
    ];
  }),
  {
    name: 'the source host reboots',
    happen: async (lab) => {
      await lab.outside.hostDown('a1');
      await lab.outside.hostUp('a1');
    },
  },
  {
    name: 'the link is cut',
    happen: (lab, to) => lab.outside.setLink('a1', to, 'cut'),
    over: (lab, to) => lab.outside.setLink('a1', to, 'ok'),
  },
  {
    name: 'the link is slow',
    happen: (lab, to) => lab.outside.setLink('a1', to, { bytesPerSecond: 20_000_000 }),
    over: (lab, to) => lab.outside.setLink('a1', to, 'ok'),
  },
  {
    name: 'the target’s pool is full',
    happen: (lab, to) => lab.outside.setPool(to, 'default', 'full'),
    over: (lab, to) => lab.outside.setPool(to, 'default', 'ok'),
  },
  { name: 'the next start on the target crashes', happen: (lab, to) => lab.outside.setStarts('web-01', to, 'crashes', 1) },
  { name: 'the next start on the target is refused', happen: (lab, to) => lab.outside.setStarts('web-01', to, 'refused', 1) },
  {
    name: 'the guest ignores a shutdown',
    happen: (lab) => lab.outside.setGuest('web-01', 'ignores'),
    over: (lab) => lab.outside.setGuest('web-01', 'obeys'),
  },
  {
    name: 'the guest delays a shutdown',
    happen: (lab) => lab.outside.setGuest('web-01', { takesMs: 240_000 }),
    over: (lab) => lab.outside.setGuest('web-01', 'obeys'),
  },
  { name: 'the guest crashes', happen: (lab) => lab.outside.crash('web-01') },
  // Beside a running target two would run: then it is not the fault that is meant.
  {
    name: 'somebody starts the source',
    happen: async (lab) => ((await runningHost(lab)) === null ? lab.outside.startSource('web-01') : null),
  },
  {
    name: 'a disk is added',
    happen: (lab) => lab.outside.addDisk('web-01', { name: 'vdb', bytes: GiB, allocatedBytes: GiB / 2 }),
  },
  { name: 'a disk grows', happen: (lab) => lab.outside.resizeDisk('web-01', 'vda', 12 * GiB) },
  { name: 'a disk is replaced', happen: (lab) => lab.outside.replaceDisk('web-01', 'vda') },
  { name: 'a snapshot is taken', happen: (lab) => lab.outside.snapshot('web-01', 'by-hand') },
  {
    name: 'HA restarts it elsewhere',
    happen: async (lab) => lab.outside.restartElsewhere('web-01', (await runningHost(lab)) === 'f1' ? 'f2' : 'a2'),
  },
  {
    name: 'the clock of the source host is behind',
    happen: (lab) => lab.outside.setClock('a1', -hour),
    over: (lab) => lab.outside.setClock('a1', 0),
  },
  {
    name: 'the clock of the target host is behind',
    happen: (lab, to) => lab.outside.setClock(to, -hour),
    over: (lab, to) => lab.outside.setClock(to, 0),
  },
];

export interface Method {
  readonly name: string;
  readonly style: 'driven' | 'task';
  readonly vm: { readonly power?: 'off'; readonly autostart?: boolean };
  readonly desired: Desired;
  readonly to: string;
  readonly power: 'running' | 'off';
  /** Verbs before which something happens, in the order in which they come. */
  readonly verbs: readonly string[];
}

const far = (more: Partial<Desired> = {}): Desired => want('f1', { keepSource: 'no', dropSnapshots: true, ...more });

export const methods: readonly Method[] = (['driven', 'task'] as const).flatMap((style): Method[] => {
  const blocks = style === 'driven' ? ['block'] : [];
  const common = { style, vm: {}, to: 'f1', power: 'running' } as const;
  return [
    {
      ...common,
      name: `hot, ${style}`,
      desired: want('n1', { dropSnapshots: true }),
      to: 'n1',
      verbs: ['claim', 'migrate', ...blocks, 'retire', 'release'],
    },
    {
      ...common,
      name: `cold of a VM that runs, ${style}`,
      desired: far({ method: 'cold', allowShutdown: true }),
      verbs: ['claim', 'shutdown', ...blocks, 'copyOff', 'start', 'retire', 'release'],
    },
    {
      ...common,
      name: `cold of a VM that is off, ${style}`,
      vm: { power: 'off', autostart: false },
      desired: far(),
      power: 'off',
      verbs: ['claim', ...blocks, 'copyOff', 'retire', 'release'],
    },
    {
      ...common,
      name: `staged, ${style}`,
      desired: far({ shutdown: 'now' }),
      verbs: ['claim', 'replicate', 'shutdown', ...blocks, 'finish', ...(style === 'driven' ? ['start'] : []), 'retire', 'release'],
    },
  ];
});

export async function runningHost(lab: Lab): Promise<string | null> {
  return lab.model.read(({ world }) => world.vms['web-01']?.copies.find((copy) => copy.power === 'running')?.host ?? null);
}

/** A driver before whose n-th call of this verb something happens; `undefined`: before its n-th effect, whatever the verb. */
export function before(
  verb: string | undefined,
  n: number,
  act: (name: string, args: readonly unknown[]) => Promise<unknown>,
): { wrap: (driver: Driver) => Driver; count: () => number } {
  let count = 0;
  const isMeant = (name: string): boolean => (verb === undefined ? !inert.has(name) : name === verb);
  const wrap = (driver: Driver): Driver =>
    new Proxy(driver, {
      get(target, name: string) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function' || !isMeant(name)) return value;
        return async (...args: unknown[]) => {
          if ((count += 1) === n) await act(name, args);
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  return { wrap, count: () => count };
}

const inert = new Set(['survey', 'close', 'capabilities', 'clock', 'lease', 'release']);
