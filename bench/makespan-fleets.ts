/** Three fleets of 1 000 moves each: what is there, and what is declared. Made from a seed: the same in every run. */
import type { EmbeddedDatacenter, EmbeddedHost, EmbeddedVm, PlacementInputs } from '../schema/generated/types.js';

export interface MovingFleet {
  readonly name: string;
  readonly embedded: EmbeddedDatacenter;
  readonly placements: readonly PlacementInputs[];
}

const count = 1000;

export const fleets = (): readonly MovingFleet[] => [evacuation(), skewed(), narrowLink()];

/** Eight of sixty hosts are emptied, each VM to any of the others. Shared storage: memory is what moves. Declared host by host. */
function evacuation(): MovingFleet {
  const random = seeded(1);
  const hosts = names('a', 60);
  const [leaving, staying] = [hosts.slice(0, 8), hosts.slice(8)];
  const pools = { default: { capacity: '100TiB', storage: 'san' } };
  const clusters = { a: { hosts: { ...all(leaving, { memory: '1TiB', pools }), ...all(staying, { memory: '128GiB', pools }) } } };
  return made('evacuation: 8 of 60 hosts of one cluster', { clusters }, (index) => ({
    vm: { host: at(leaving, Math.floor((index * leaving.length) / count)), memory: gibibytes(random, 1, 16) },
    to: { cluster: 'a', hosts: staying },
  }));
}

/** Fifty hosts; the first has most of the VMs, the next ones fewer and fewer (1/n). Each VM has its own place on one of fifty others. */
function skewed(): MovingFleet {
  const random = seeded(2);
  const [old, fresh] = [names('a', 50), names('z', 50)];
  const weights = old.map((_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pick = (): string => {
    let dice = random() * total;
    return at(
      old,
      weights.findIndex((weight) => (dice -= weight) <= 0),
    );
  };
  return made('skewed: 50 sources, most VMs on a few', { clusters: { a: { hosts: all([...old, ...fresh], roomy) } } }, () => ({
    vm: { host: pick(), memory: gibibytes(random, 2, 16), disks: [{ name: 'vda', size: gibibytes(random, 10, 200) }] },
    to: { cluster: 'a', host: at(fresh, Math.floor(random() * fresh.length)) },
  }));
}

/** From one cluster to another that is only reached through a relay; disks of 2 GiB to 1 TiB, one VM in three is off. */
function narrowLink(): MovingFleet {
  const random = seeded(3);
  const [here, there] = [names('a', 30), names('b', 30)];
  const clusters = { a: { hosts: all(here, roomy) }, b: { hosts: all(there, roomy) } };
  return made('narrow link: cold and staged, mixed sizes', { clusters, links: [{ between: ['a', 'b'], direct: 'no' }] }, (index) => ({
    vm: {
      host: at(here, Math.floor(random() * here.length)),
      power: index % 3 === 0 ? 'off' : 'running',
      disks: [{ name: 'vda', size: gibibytes(random, 2, 1024) }],
    },
    to: { cluster: 'b', host: at(there, index % there.length), annotations: { 'vmplacement/shutdown': 'now' } },
  }));
}

const roomy: EmbeddedHost = { memory: '16TiB', pools: { default: { capacity: '1000TiB' } } };

interface Wanted {
  readonly vm: EmbeddedVm;
  readonly to: Omit<PlacementInputs, 'vm'>;
}

function made(name: string, embedded: EmbeddedDatacenter, one: (index: number) => Wanted): MovingFleet {
  const wanted = Array.from({ length: count }, (_, index) => ({ id: `vm-${String(index + 1).padStart(4, '0')}`, ...one(index) }));
  return {
    name,
    embedded: { ...embedded, clock: 'manual', vms: Object.fromEntries(wanted.map(({ id, vm }) => [id, vm])) },
    placements: wanted.map(({ id, to }) => ({ vm: id, ...to })),
  };
}

const all = (hosts: readonly string[], host: EmbeddedHost): Readonly<Record<string, EmbeddedHost>> =>
  Object.fromEntries(hosts.map((name) => [name, host]));
const names = (prefix: string, length: number): string[] =>
  Array.from({ length }, (_, index) => `${prefix}${String(index + 1).padStart(2, '0')}`);
const at = (list: readonly string[], index: number): string => list[index] ?? '';

/** Small ones are many, large ones few. */
const gibibytes = (random: () => number, least: number, most: number): string => `${Math.round(least * (most / least) ** random())}GiB`;

/** mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
