/**
 * The VM's lease is held by another run. One that lives renews it, and is left alone; one that was killed does not, and its lease is
 * waited for: whoever runs `pulumi up` a few seconds after a crash gets a finished move, not an error.
 */
import { command } from '../command.js';
import type { Lease } from '../driver.js';
import { PlacementError } from '../errors.js';
import type { PlacementRun, Session } from './session.js';

interface NamedVm {
  readonly name: string;
  readonly uuid: string;
}

/** Nothing was done: the lease could not be taken. */
export class LeaseHeld extends PlacementError {
  constructor(
    readonly on: NamedVm,
    readonly lease: Lease,
    cause: unknown,
    why = '',
  ) {
    super(
      'lease-lost',
      `${on.name}: ${lease.holder} is working on it${why}; its lease ends ${lease.expiresAt} unless renewed. Nothing was done.`,
      {
        vm: on.name,
        next: `let that run end (${command('status', on.name)} shows how far it is), then pulumi up`,
        cause,
      },
    );
    this.name = 'LeaseHeld';
  }
}

/** Does the work; where another run holds the lease, waits for the end of that, and does the work on what is there then. */
export async function afterItsEnd<T>(session: Session, run: PlacementRun, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LeaseHeld)) throw error;
    await itsEnd(session, error, run);
  }
  return work();
}

export async function leaseOf(session: Session, uuid: string, run: PlacementRun): Promise<Lease | null> {
  const { vms } = await session.driver.survey({ vms: [uuid] }, run.signal);
  return vms.find((vm) => vm.uuid === uuid)?.lease ?? null;
}

/** Throws when the holder shows that it lives. */
async function itsEnd(session: Session, { on, lease, cause }: LeaseHeld, run: PlacementRun): Promise<void> {
  const { clock } = session.driver;
  const end = Date.parse(lease.expiresAt);
  const wholeMs = end - (await clock.now());
  // What cannot be read counts as alive.
  if (Number.isNaN(wholeMs)) throw new LeaseHeld(on, lease, cause);
  run.emit({
    kind: 'notice',
    vm: on.name,
    message: `${on.name}: its lease is held by ${lease.holder}, which may have died. Waiting for its end at ${lease.expiresAt}, unless it is renewed.`,
  });
  const stop = run.halt === undefined ? run.signal : AbortSignal.any([run.signal, run.halt]);
  const shortestMs = Math.max(1, wholeMs / 100);
  for (let pauseMs = shortestMs; ; pauseMs = Math.min(1.5 * pauseMs, 10 * shortestMs)) {
    const leftMs = end - (await clock.now());
    if (leftMs < -wholeMs - graceMs) throw new LeaseHeld(on, lease, cause, ', although its lease should have ended');
    try {
      await clock.sleep(leftMs > 0 ? Math.min(pauseMs, leftMs + 1) : pauseMs, 'holder', stop);
    } catch (error) {
      throw stop.aborted ? givenUp(on, lease) : error;
    }
    const now = await leaseOf(session, on.uuid, run);
    if (now === null) return;
    if (now.holder !== lease.holder) throw new LeaseHeld(on, now, cause);
    // Not one that is told a little differently each time it is read.
    if (Date.parse(now.expiresAt) > end + jitterMs) throw new LeaseHeld(on, now, cause, ' and has just renewed its lease');
  }
}

const givenUp = ({ name }: NamedVm, { holder }: Lease): PlacementError =>
  new PlacementError('interrupted', `${name}: interrupted while it waited for the lease of ${holder} to end. Nothing was done.`, {
    vm: name,
    next: 'pulumi up',
  });

const jitterMs = 100;
const graceMs = 5000;
