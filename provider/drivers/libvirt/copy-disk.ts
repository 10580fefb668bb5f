/**
 * The content of a disk from one NBD server to another, through this process. Zeroes do not travel. It can be stopped, and goes on from
 * what is durable on the target.
 */
import { setTimeout } from 'node:timers/promises';
import { PlacementError } from '../../core/errors.js';
import { formatBytes } from '../../core/units.js';
import { pieces, stretches, type Changes, type Stretch } from './disk-map.js';
import { Flight } from './flight.js';
import { Meter, type CopyProgress } from './meter.js';
import type { NbdClient } from './nbd.js';

export interface DiskCopy {
  /** With the context `base:allocation`, as the target. Nobody writes to it meanwhile. */
  readonly source: NbdClient;
  /** Of the source: only what it has marked is copied, the rest is on the target already. */
  readonly changes?: Changes | null;
  /** At least as large as the source. */
  readonly target: NbdClient;
  /** What an earlier copy told by `onDurable`: everything below is on the target already. */
  readonly start?: number;
  readonly bytesPerSecond?: number | null;
  /** Stops at a safe point. */
  readonly signal: AbortSignal;
  /** At most four times a second, and at the end. */
  readonly onProgress: (progress: CopyProgress) => void;
  /** Everything below this offset outlives a loss of power of the target. One call at a time; the copy goes on meanwhile. */
  readonly onDurable: (offset: number) => Promise<void>;
}

/**
 * @returns the bytes of data that were sent.
 * @throws PlacementError `interrupted` after the signal, `platform` where a server or a connection fails, and what `onDurable` throws.
 * What had reached the target until then is made durable and told before, where the target still answers.
 */
export async function copyDisk(copy: DiskCopy): Promise<number> {
  const { source, target, signal } = copy;
  refuseSmaller(source, target);
  const size = source.exported.bytes;
  const block = Math.max(source.exported.minBytes, target.exported.minBytes);
  const from = Math.floor(Math.min(copy.start ?? 0, size) / block) * block;
  const mostData = requestBytes(copy, block);
  const disk = (most: number): AsyncGenerator<Stretch> =>
    pieces(stretches(source, { from, to: size, changes: copy.changes ?? null }), { from, size, block, mostData: most });

  const meter = new Meter(copy.onProgress);
  const flight = new Flight({ depth, bufferBytes: mostData, from });
  const durable = new Durable(copy, flight, meter);
  const pace = paced(copy);
  const ended = new AbortController();
  count(disk(size), meter, ended.signal);
  try {
    for await (const piece of disk(mostData)) {
      if (piece.kind === 'data') await pace(piece.bytes);
      if (signal.aborted) break;
      await flight.begin(piece, (buffer) => carry(piece, copy, { buffer, meter }));
      durable.tellWhenDue();
    }
  } catch (error) {
    flight.fail(error);
  }
  await flight.landed();
  ended.abort();
  // Before what is durable is told: both are written down together, also where it was stopped.
  meter.report();
  await finish(copy, flight, durable);
  return meter.bytes;
}

/** As many as QEMU takes from one client at once; fewer leave the links idle, larger ones gain nothing (measured). */
const depth = 16;
const largest = 1024 ** 2;
const smallest = 64 * 1024;

/** With a limit they are smaller, so that it is kept within any half second too. */
function requestBytes({ source, target, bytesPerSecond = null }: DiskCopy, block: number): number {
  const wanted = bytesPerSecond === null ? largest : Math.min(largest, Math.max(smallest, bytesPerSecond / 8));
  const allowed = Math.min(wanted, source.exported.maxBytes, target.exported.maxBytes);
  return Math.max(Math.floor(allowed / block), 1) * block;
}

function refuseSmaller(source: NbdClient, target: NbdClient): void {
  const [have, need] = [target.exported.bytes, source.exported.bytes];
  if (have < need)
    throw new PlacementError(
      'platform',
      `${target.about} has ${formatBytes(have)} (${have} bytes), fewer than ${source.about} with ${formatBytes(need)} (${need} bytes).`,
      { next: 'remove it; it is made anew in the right size' },
    );
}

