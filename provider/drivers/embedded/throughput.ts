/** Who moves data now, and how fast: transfers over the same network share it equally. */
import type { Datacenter } from './datacenter.js';
import { slowedLinks } from './troubles.js';
import { copyOf, vmState } from './vm-state.js';
import type { Job, JobStage, Transfer, World } from './world.js';

const moving: ReadonlySet<JobStage> = new Set<JobStage>(['disks', 'memory', 'postcopy', 'increment', 'final']);

export const isMoving = (job: Job): boolean => moving.has(job.stage);

/** Bytes per second that this job or transfer gets now; 0 while one of its hosts, or the link between them, is cut off. */
export function rateOf(dc: Datacenter, world: World, mine: Job | Transfer): number {
  const ends = endsOf(dc, world, mine);
  if (ends === null || cutOff(dc, world, ends.from) || cutOff(dc, world, ends.to)) return 0;
  const shares = legs(dc, world, ends).map(({ key, bytesPerSecond }) => bytesPerSecond / (1 + others(dc, world, mine, key)));
  return Math.min(...shares, mine.cap ?? Infinity);
}

/** What the network would give to one transfer alone, at most its limit; of a cut link what it gave before. */
export function bestRate(dc: Datacenter, world: World, from: string, to: string, cap: number | null): number {
  const rates = legs(dc, world, { from, to }).map(({ bytesPerSecond }) => bytesPerSecond);
  return Math.min(...rates.filter((rate) => rate > 0), cap ?? Infinity);
}

interface Ends {
  readonly from: string;
  readonly to: string;
}

/** What the data goes through; each is shared by those who use it. */
function legs(dc: Datacenter, world: World, { from, to }: Ends): { key: string; bytesPerSecond: number }[] {
  const { key, bytesPerSecond } = dc.path(from, to);
  return [{ key, bytesPerSecond }, ...slowedLinks(dc, world, from, to)];
}

export const isActive = (world: World, transfer: Transfer): boolean => transfer.activeUntil > world.at;

function others(dc: Datacenter, world: World, mine: Job | Transfer, key: string): number {
  const sameKey = (other: Job | Transfer): boolean => {
    if (other.moveId === mine.moveId) return false;
    const ends = endsOf(dc, world, other);
    return ends !== null && legs(dc, world, ends).some((leg) => leg.key === key);
  };
  const jobs = Object.values(world.jobs).filter((job) => isMoving(job) && sameKey(job)).length;
  const transfers = Object.values(world.transfers).filter((transfer) => isActive(world, transfer) && sameKey(transfer)).length;
  return jobs + transfers;
}

function endsOf(dc: Datacenter, world: World, mine: Job | Transfer): Ends | null {
  const state = vmState(dc, world, mine.vm);
  const [source, target] = [copyOf(state, mine.source), copyOf(state, mine.target)];
  return source === undefined || target === undefined ? null : { from: source.host, to: target.host };
}

function cutOff(dc: Datacenter, world: World, host: string): boolean {
  const state = world.hosts[host] ?? dc.host(host).state;
  return state === 'unreachable' || state === 'disconnected';
}
