/**
 * The process that copies one image, as its parent says, over connections of its own. It ends with its parent. Ciphers keep a core busy, and
 * would hold up the leases and answers of the parent.
 */
import process from 'node:process';
import { PlacementError } from '../../core/errors.js';
import { Connection } from './connection.js';
import type { CopyError, FromCopier, ToCopier } from './copy-messages.js';
import { copyImage } from './image-copy.js';

const stop = new AbortController();
let noted: ((failed: boolean) => void) | null = null;

/** Without a parent there is nobody to tell. */
const tell = (said: FromCopier): void => void process.send?.(said, undefined, undefined, () => undefined);

async function copy({ from, to, image }: Extract<ToCopier, { kind: 'copy' }>): Promise<void> {
  const jumps = new Map<string, Connection>();
  const [source, target] = [Connection.along(from, jumps), Connection.along(to, jumps)];
  try {
    await copyImage(
      {
        ...image,
        signal: stop.signal,
        onProgress: (progress) => tell({ kind: 'progress', progress }),
        onRelayed: (why) => tell({ kind: 'relayed', why }),
        async onDurable(offset) {
          const failed = await new Promise<boolean>((resolve) => {
            noted = resolve;
            // Whoever does not write it down for so long does not renew its lease either.
            setTimeout(resolve, notedWithinMs, true).unref();
            tell({ kind: 'durable', offset });
          });
          if (failed) throw new PlacementError('platform', `What is durable of ${image.path} was not written down.`);
        },
      },
      { from: source, to: target },
    );
  } finally {
    await Promise.all([source.close(), target.close()]);
  }
}

const notedWithinMs = 60_000;

function errorOf(thrown: unknown): CopyError {
  const { code, said, next } = PlacementError.isInstance(thrown) ? thrown : new PlacementError('internal', String(thrown));
  return { code, said, next };
}

process.on('message', (asked: ToCopier) => {
  if (asked.kind === 'stop') stop.abort();
  else if (asked.kind === 'noted') noted?.(asked.failed);
  else
    void copy(asked).then(
      () => tell({ kind: 'ended', error: null }),
      (error: unknown) => tell({ kind: 'ended', error: errorOf(error) }),
    );
});
// It is the parent that stops it, at a safe point.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