async function carry(
  piece: Stretch,
  { source, target }: DiskCopy,
  { buffer, meter }: { readonly buffer: Buffer; readonly meter: Meter },
): Promise<void> {
  if (piece.kind === 'same') return;
  if (piece.kind === 'zero') return clear(target, piece);
  const data = buffer.subarray(0, piece.bytes);
  await source.read(piece.offset, data);
  await target.write(piece.offset, data);
  meter.sent(piece.bytes);
}

/** Of a new image nothing is written: it reads as zeroes already. */
async function clear(target: NbdClient, { offset, bytes }: Stretch): Promise<void> {
  const { minBytes: block } = target.exported;
  const there = pieces(stretches(target, { from: offset, to: offset + bytes }), {
    from: offset,
    size: offset + bytes,
    block,
    mostData: 1024 ** 3,
  });
  for await (const part of there) if (part.kind === 'data') await target.writeZeroes(part.offset, part.bytes);
}

/** For the total only; where it fails, the copy fails of the same. */
function count(disk: AsyncIterable<Stretch>, meter: Meter, ended: AbortSignal): void {
  const counting = async (): Promise<void> => {
    for await (const { bytes, kind } of disk) {
      if (ended.aborted) return;
      if (kind === 'data') meter.found(bytes);
    }
  };
  counting().catch(() => undefined);
}

/** Waits so that no more than so many bytes go in a second; a copy that was held up may catch up on a tenth of a second. */
function paced({ bytesPerSecond = null, signal }: DiskCopy): (bytes: number) => Promise<void> {
  let dueMs = performance.now();
  return async (bytes) => {
    if (bytesPerSecond === null) return;
    const nowMs = performance.now();
    dueMs = Math.max(dueMs, nowMs - 100);
    const waitMs = dueMs - nowMs;
    dueMs += (bytes / bytesPerSecond) * 1000;
    // Whoever waits looks at the signal next.
    if (waitMs > 1) await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
  };
}

/** Flushes the target now and then, and tells what is durable. */
class Durable {
  private pending: Promise<void> | null = null;
  private last = { atMs: performance.now(), bytes: 0 };

  constructor(
    private readonly copy: Pick<DiskCopy, 'target' | 'onDurable'>,
    private readonly flight: Flight,
    private readonly meter: Meter,
  ) {}

  tellWhenDue(): void {
    const { atMs, bytes } = this.last;
    if (this.pending !== null || (performance.now() - atMs < 5000 && this.meter.bytes - bytes < 256 * 1024 ** 2)) return;
    this.pending = this.flush()
      .catch((error: unknown) => this.flight.fail(error))
      .then(() => {
        this.last = { atMs: performance.now(), bytes: this.meter.bytes };
        this.pending = null;
      });
  }

  async tellNow(): Promise<void> {
    await this.pending;
    await this.flush();
  }

  private async flush(): Promise<void> {
    // A flush is for what was acknowledged before it.
    const { reached } = this.flight;
    await this.copy.target.flush();
    await this.copy.onDurable(reached);
  }
}

async function finish({ source, signal }: DiskCopy, flight: Flight, durable: Durable): Promise<void> {
  const isComplete = flight.failed === null && flight.reached === source.exported.bytes;
  if (isComplete) return durable.tellNow();
  // The first failure is told; that this one fails too follows from it, or costs what is sent again.
  const late = await durable.tellNow().then(
    () => null,
    (error: unknown) => ({ error }),
  );
  if (!signal.aborted && flight.failed !== null) throw flight.failed.error;
  throw new PlacementError('interrupted', `The copy of ${source.about} was stopped as asked, at byte ${flight.reached}.`, {
    next: 'run again: it goes on from there',
    cause: (flight.failed ?? late)?.error,
  });
}
