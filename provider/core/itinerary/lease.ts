/** Holds the lease of one VM while a run works on it (rules.md §8.7): no effect without a valid lease. */
import type { Driver, Lease } from '../driver.js';
import { PlacementError } from '../errors.js';

/** A lease guards against other processes, so it lives in wall time, not in the platform's. */
export interface Timers {
  /** Monotonic, ms. */
  now(): number;
  /** Rejects when the signal aborts; must not keep the process alive. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

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
  readonly timers: Timers;
  /** Asked when the lease had run out before it was renewed: throws when somebody else acted in between. */
  readonly lapsed: () => Promise<void>;
  readonly log: (message: string) => void;
}

/** Takes the lease; fails with `lease-lost` naming the holder when another one holds it. */
export async function holdLease(parts: LeaseParts): Promise<HeldLease> {
  const { driver, vm, holder, times, timers, log } = parts;
  const take = (): Promise<Lease> => driver.lease(vm.uuid, holder, { expireMs: times.leaseExpireMs });
  const over = new AbortController();
  const lost = new AbortController();
  let lease = await take();
  let takenAt = timers.now();

  async function renew(): Promise<void> {
    try {
      const at = timers.now();
      const next = await take();
      // Compared within the platform's own times: what the new one says minus its length is when it was taken.
      const hadExpired = Date.parse(next.expiresAt) - times.leaseExpireMs > Date.parse(lease.expiresAt);
      lease = next;
      takenAt = at;
      if (hadExpired) await parts.lapsed();
    } catch (error) {
      if (PlacementError.isInstance(error) && (error.code === 'lease-lost' || error.code === 'conflict')) lost.abort(error);
      throw error;
    }
  }

  async function keepRenewing(): Promise<void> {
    while (!over.signal.aborted && !lost.signal.aborted) {
      try {
        await timers.sleep(times.leaseRenewMs, over.signal);
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

  return {
    lost: lost.signal,
    async check() {
      if (lost.signal.aborted) throw lost.signal.reason;
      if (timers.now() - takenAt >= times.leaseRenewMs) await renew();
    },
    async end() {
      over.abort();
      await renewing;
      try {
        await driver.release(vm.uuid, holder);
      } catch (error) {
        log(`${vm.name}: releasing the lease failed, it expires by itself: ${textOf(error)}`);
      }
    },
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
