/** Record, claim, annotation and lease, kept with the domain on the host where the VM is; from the point of no return on with both copies. */
import { iso } from '../../core/clock.js';
import type { AnnotationChange, Driver, Expected, Lease } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { unreadText } from '../../core/locate.js';
import { unreadHosts, type Place } from '../../core/inventory.js';
import type { Claim, MigrationRecord } from '../../core/record.js';
import type { Connection } from './connection.js';
import { changeState, DomainAbsent, locked, whereUp, withState, type DomainName, type KeptState } from './domain-state.js';
import { ask, tell } from './host-shell.js';
import { byHandNamespace, type DomainState } from './metadata.js';
import { quote } from './quote.js';
import { refused } from './refused.js';
import type { DatacenterReading } from './survey.js';
import { copiesOf, homeOf } from './survey-vms.js';

type Decide<T> = (kept: KeptState, name: string) => { readonly next: DomainState | null; readonly result: T };

interface Home {
  readonly connection: Connection;
  readonly vm: DomainName;
}

export interface Records extends Pick<Driver, 'annotate' | 'record' | 'claim' | 'lease' | 'release'> {
  /** Gives everything that is kept with the source to the copy at `to`, for the source is about to go. */
  readonly handOver: (vm: DomainName, to: Place) => Promise<void>;
}

export function records(read: () => Promise<DatacenterReading>, connectionTo: (host: string) => Connection): Records {
  /** Where each VM was found last; a VM that is not there any more is looked for anew. */
  const homes = new Map<string, Home>();
  /** Who of this process has taken the lease of a VM, and renews it. */
  const holders = new Map<string, string>();

  async function find(vm: string): Promise<Home> {
    const { datacenter, domains } = await read();
    const found = homeOf(copiesOf(domains, vm));
    if (found === undefined) {
      const unread = unreadHosts(datacenter);
      const where = unread.length === 0 ? 'on any host' : `on the hosts that were read; not read: ${unreadText(unread)}`;
      throw new PlacementError('platform', `There is no VM ${vm} ${where}.`, { vm });
    }
    const home = { connection: connectionTo(found.copy.ref.host), vm: { uuid: found.uuid, name: found.name } };
    homes.set(vm, home);
    return home;
  }

  /** @param both also on the target as soon as that may be the VM: when it becomes so first there, afterwards first at home. */
  async function change<T>(vm: string, decide: Decide<T>, both: 'both' | 'home' = 'both'): Promise<T> {
    const known = homes.get(vm);
    if (known === undefined) return changeAt(await find(vm), decide, both);
    try {
      return await changeAt(known, decide, both);
    } catch (error) {
      if (!(error instanceof DomainAbsent)) throw error;
      homes.delete(vm);
      return changeAt(await find(vm), decide, both);
    }
  }

  async function changeAt<T>(home: Home, decide: Decide<T>, both: 'both' | 'home'): Promise<T> {
    const { result, was, next } = await changeState(
      home.connection,
      home.vm,
      (kept) => {
        const decided = decide(kept, home.vm.name);
        return { next: decided.next, result: { ...decided, was: kept.state.record } };
      },
      async (state, { was: before }) => {
        if (both === 'both' && state.record?.targetStarting === true && before?.targetStarting !== true)
          await mirror(home, state, state.record.to);
      },
    );
    if (both === 'both' && next !== null && was?.targetStarting === true) await mirror(home, next, was.to).catch(unlessAbsent);
    return result;
  }

  async function mirror(home: Home, state: DomainState, to: Place): Promise<void> {
    if (home.connection.target.name === to.host) return;
    await changeState(connectionTo(to.host), home.vm, (kept) => ({
      next: withState(state, { label: labelWith(state, kept.state), work: undefined }),
      result: undefined,
    }));
  }

  return {
    async handOver(vm, to) {
      const home = homes.get(vm.uuid) ?? (await find(vm.uuid));
      if (home.connection.target.name === to.host) return;
      const state = await changeState(home.connection, vm, (kept) => ({ next: null, result: kept.state }));
      await mirror(home, state, to);
      for (const [key, { vm: kept }] of homes) if (kept.uuid === vm.uuid) homes.set(key, { connection: connectionTo(to.host), vm });
    },

    async annotate(vm, { shutdown, giver }: AnnotationChange) {
      await change(vm, ({ state, nowMs }) => {
        const annotation = shutdown === null ? undefined : [{ value: shutdown, giver, at: iso(nowMs) }];
        return { next: withState(state, { annotation }), result: undefined };
      });
      // What was given by hand gives way to it, wherever a copy of it went.
      const given = copiesOf((await read()).domains, vm).filter(({ byHand }) => byHand.length > 0);
      for (const { copy, uuid } of given) await removeByHand(connectionTo(copy.ref.host), copy.ref, uuid);
    },

    async record(vm, next: MigrationRecord | null, { ifEpoch, holder }: Expected) {
      const result = await change<'ok' | 'conflict'>(vm, (kept, name) => {
        if (holder !== undefined) needLease(kept, name, holder);
        if ((kept.state.record?.epoch ?? null) !== ifEpoch) return { next: null, result: 'conflict' };
        const state = withState(kept.state, { record: next ?? undefined });
        const ended = next === null ? { work: undefined } : {};
        return { next: withState(state, { label: labelWith(state, kept.state), ...ended }), result: 'ok' };
      });
      // Without a record another copy may be the one that counts; a lease is still where it was taken.
      if (next === null && !holders.has(vm)) homes.delete(vm);
      return result;
    },

    claim: (vm, next: Claim | null, holder) =>
      change(vm, (kept, name) => {
        needLease(kept, name, holder);
        return { next: withState(kept.state, { claim: next ?? undefined }), result: undefined };
      }),

    async lease(vm, holder, { expireMs }): Promise<Lease> {
      // Taken for something that is to begin: where the VM was before may be long ago. Renewed it is where it was taken, whatever other
      // hosts do meanwhile.
      if (holders.get(vm) !== holder) homes.delete(vm);
      const take: Decide<Lease> = ({ state, nowMs }, name) => {
        const held = state.lease;
        if (held !== undefined && held.holder !== holder && held.until > nowMs)
          throw new PlacementError(
            'lease-lost',
            `VM ${name} is being worked on by ${held.holder} (its lease ends ${iso(held.until)} unless renewed).`,
            { vm: name },
          );
        const until = nowMs + expireMs;
        return { next: withState(state, { lease: { holder, until } }), result: { holder, expiresAt: iso(until) } };
      };
      const lease = await change(vm, take, 'home');
      holders.set(vm, holder);
      return lease;
    },

    async release(vm, holder) {
      try {
        await change(
          vm,
          ({ state }) => ({ next: state.lease?.holder === holder ? withState(state, { lease: undefined }) : null, result: undefined }),
          'home',
        );
      } finally {
        holders.delete(vm);
        homes.delete(vm);
      }
    },
  };
}

