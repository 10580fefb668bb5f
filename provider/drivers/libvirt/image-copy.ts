/** One image from host to host: straight where the source's login reaches the target, else through this process. */
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { compareDisks } from './compare-disks.js';
import { copyDisk, type DiskCopy } from './copy-disk.js';
import { copyDirectly, openTunnel, type Tunnel } from './direct-copy.js';
import type { Changes } from './disk-map.js';
import { NbdClient } from './nbd.js';
import { bitmapContext, serveImage, type ServedImage } from './served-image.js';

export interface ImageCopy extends Omit<DiskCopy, 'source' | 'target' | 'changes'> {
  /** The same for the same disk of the same move, in every run. */
  readonly id: string;
  readonly path: string;
  /** On the target, where an image of this size is. */
  readonly pathThere: string;
  readonly format: 'qcow2' | 'raw';
  /** Of an image that a VM has open: QEMU itself serves what it held at one moment, on this socket of the source. */
  readonly served?: { readonly socket: string; readonly name: string };
  /** Name of a dirty bitmap of the source: only what it has marked is copied. */
  readonly bitmap?: string;
  /** What is read back from both ends after it, and compared. */
  readonly verify?: 'sent' | 'all';
  /** The two hosts are known to reach each other. */
  readonly direct: boolean;
  /** They do not, for this reason; what travels goes through this machine. */
  readonly onRelayed: (why: string) => void;
}

interface Ends {
  readonly from: Connection;
  readonly to: Connection;
}

/** @throws PlacementError as `copyDisk`, `compareDisks` and `serveImage` do. */
export async function copyImage(copy: ImageCopy, { from, to }: Ends): Promise<void> {
  const { id, path, pathThere, format, bitmap, signal, verify } = copy;
  // What is direct is done by `qemu-img`, which opens an image and knows nothing of bitmaps.
  const direct = copy.direct && copy.served === undefined && bitmap === undefined;
  const images = [
    openSource(from, copy),
    serveImage(to, { id: `${id} target`, path: pathThere, format, access: 'write', withGuest: direct, signal }),
  ] as const;
  await served(images, async ({ client, changes }, target) => {
    const disk: DiskCopy = { ...copy, changes, source: client, target: target.client };
    const tunnel = direct ? await tunnelTo(target, copy, { from, to }) : null;
    try {
      await (tunnel === null ? copyDisk(disk) : copyDirectly({ ...disk, host: from, tunnel, path, format }));
    } finally {
      await tunnel?.close();
    }
    if (verify !== undefined) await compareDisks({ ...disk, changes: verify === 'all' ? null : changes });
  });
}

interface Source {
  readonly client: NbdClient;
  readonly changes: Changes | null;
  close(): Promise<void>;
}

async function openSource(from: Connection, copy: ImageCopy): Promise<Source> {
  const { id, path, format, served: qemu, bitmap, signal } = copy;
  if (qemu !== undefined) return from.target.sudo ? servedAgain(from, copy, qemu) : servedByQemu(from, copy, qemu);
  const image = await serveImage(from, { id: `${id} source`, path, format, access: 'read', bitmap, signal });
  const { client } = image;
  return { client, changes: bitmap === undefined ? null : { from: client, context: bitmapContext(bitmap) }, close: () => image.close() };
}

type Export = NonNullable<ImageCopy['served']>;

async function servedByQemu(from: Connection, { path, bitmap }: ImageCopy, { socket, name }: Export): Promise<Source> {
  const context = bitmap === undefined ? null : bitmapContext(bitmap);
  const client = await NbdClient.connect(await from.socket(socket), {
    about: `The disk ${path} on ${from.target.name}`,
    exportName: name,
    contexts: ['base:allocation', ...(context === null ? [] : [context])],
    timeoutMs: handshakeMs,
  });
  return {
    client,
    changes: context === null ? null : { from: client, context },
    close: () => Promise.resolve(client.disconnect()),
  };
}

const handshakeMs = 20_000;

/**
 * For a login that cannot reach QEMU's socket: qemu-nbd, as root, serves what QEMU serves. It passes no bitmap on, but can tell one in place
 * of what is allocated, so there are two of it: what is dirty reads as a hole there (block/nbd.c of QEMU).
 */
async function servedAgain(from: Connection, { id, path, format, bitmap, signal }: ImageCopy, { socket, name }: Export): Promise<Source> {
  const comma = (text: string): string => text.replaceAll(',', ',,');
  const qemu = `driver=nbd,server.type=unix,server.path=${comma(socket)},export=${comma(name)}`;
  const open = (what: string, options: string): Promise<ServedImage> =>
    serveImage(from, { id: `${id} ${what}`, path, format, options, access: 'read', signal });
  const content = await open('source', qemu);
  if (bitmap === undefined) return { client: content.client, changes: null, close: () => content.close() };
  const dirty = await open('changes', `${qemu},x-dirty-bitmap=${comma(bitmapContext(bitmap))}`).catch(async (error: unknown) => {
    await content.close().catch(() => undefined);
    throw error;
  });
  return {
    client: content.client,
    changes: { from: dirty.client, context: 'base:allocation' },
    close: async () => {
      await dirty.close();
      await content.close();
    },
  };
}

/** Both are closed after it. What fails first is what is told. */
async function served(
  images: readonly [Promise<Source>, Promise<ServedImage>],
  use: (source: Source, target: ServedImage) => Promise<void>,
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
