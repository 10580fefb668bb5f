/** What was made to go wrong by hand and lasts until it is taken back: cut links, full storage, guests that do not obey, wrong clocks. */
import { placeText } from '../../core/inventory.js';
import { exactDuration, formatRate } from '../../core/units.js';
import type { ResolvedVm } from '../../../schema/embedded.js';
import type { Datacenter } from './datacenter.js';
import type { CopyWorld, StartTrouble, Troubles, World } from './world.js';

const none: Troubles = { links: {}, full: [], starts: [], guests: {}, clocks: {} };

/** For reading. */
export const troublesOf = (world: World): Readonly<Troubles> => world.troubles ?? none;
/** For changing. A store of before has none. */
export const troubles = (world: World): Troubles => (world.troubles ??= structuredClone(none));

export const linkKey = (scope: 'clusters' | 'hosts', a: string, b: string): string => JSON.stringify([scope, ...[a, b].sort()]);

/** Links between these two hosts that somebody has cut (0) or slowed: most bytes per second of each. */
export function slowedLinks(dc: Datacenter, world: World, from: string, to: string): { key: string; bytesPerSecond: number }[] {
  const { links } = troublesOf(world);
  const keys = [linkKey('hosts', from, to), linkKey('clusters', dc.host(from).cluster, dc.host(to).cluster)];
  return keys.flatMap((key) => {
    const bytesPerSecond = links[key];
    return bytesPerSecond === undefined ? [] : [{ key, bytesPerSecond }];
  });
}

export function isFull(dc: Datacenter, world: World, host: string, pool: string): boolean {
  const { full } = troublesOf(world);
  return full.length > 0 && full.includes(dc.storageKey(host, pool));
}

/** The first disk of this copy that is copied to storage without room; null: none. */
export const diskOnFull = (dc: Datacenter, world: World, copy: CopyWorld): CopyWorld['disks'][number] | null =>
  copy.disks.find((disk) => !disk.shared && isFull(dc, world, copy.host, disk.pool)) ?? null;

export const noRoomText = (dc: Datacenter, copy: CopyWorld, disk: CopyWorld['disks'][number]): string =>
  `pool ${disk.pool} of host ${placeText(dc.place(copy.host))} is full, so disk ${disk.name} could not be written there`;

/** What happens to the VM when it is started there now; counts down. */
export function takeStartTrouble(world: World, vm: string, host: string): StartTrouble['how'] | null {
  const trouble = troublesOf(world).starts.find((one) => one.vm === vm && one.host === host);
  if (trouble === undefined) return null;
  if (trouble.left !== null) trouble.left -= 1;
  if (trouble.left === 0) troubles(world).starts = troubles(world).starts.filter((one) => one !== trouble);
  return trouble.how;
}

/** How the guest obeys a shutdown now. */
export const obedience = (world: World, vm: ResolvedVm): { readonly takesMs: number; readonly ignores: boolean } =>
  troublesOf(world).guests[vm.id] ?? vm.shutdown;

/** How far the clock of this host is ahead of the platform's time, ms. */
export const skewOf = (world: World, host: string): number => troublesOf(world).clocks[host] ?? 0;

/** For a person. */
export function troubleTexts(dc: Datacenter, world: World): string[] {
  const { links, full, starts, guests, clocks } = troublesOf(world);
  const at = (host: string): string => placeText(dc.place(host));
  const pools = dc.config.clusters.flatMap((cluster) =>
    cluster.hosts.flatMap((host) => host.pools.map(({ name }) => [host.name, name] as const)),
  );
  return [
    ...Object.entries(links).map(([key, rate]) => {
      const [, a, b] = JSON.parse(key) as [string, string, string];
      return `link ${a} - ${b} ${rate === 0 ? 'cut' : `carries ${formatRate(rate)} at most`}`;
    }),
    ...pools.filter(([host, pool]) => full.includes(dc.storageKey(host, pool))).map(([host, pool]) => `pool ${pool} of ${at(host)} full`),
    ...starts.map(({ vm, host, how, left }) => {
      const times = left === null ? 'every start' : left === 1 ? 'the next start' : `the next ${left} starts`;
      return `${times} of ${dc.vm(vm).name} on ${at(host)}: ${how}`;
    }),
    ...Object.entries(guests).map(
      ([vm, { takesMs, ignores }]) =>
        `guest of ${dc.vm(vm).name} ${ignores ? 'ignores a shutdown' : `takes ${exactDuration(takesMs)} to shut down`}`,
    ),
    ...Object.entries(clocks).map(([host, ms]) => `clock of ${at(host)} ${exactDuration(Math.abs(ms))} ${ms > 0 ? 'ahead' : 'behind'}`),
  ];
}
