/** Holds the lease of one VM while a run works on it (rules.md §8.7): no effect without a valid lease. */
import type { Driver, Lease } from '../driver.js';
import { isControlLost, PlacementError } from '../errors.js';

export interface LeaseTimes {
  readonly leaseRenewMs: number;
  readonly leaseExpireMs: number;
}

export interface HeldLease {
  /** Aborts when the lease is lost: whoever loses it stops before its next effect. */
  readonly lost: AbortSignal;
  /** Throws `lease-lost` unless the lease is valid now; renews it when it is due. Called before every effect. */
  check(): Promise<void>;
  /** Releases it. A release that fails does no harm: the lease expires by itself. */
  end(): Promise<void>;
}

export interface LeaseParts {
  readonly driver: Driver;
  readonly vm: { readonly name: string; readonly uuid: string };
  readonly holder: string;
  readonly times: LeaseTimes;
  /** The run is to stop at once: it gives the lease up, as if it had lost it. */
  readonly halt: AbortSignal | undefined;
  /** Asked when the lease had run out before it was renewed: throws when somebody else acted in between. */
  readonly lapsed: () => Promise<void>;
  readonly log: (message: string) => void;
}

/** Takes the lease; fails with `lease-lost` naming the holder when another one holds it. */
export async function holdLease(parts: LeaseParts): Promise<HeldLease> {
  const { driver, vm, holder, times, log, halt } = parts;
  const { clock } = driver;
  const isHalted = (): boolean => halt?.aborted === true;
  if (isHalted()) throw halted(vm.name, halt?.reason);
  const take = (): Promise<Lease> => driver.lease(vm.uuid, holder, { expireMs: times.leaseExpireMs });
  const over = new AbortController();
  const lost = new AbortController();
  let takenAt = await clock.now();
  let lease = await take();

  /** How long after it was taken it is to be renewed, in the platform's time (in which its end is told). */
  const dueAfter = (): number => (Math.max(0, Date.parse(lease.expiresAt) - takenAt) * times.leaseRenewMs) / times.leaseExpireMs;

  async function renew(): Promise<void> {
    try {
      const at = await clock.now();
      const next = await take();
      // Asked after it was taken: a process may have slept in between. Counts as held only once it is known that nobody else acted.
      if ((await clock.now()) >= Date.parse(lease.expiresAt)) await parts.lapsed();
      lease = next;
      takenAt = at;
    } catch (error) {
      if (isControlLost(error)) lost.abort(error);
      throw error;
    }
  }

  async function keepRenewing(): Promise<void> {
    while (!over.signal.aborted && !lost.signal.aborted) {
      try {
        await clock.sleep(Math.max(1, dueAfter()), 'operator', over.signal);
      } catch {
        return; // The run is over.
      }
      try {
        if (!over.signal.aborted) await renew();
      } catch (error) {
        // Tried again at the next turn; `check` refuses as soon as it cannot be renewed when it is due.
        log(`${vm.name}: renewing the lease failed: ${textOf(error)}`);
      }
    }
  }
  const renewing = keepRenewing();
  const giveUp = (): void => lost.abort(halted(vm.name, halt?.reason));
  halt?.addEventListener('abort', giveUp, { once: true });
  // It may have come while the lease was being taken.
  if (isHalted()) giveUp();

  return {
    lost: lost.signal,
    async check() {
      if (!lost.signal.aborted && (await clock.now()) - takenAt >= dueAfter()) await renew();
      if (lost.signal.aborted) throw lost.signal.reason;
    },
    async end() {
      halt?.removeEventListener('abort', giveUp);
      over.abort();
      await renewing;
      // Tried twice: it would keep the next run waiting.
      const release = (): Promise<void> => driver.release(vm.uuid, holder);
      await release()
        .catch(release)
        .catch((error: unknown) => log(`${vm.name}: releasing the lease failed, it expires by itself: ${textOf(error)}`));
    },
  };
}

/** Not one more effect, not one more write: the record says where the move is, and the next run goes on from there. */
const halted = (vm: string, reason: unknown): PlacementError =>
  new PlacementError('lease-lost', `${vm}: stopped at once, before its next effect: ${textOf(reason)}`, { vm, next: 'pulumi up goes on' });

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
