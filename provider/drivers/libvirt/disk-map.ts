/** What of a disk holds data and what reads as zeroes, as its NBD server tells. */
import { PlacementError } from '../../core/errors.js';
import type { Extent, NbdClient } from './nbd.js';

export interface Stretch {
  readonly offset: number;
  readonly bytes: number;
  /** `same`: not changed since the checkpoint of the bitmap. */
  readonly kind: 'data' | 'zero' | 'same';
}

/** A hole may hold anything: what counts is that it reads as zeroes. */
const ZERO = 2;
const DIRTY = 1;

/** A dirty bitmap, as this context of this server tells it. */
export interface Changes {
  readonly from: NbdClient;
  readonly context: string;
}

export interface Span {
  readonly from: number;
  readonly to: number;
  /** Only what it has marked is told as data or zeroes. */
  readonly changes?: Changes | null;
}

/** Without gaps, asked for as it is needed; neighbours of one kind may come apart. */
export async function* stretches(client: NbdClient, { from, to, changes = null }: Span): AsyncGenerator<Stretch> {
  let offset = from;
  while (offset < to) {
    const status = await client.blockStatus(offset, Math.min(to - offset, mostBytes));
    const allocated = extentsOf(client, status, 'base:allocation');
    const marked = changes === null ? null : await markedIn(changes, offset, to, client, status);
    for (const { bytes, kind } of marked === null ? allocated.map(ofAllocation) : changed(allocated, marked)) {
      yield { offset, bytes, kind };
      offset += bytes;
    }
  }
}

type Status = ReadonlyMap<string, readonly Extent[]>;

function extentsOf({ about }: NbdClient, status: Status, context: string): readonly Extent[] {
  const extents = status.get(context);
  if (extents === undefined) throw new PlacementError('internal', `${about} was connected without ${context}.`);
  return extents;
}

async function markedIn(
  { from, context }: Changes,
  offset: number,
  to: number,
  client: NbdClient,
  status: Status,
): Promise<readonly Extent[]> {
  return extentsOf(from, from === client ? status : await from.blockStatus(offset, Math.min(to - offset, mostBytes)), context);
}

const ofAllocation = ({ bytes, flags }: Extent): Omit<Stretch, 'offset'> => ({ bytes, kind: (flags & ZERO) === 0 ? 'data' : 'zero' });

/** As far as both tell: either may end before the other. */
function* changed(allocated: readonly Extent[], marked: readonly Extent[]): Generator<Omit<Stretch, 'offset'>> {
  let [i, j] = [0, 0];
  let [left, leftMarked] = [allocated[0]?.bytes ?? 0, marked[0]?.bytes ?? 0];
  for (;;) {
    const [extent, mark] = [allocated[i], marked[j]];
    if (extent === undefined || mark === undefined) return;
    const bytes = Math.min(left, leftMarked);
    yield { bytes, kind: (mark.flags & DIRTY) === 0 ? 'same' : ofAllocation(extent).kind };
    left -= bytes;
    leftMarked -= bytes;
    if (left === 0) left = allocated[(i += 1)]?.bytes ?? 0;
    if (leftMarked === 0) leftMarked = marked[(j += 1)]?.bytes ?? 0;
  }
}

/** A length has 32 bits. */
const mostBytes = 2 ** 32 - 2 ** 16;

/**
 * The same at offsets that are multiples of `block`: a block that is not of one kind counts as data. Data comes in pieces of at most
 * `mostData` bytes, which is a multiple of `block` too.
 */
export async function* pieces(
  disk: AsyncIterable<Stretch>,
  { from, size, block, mostData }: { readonly from: number; readonly size: number; readonly block: number; readonly mostData: number },
): AsyncGenerator<Stretch> {
  let at = from;
  /** Of the block at `at`, as far as it was told. */
  let begun: Stretch['kind'] | null = null;
  for await (const { offset, bytes, kind } of disk) {
    const end = offset + bytes;
    if (begun !== null && begun !== kind && kind !== 'data') {
      const length = Math.min(block, size - at);
      yield { offset: at, bytes: length, kind: 'data' };
      at += length;
    }
    const to = end === size ? size : kind === 'data' ? Math.min(Math.ceil(end / block) * block, size) : Math.floor(end / block) * block;
    while (at < to) {
      const length = kind === 'data' ? Math.min(to - at, mostData) : to - at;
      yield { offset: at, bytes: length, kind };
      at += length;
    }
    begun = end > at ? kind : null;
  }
}
