/** What goes wrong outside and lasts until it is taken back, as `Outside` makes it. */
import { PlacementError } from '../../core/errors.js';
import { placeText } from '../../core/inventory.js';
import type { Datacenter } from './datacenter.js';
import type { Model, View } from './model.js';
import { linkKey, troubles } from './troubles.js';
import type { StartTrouble } from './world.js';

export interface OutsideTroubles {
  /**
   * Between two clusters or two hosts: `cut` (copies stall), so many bytes per second at most, or `ok`. Also what is relayed between
   * these two. The same cluster twice: the network inside it.
   */
  setLink(a: string, b: string, to: 'cut' | 'ok' | { readonly bytesPerSecond: number }): Promise<void>;
  /** What copies write to this pool fails; where other hosts see the same storage, theirs too. */
  setPool(host: string, pool: string, to: 'full' | 'ok'): Promise<void>;
  /**
   * The next starts of the VM on this host (null: all of them) end badly: it `crashes` right after it was started, or the start itself
   * is `refused`. A migration that would start it there fails.
   */
  setStarts(vm: string, host: string, to: StartTrouble['how'] | 'ok', times: number | null): Promise<void>;
  /** How the guest obeys a shutdown from now on; one that is on its way goes on. */
  setGuest(vm: string, to: 'obeys' | 'ignores' | { readonly takesMs: number }): Promise<void>;
  /** The clock of this host is so far ahead of the platform's time (behind: negative); what it tells from now on is told by it. */
  setClock(host: string, aheadMs: number): Promise<void>;
}

export function openTroubles(model: Model): OutsideTroubles {
  return {
    setLink: (a, b, to) => model.update((view) => setLink(view, a, b, to)),
    setPool: (host, pool, to) =>
      model.update(({ dc, world }) => {
        const { pools } = dc.host(host);
        if (dc.pool(host, pool) === undefined)
          throw new PlacementError(
            'input',
            `Host ${placeText(dc.place(host))} has no pool ${pool}; it has ${pools.map(({ name }) => name).join(', ')}.`,
          );
        const key = dc.storageKey(host, pool);
        const others = troubles(world).full.filter((one) => one !== key);
        troubles(world).full = to === 'full' ? [...others, key] : others;
      }),
    setStarts: (vm, host, to, times) =>
      model.update(({ dc, world }) => {
        const { id } = dc.find(vm);
        dc.host(host);
        const others = troubles(world).starts.filter((one) => one.vm !== id || one.host !== host);
        troubles(world).starts = to === 'ok' ? others : [...others, { vm: id, host, how: to, left: times }];
      }),
    setGuest: (vm, to) =>
      model.update(({ dc, world }) => {
        const { id, shutdown } = dc.find(vm);
        const { takesMs } = shutdown;
        troubles(world).guests[id] =
          typeof to === 'object' ? { takesMs: to.takesMs, ignores: false } : { takesMs, ignores: to === 'ignores' };
      }),
    setClock: (host, aheadMs) =>
      model.update(({ dc, world }) => {
        dc.host(host);
        const { clocks } = troubles(world);
        if (aheadMs === 0) delete clocks[host];
        else clocks[host] = aheadMs;
      }),
  };
}

function setLink({ dc, world }: View, a: string, b: string, to: 'cut' | 'ok' | { readonly bytesPerSecond: number }): void {
  const key = linkKey(scopeOf(dc, a, b), a, b);
  const { links } = troubles(world);
  if (to === 'ok') delete links[key];
  else links[key] = to === 'cut' ? 0 : to.bytesPerSecond;
}

function scopeOf(dc: Datacenter, a: string, b: string): 'clusters' | 'hosts' {
  if (dc.cluster(a) !== undefined && dc.cluster(b) !== undefined) return 'clusters';
  const isHost = (name: string): boolean => dc.config.clusters.some(({ hosts }) => hosts.some((host) => host.name === name));
  if (isHost(a) && isHost(b) && a !== b) return 'hosts';
  throw new PlacementError('input', `A link joins two clusters or two different hosts, not ${a} and ${b}.`);
}
