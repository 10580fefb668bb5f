/** What of a disk holds data and what reads as zeroes, as its NBD server tells. */
import { PlacementError } from '../../core/errors.js';
import type { NbdClient } from './nbd.js';

export interface Stretch {
  readonly offset: number;
  readonly bytes: number;
  readonly kind: 'data' | 'zero';
}

/** A hole may hold anything: what counts is that it reads as zeroes. */
const ZERO = 2;

/** From `from` to `to`, without gaps, asked for as it is needed; neighbours of one kind may come apart. */
export async function* stretches(client: NbdClient, from: number, to: number): AsyncGenerator<Stretch> {
  let offset = from;
  while (offset < to) {
    const status = await client.blockStatus(offset, Math.min(to - offset, mostBytes));
    const extents = status.get('base:allocation');
    if (extents === undefined) throw new PlacementError('internal', `${client.about} was connected without base:allocation.`);
    for (const { bytes, flags } of extents) {
      yield { offset, bytes, kind: (flags & ZERO) === 0 ? 'data' : 'zero' };
      offset += bytes;
    }
  }
}

/** A length has 32 bits. */
const mostBytes = 2 ** 32 - 2 ** 16;

/**
 * The same at offsets that are multiples of `block`: what touches data counts as data. Data comes in pieces of at most `mostData` bytes,
 * which is a multiple of `block` too.
 */
export async function* pieces(
  disk: AsyncIterable<Stretch>,
  { from, size, block, mostData }: { readonly from: number; readonly size: number; readonly block: number; readonly mostData: number },
): AsyncGenerator<Stretch> {
  let at = from;
  for await (const { offset, bytes, kind } of disk) {
    const end = offset + bytes;
    const to = end === size ? size : kind === 'data' ? Math.min(Math.ceil(end / block) * block, size) : Math.floor(end / block) * block;
    while (at < to) {
      const length = kind === 'data' ? Math.min(to - at, mostData) : to - at;
      yield { offset: at, bytes: length, kind };
      at += length;
    }
  }
}
