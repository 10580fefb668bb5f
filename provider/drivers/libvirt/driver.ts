/** libvirt hosts behind the SPI. What `capabilities` does not claim is refused. */
import { setTimeout } from 'node:timers/promises';
import type { ResolvedLibvirt } from '../../../schema/libvirt.js';
import type { Clock } from '../../core/clock.js';
import type { Capabilities, Driver, PoolChange } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { power } from './power.js';
import { records } from './records.js';
import { survey } from './survey.js';

export const capabilities: Capabilities = {
  platform: 'libvirt',
  methods: [],
  increments: 'driven',
  holdsCutover: true,
  separateStart: true,
  blocksStart: true,
  verify: false,
  bandwidth: false,
  postCopy: false,
  suspend: false,
  storageMap: true,
  networkMap: true,
  keepsSource: false,
  readsSharing: true,
  reachability: 'declared',
  detach: 'none',
  record: 'full',
  fencesEffects: false,
  pool: 'process',
  stateFiles: [],
};

export function libvirtDriver(config: ResolvedLibvirt, connections: ReadonlyMap<string, Connection>): Driver {
  const connectionTo = (host: string): Connection => {
    const connection = connections.get(host);
    if (connection === undefined) throw new PlacementError('internal', `There is no host ${host} in the configuration.`);
    return connection;
  };
  return {
    capabilities,
    clock,
    survey: (scope, signal) => survey(config, connectionTo, { scope, signal }),
    migrate: refuse('a hot move'),
    copyOff: refuse('a cold move'),
    replicate: refuse('a staged move'),
    finish: refuse('a staged move'),
    cancel: refuse('a cancel'),
    shutdown: refuse('a shutdown'),
    keep: refuse('a kept source'),
    retire: refuse('the removal of a source'),
    ...power(connectionTo),
    ...records((vm) => survey(config, connectionTo, { scope: { vms: [vm] } }), connectionTo),
    pool: turns(),
    close: async () => {
      await Promise.all([...connections.values()].map((connection) => connection.close()));
    },
  };
}

/** Preview, plan and status only read; an update says this before anything is touched. */
const refuse = (what: string) => (): Promise<never> =>
  Promise.reject(new PlacementError('not-possible', `This version moves nothing on libvirt hosts: ${what} is not carried out.`));

/** Moves of this process take turns; other processes have turns and limits of their own (`pool: 'process'`). */
function turns(): Driver['pool'] {
  let tickets: Parameters<PoolChange<unknown>>[0] = [];
  return async <T>(change: PoolChange<T>): Promise<T> => {
    const changed = change(tickets, { nowMs: Date.now(), pace: 1 });
    tickets = changed.tickets;
    return changed.result;
  };
}

/** The machine that runs this keeps the time; hosts tell theirs with what they are read. */
const clock: Clock = {
  now: async () => Date.now(),
  sleep: async (milliseconds, _why, signal) => {
    try {
      await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      const reason: unknown = signal?.reason;
      throw PlacementError.isInstance(reason) ? reason : new PlacementError('interrupted', 'Stopped as asked, at a safe point.', { cause });
    }
  },
};
