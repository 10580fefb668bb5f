/** One image from host to host: straight where the source's login reaches the target, else through this process. */
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { copyDisk, type DiskCopy } from './copy-disk.js';
import { copyDirectly, openTunnel, type Tunnel } from './direct-copy.js';
import type { End } from './relay-messages.js';
import { Relay } from './relay.js';
import { serveImage, type ServedImage } from './served-image.js';

export interface ImageCopy extends Omit<DiskCopy, 'source' | 'target'> {
  readonly from: Connection;
  readonly to: Connection;
  /** The same for the same disk of the same move, in every run. */
  readonly id: string;
  readonly path: string;
  /** On the target, where an image of this size is. */
  readonly pathThere: string;
  readonly format: 'qcow2' | 'raw';
  /** The two hosts are known to reach each other. */
  readonly direct: boolean;
  /** They do not, for this reason; what travels goes through this process. */
  readonly onRelayed: (why: string) => void;
}

/** On connections of its own to both hosts, which end with it. @throws PlacementError as `copyDisk` and `serveImage` do. */
export async function copyImage(copy: ImageCopy): Promise<void> {
  const [from, to] = [copy.from.another(), copy.to.another()];
  try {
    await copyBetween({ ...copy, from, to });
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
}

async function copyBetween(copy: ImageCopy): Promise<void> {
  const { from, to, id, path, pathThere, format, direct, signal } = copy;
  const image = { format, guests: 1, signal };
  const early = direct ? null : new Relay(from.route, to.route);
  try {
    const images = [
      serveImage(from, { ...image, id: `${id} source`, path, access: 'read' }),
      serveImage(to, { ...image, id: `${id} target`, path: pathThere, access: 'write' }),
    ] as const;
    await served(images, async (source, target) => {
      const disk: DiskCopy = { ...copy, source: source.client, target: target.client };
      const tunnel = early === null ? await tunnelTo(target, copy) : null;
      if (tunnel === null) return relayed(early ?? new Relay(from.route, to.route), disk, { source, target });
      try {
        await copyDirectly({ ...disk, host: from, tunnel, path, format });
      } finally {
        await tunnel.close();
      }
    });
  } finally {
    await early?.close();
  }
}

async function relayed(
  relay: Relay,
  disk: DiskCopy,
  { source, target }: { readonly source: ServedImage; readonly target: ServedImage },
): Promise<void> {
  const end = ({ socket, client: { about } }: ServedImage): End => ({ socket, about });
  try {
    await relay.open(end(source), end(target), disk.signal);
    await copyDisk({ ...disk, carrier: relay });
  } finally {
    await relay.close();
  }
}

/** Both are closed after it. What fails first is what is told. */
async function served(
  images: readonly [Promise<ServedImage>, Promise<ServedImage>],
  use: (source: ServedImage, target: ServedImage) => Promise<void>,
): Promise<void> {
  const close = async (): Promise<void> => {
    const opened = (await Promise.allSettled(images)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const closed = await Promise.allSettled(opened.map((one) => one.close()));
    for (const one of closed) if (one.status === 'rejected') throw one.reason;
  };
  try {
    await use(...(await Promise.all(images)));
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  await close();
}

async function tunnelTo({ socket }: ServedImage, { from, to, id, signal, onRelayed }: ImageCopy): Promise<Tunnel | null> {
  try {
    return await openTunnel(from, to, { id, socket, signal });
  } catch (error) {
    if (!PlacementError.isInstance(error) || error.code !== 'platform') throw error;
    onRelayed(error.message);
    return null;
  }
}
