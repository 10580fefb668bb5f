/** Reads back what was copied, from both ends, and compares it. */
import { PlacementError } from '../../core/errors.js';
import { formatBytes } from '../../core/units.js';
import type { DiskCopy } from './copy-disk.js';
import { pieces, stretches } from './disk-map.js';
import { Flight } from './flight.js';

const depth = 8;
const most = 1024 ** 2;

/**
 * @throws PlacementError `platform` where a byte differs, `interrupted` after the signal. Zeroes of the source are looked for on the target too.
 */
export async function compareDisks({ source, target, changes = null, signal }: DiskCopy): Promise<void> {
  const size = source.exported.bytes;
  const block = Math.max(source.exported.minBytes, target.exported.minBytes);
  const flight = new Flight({ depth, bufferBytes: 2 * most, from: 0 });
  for await (const { offset, bytes, kind } of pieces(stretches(source, { from: 0, to: size, changes }), {
    from: 0,
    size,
    block,
    mostData: most,
  })) {
    if (kind === 'same') continue;
    for (let at = offset; at < offset + bytes; at += most) {
      if (signal.aborted) throw new PlacementError('interrupted', `The comparison of ${source.about} was stopped as asked.`);
      const length = Math.min(most, offset + bytes - at);
      await flight.begin({ offset: at, bytes: length }, async (buffer) => {
        const [here, there] = [buffer.subarray(0, length), buffer.subarray(most, most + length)];
        await Promise.all([kind === 'zero' ? here.fill(0) : source.read(at, here), target.read(at, there)]);
        if (!here.equals(there)) throw differ(source.about, target.about, at + firstDifference(here, there), length);
      });
    }
  }
  await flight.landed();
  if (flight.failed !== null) throw flight.failed.error;
}

const firstDifference = (a: Buffer, b: Buffer): number => a.findIndex((byte, index) => byte !== b[index]);

const differ = (source: string, target: string, at: number, length: number): PlacementError =>
  new PlacementError('platform', `${target} and ${source} differ at byte ${at} (compared in pieces of ${formatBytes(length)}).`, {
    next: 'look at the storage of the target; the next run sends everything again',
  });