async function removeByHand(on: Connection, at: Place, uuid: string): Promise<void> {
  const remove = (where: string): string =>
    `${ask(`metadata ${quote(uuid)} --uri ${byHandNamespace} ${where} --remove`)}
case $out in error:*'metadata not found'* | error:*'element is not present'*) ;; error:*) ${tell}; exit 1 ;; esac`;
  const done = await on.shell.run(locked(on, `${ask(`domstate ${quote(uuid)}`)}\n${whereUp(remove('--live'))}\n${remove('--config')}`));
  if (done.code !== 0) throw refused(at, done);
}

/** A copy keeps its own label; that of a target is needed as long as the move lasts. */
const labelWith = ({ record }: DomainState, { label }: DomainState): DomainState['label'] =>
  record === undefined && label?.role === 'incoming' ? undefined : label;

/** A copy that somebody has deleted has nothing to keep. */
const unlessAbsent = (error: unknown): void => {
  if (!(error instanceof DomainAbsent)) throw error;
};

/** In the very act that writes: whoever slept through its lease finds another holder here, or none. */
export function needLease({ state, nowMs }: KeptState, name: string, holder: string): void {
  const held = state.lease;
  if (held?.holder === holder && held.until > nowMs) return;
  const whose = held === undefined || held.holder === holder ? 'its lease has run out' : `its lease is held by ${held.holder}`;
  throw new PlacementError('lease-lost', `VM ${name}: ${holder} does nothing more, ${whose}.`, { vm: name, next: 'pulumi up goes on' });
}
