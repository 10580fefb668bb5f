/** libvirt hosts behind the SPI. What `capabilities` does not claim is refused. */
import { setTimeout } from 'node:timers/promises';
import type { ResolvedLibvirt } from '../../../schema/libvirt.js';
import type { Clock } from '../../core/clock.js';
import type { Capabilities, Driver, PoolChange } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { power } from './power.js';
import { records } from './records.js';
import { sources } from './sources.js';
import { inventoryOf, readDatacenter, type DatacenterReading } from './survey.js';

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
  const read = (signal?: AbortSignal): Promise<DatacenterReading> => readDatacenter(config, connectionTo, signal);
  const { handOver, ...kept } = records(read, connectionTo);
  return {
    capabilities,
    clock,
    survey: async (scope, signal) => inventoryOf(await read(signal), scope),
    migrate: refuse('a hot move'),
    copyOff: refuse('a cold move'),
    replicate: refuse('a staged move'),
    finish: refuse('a staged move'),
    cancel: refuse('a cancel'),
    ...power(connectionTo),
    ...sources({ read, connectionTo, handOver }),
    ...kept,
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
