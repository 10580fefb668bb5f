/** One image from host to host: straight where the source's login reaches the target, else through this process. */
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { copyDisk, type DiskCopy } from './copy-disk.js';
import { copyDirectly, openTunnel, type Tunnel } from './direct-copy.js';
import { serveImage, type ServedImage } from './served-image.js';

export interface ImageCopy extends Omit<DiskCopy, 'source' | 'target'> {
  /** The same for the same disk of the same move, in every run. */
  readonly id: string;
  readonly path: string;
  /** On the target, where an image of this size is. */
  readonly pathThere: string;
  readonly format: 'qcow2' | 'raw';
  /** The two hosts are known to reach each other. */
  readonly direct: boolean;
  /** They do not, for this reason; what travels goes through this machine. */
  readonly onRelayed: (why: string) => void;
}

interface Ends {
  readonly from: Connection;
  readonly to: Connection;
}

/** @throws PlacementError as `copyDisk` and `serveImage` do. */
export async function copyImage(copy: ImageCopy, { from, to }: Ends): Promise<void> {
  const { id, path, pathThere, format, direct, signal } = copy;
  const images = [
    serveImage(from, { id: `${id} source`, path, format, access: 'read', signal }),
    serveImage(to, { id: `${id} target`, path: pathThere, format, access: 'write', withGuest: direct, signal }),
  ] as const;
  await served(images, async (source, target) => {
    const disk: DiskCopy = { ...copy, source: source.client, target: target.client };
    const tunnel = direct ? await tunnelTo(target, copy, { from, to }) : null;
    try {
      await (tunnel === null ? copyDisk(disk) : copyDirectly({ ...disk, host: from, tunnel, path, format }));
    } finally {
      await tunnel?.close();
    }
  });
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

async function tunnelTo({ socket }: ServedImage, { id, signal, onRelayed }: ImageCopy, { from, to }: Ends): Promise<Tunnel | null> {
  try {
    return await openTunnel(from, to, { id, socket, signal });
  } catch (error) {
    if (!PlacementError.isInstance(error) || error.code !== 'platform') throw error;
    onRelayed(error.message);
    return null;
  }
}
