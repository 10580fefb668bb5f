/** libvirt hosts behind the SPI. What `capabilities` does not claim is refused. */
import type { ResolvedLibvirt } from '../../../schema/libvirt.js';
import type { Capabilities, Driver, PoolChange } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { clock } from './clock.js';
import { cold } from './cold.js';
import { compareCpu } from './cpu-compare.js';
import type { Connection } from './connection.js';
import { examineHosts } from './examine.js';
import { hot } from './hot.js';
import { power } from './power.js';
import { reach } from './reach.js';
import { records } from './records.js';
import { sources } from './sources.js';
import { staged } from './staged.js';
import { inventoryOf, readDatacenter, type DatacenterReading } from './survey.js';

export const capabilities: Capabilities = {
  platform: 'libvirt',
  methods: ['hot', 'cold', 'staged'],
  increments: 'driven',
  holdsCutover: true,
  separateStart: true,
  blocksStart: true,
  verify: true,
  // Images that go straight from host to host would come through this machine for that.
  verifiesCold: false,
  bandwidth: true,
  postCopy: false,
  suspend: false,
  storageMap: true,
  networkMap: true,
  keepsSource: true,
  readsSharing: true,
  encryptsHot: false,
  reachability: 'measured',
  detach: 'none',
  record: 'full',
  fencesEffects: false,
  pool: 'process',
  stateFiles: ['nvram'],
};

/** @param jumps that connections go through. */
export function libvirtDriver(config: ResolvedLibvirt, connections: ReadonlyMap<string, Connection>, jumps: readonly Connection[]): Driver {
  const connectionTo = (host: string): Connection => {
    const connection = connections.get(host);
    if (connection === undefined) throw new PlacementError('internal', `There is no host ${host} in the configuration.`);
    return connection;
  };
  const read = (signal?: AbortSignal): Promise<DatacenterReading> => readDatacenter(config, connectionTo, signal);
  const { handOver, ...kept } = records(read, connectionTo);
  return {
    capabilities: { ...capabilities, encryptsHot: config.tls },
    clock,
    survey: async (scope, signal) => inventoryOf(await read(signal), scope),
    probes: {
      reach: (from, to) => reach(connectionTo(from.host), connectionTo(to.host).target, Math.min(10_000, config.timeoutMs - 2000)),
      cpu: (definition, { host }) => compareCpu(connectionTo(host), definition),
    },
    examine: (signal) => examineHosts(config, connectionTo, signal),
    ...hot({ read, connectionTo, tls: config.tls }),
    ...cold({ read, connectionTo }),
    ...staged({ read, connectionTo }),
    ...power(connectionTo),
    ...sources({ read, connectionTo, handOver }),
    ...kept,
    pool: turns(),
    close: async () => {
      await Promise.all([...connections.values()].map((connection) => connection.close()));
      await Promise.all(jumps.map((jump) => jump.close()));
    },
  };
}

/** Moves of this process take turns; other processes have turns and limits of their own (`pool: 'process'`). */
function turns(): Driver['pool'] {
  let tickets: Parameters<PoolChange<unknown>>[0] = [];
  return async <T>(change: PoolChange<T>): Promise<T> => {
    const changed = change(tickets, { nowMs: Date.now(), pace: 1 });
    tickets = changed.tickets;
    return changed.result;
  };
}
