/** Record, claim, annotation and lease, kept with the domain on the host where the VM is. */
import { iso } from '../../core/clock.js';
import type { AnnotationChange, Driver, Expected, Lease } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { hostPlace } from '../../core/locate.js';
import { liveCopies, placeText, unreadHosts, type Inventory } from '../../core/inventory.js';
import type { Claim, MigrationRecord } from '../../core/record.js';
import type { Connection } from './connection.js';
import { changeState, withState, type KeptState } from './domain-state.js';
import type { DomainState } from './metadata.js';

interface Home {
  readonly connection: Connection;
  readonly vm: { readonly uuid: string; readonly name: string };
}

type Records = Pick<Driver, 'annotate' | 'record' | 'claim' | 'lease' | 'release'>;

export function records(survey: (vm: string) => Promise<Inventory>, connectionTo: (host: string) => Connection): Records {
  /** Where each VM was found last; a VM that is not there any more is looked for anew. */
  const homes = new Map<string, Home>();

  async function find(vm: string): Promise<Home> {
    const inventory = await survey(vm);
    const found = inventory.vms.find(({ uuid }) => uuid === vm.toLowerCase()) ?? inventory.vms.find(({ name }) => name === vm);
    const copy = found === undefined ? undefined : (liveCopies(found).find(({ power }) => power !== 'off') ?? liveCopies(found)[0]);
    if (found === undefined || copy === undefined) {
      const unread = unreadHosts(inventory).map((host) => placeText(hostPlace(host)));
      const where = unread.length === 0 ? 'on any host' : `on the hosts that were read; not read: ${unread.join(', ')}`;
      throw new PlacementError('platform', `There is no VM ${vm} ${where}.`, { vm });
    }
    const home = { connection: connectionTo(copy.ref.host), vm: { uuid: found.uuid, name: found.name } };
    homes.set(vm, home);
    return home;
  }

  async function change<T>(vm: string, decide: (kept: KeptState, name: string) => { next: DomainState | null; result: T }): Promise<T> {
    const home = homes.get(vm) ?? (await find(vm));
    return changeState(home.connection, home.vm, (kept) => decide(kept, home.vm.name));
  }

  return {
    annotate: (vm, { shutdown, giver }: AnnotationChange) =>
      change(vm, ({ state, nowMs }) => {
        const annotation = shutdown === null ? undefined : [{ value: shutdown, giver, at: iso(nowMs) }];
        return { next: withState(state, { annotation }), result: undefined };
      }),

    record: (vm, next: MigrationRecord | null, { ifEpoch, holder }: Expected) =>
      change<'ok' | 'conflict'>(vm, (kept, name) => {
        if (holder !== undefined) needLease(kept, name, holder);
        if ((kept.state.record?.epoch ?? null) !== ifEpoch) return { next: null, result: 'conflict' };
        return { next: withState(kept.state, { record: next ?? undefined }), result: 'ok' };
      }),

    claim: (vm, next: Claim | null, holder) =>
      change(vm, (kept, name) => {
        needLease(kept, name, holder);
        return { next: withState(kept.state, { claim: next ?? undefined }), result: undefined };
      }),

    async lease(vm, holder, { expireMs }): Promise<Lease> {
      // Taken for something that is to begin: where the VM was before may be long ago.
      homes.delete(vm);
      return change<Lease>(vm, ({ state, nowMs }, name) => {
        const held = state.lease;
        if (held !== undefined && held.holder !== holder && held.until > nowMs)
          throw new PlacementError(
            'lease-lost',
            `VM ${name} is being worked on by ${held.holder} (its lease ends ${iso(held.until)} unless renewed).`,
            { vm: name },
          );
        const until = nowMs + expireMs;
        return { next: withState(state, { lease: { holder, until } }), result: { holder, expiresAt: iso(until) } };
      });
    },

    release: (vm, holder) =>
      change(vm, ({ state }) => ({
        next: state.lease?.holder === holder ? withState(state, { lease: undefined }) : null,
        result: undefined,
      })),
  };
}

/** In the very act that writes: whoever slept through its lease finds another holder here, or none. */
function needLease({ state, nowMs }: KeptState, name: string, holder: string): void {
  const held = state.lease;
  if (held?.holder === holder && held.until > nowMs) return;
  const whose = held === undefined || held.holder === holder ? 'its lease has run out' : `its lease is held by ${held.holder}`;
  throw new PlacementError('lease-lost', `VM ${name}: ${holder} does nothing more, ${whose}.`, { vm: name, next: 'pulumi up goes on' });
}
