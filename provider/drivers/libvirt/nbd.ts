/** A client of NBD on any stream of bytes: many requests at once, structured replies, what is allocated and what is dirty. */
import type { Duplex } from 'node:stream';
import { PlacementError } from '../../core/errors.js';
import { formatBytes } from '../../core/units.js';
import { shakeHands, type NbdExport } from './nbd-handshake.js';
import { ByteReader } from './nbd-stream.js';

export interface NbdOptions {
  /** For a person, in errors: "The disk /a/b on host-a". */
  readonly about: string;
  readonly exportName?: string;
  /** Whose status is asked, as `base:allocation`, `qemu:dirty-bitmap:NAME`. @see NbdClient.blockStatus */
  readonly contexts?: readonly string[];
  /** For the handshake only: a server that has a client already lets another one wait. */
  readonly timeoutMs: number;
}

/** A stretch of a disk of one kind. What the flags mean depends on the context; in `base:allocation` 1 is a hole, 2 reads as zeroes. */
export interface Extent {
  readonly bytes: number;
  readonly flags: number;
}

interface Pending {
  readonly command: number;
  readonly offset: number;
  readonly bytes: number;
  readonly into: Buffer | null;
  /** Bytes of a read that have come. */
  read: number;
  readonly extents: Map<string, Extent[]>;
  error: PlacementError | null;
  readonly resolve: () => void;
  readonly reject: (error: PlacementError) => void;
}

export class NbdClient {
  private readonly pending = new Map<bigint, Pending>();
  private cookie = 0n;
  private over: PlacementError | null = null;

  private constructor(
    private readonly stream: Duplex,
    private readonly reader: ByteReader,
    readonly about: string,
    readonly exported: NbdExport,
  ) {
    void this.receive();
  }

  /** @throws PlacementError `platform`; the stream is destroyed then. */
  static async connect(stream: Duplex, { about, exportName = '', contexts = [], timeoutMs }: NbdOptions): Promise<NbdClient> {
    const reader = new ByteReader(stream);
    const late = setTimeout(() => reader.stop(new Error(`no answer within ${timeoutMs / 1000} s; it may have another client`)), timeoutMs);
    try {
      return new NbdClient(stream, reader, about, await shakeHands(stream, reader, { exportName, contexts }));
    } catch (cause) {
      stream.destroy();
      throw new PlacementError('platform', `${about} is not served as expected: ${(cause as Error).message}.`, { cause });
    } finally {
      clearTimeout(late);
    }
  }

  /** Fills `into` with what stands from `offset` on; holes are zeroes. */
  async read(offset: number, into: Buffer): Promise<void> {
    await this.request(Command.read, offset, into.length, { into });
  }

  /** `data` must not change before this is done. What was written is durable after the next flush. */
  async write(offset: number, data: Buffer): Promise<void> {
    await this.request(Command.write, offset, data.length, { data });
  }

  /** No data travels, and the server may make holes. */
  async writeZeroes(offset: number, bytes: number): Promise<void> {
    await this.request(Command.writeZeroes, offset, bytes);
  }

  /** All that was answered before this is durable after it. */
  async flush(): Promise<void> {
    if (this.exported.flushes) await this.request(Command.flush, 0, 0);
  }

  /** By context; begins at `offset`, and may end before the whole was told, never after it. */
  async blockStatus(offset: number, bytes: number): Promise<ReadonlyMap<string, readonly Extent[]>> {
    const { extents } = await this.request(Command.blockStatus, offset, bytes);
    for (const name of this.exported.contexts.values()) if (!extents.has(name)) throw this.failed(`it did not tell ${name} at ${offset}`);
    return extents;
  }

  /** Says good-bye; what is under way is rejected. */
  disconnect(): void {
    if (this.over !== null) return;
    this.send(Command.disconnect, 0n, 0, 0);
    this.stop(this.failed('it was disconnected'));
    this.stream.end();
  }

  private request(
    command: number,
    offset: number,
    bytes: number,
    { into = null, data }: { readonly into?: Buffer | null; readonly data?: Buffer } = {},
  ): Promise<Pending> {
    return new Promise((resolve, reject) => {
      if (this.over !== null) throw this.over;
      this.refuseOutside(command, offset, bytes);
      const cookie = (this.cookie += 1n);
      const request: Pending = {
        ...{ command, offset, bytes, into, read: 0, extents: new Map(), error: null, reject },
        resolve: () => resolve(request),
      };
      this.pending.set(cookie, request);
      this.send(command, cookie, offset, bytes);
      if (data !== undefined) this.stream.write(data);
    });
  }

  /** A server may end the connection at what it did not allow for. */
  private refuseOutside(command: number, offset: number, bytes: number): void {
    const { bytes: size, minBytes, maxBytes, readOnly, writesZeroes } = this.exported;
    if (command === Command.flush) return;
    const refuse = (why: string): never => {
      throw new PlacementError('internal', `${this.about}: ${requested(command, offset, bytes)} is not asked for: ${why}.`);
    };
    const end = offset + bytes;
    if (!Number.isSafeInteger(offset) || offset < 0 || bytes < 1 || end > size) refuse(`the disk has ${size} bytes`);
    if (offset % minBytes !== 0 || (end % minBytes !== 0 && end !== size)) refuse(`it goes by blocks of ${minBytes} bytes`);
    const carries = command === Command.read || command === Command.write;
    if (bytes > (carries ? maxBytes : 0xffffffff)) refuse('it is too long');
    const writes = command === Command.write || command === Command.writeZeroes;
    if (writes && readOnly) throw this.failed('it is served for reading only');
    if (command === Command.writeZeroes && !writesZeroes) throw this.failed('its server cannot write zeroes');
  }

  private send(command: number, cookie: bigint, offset: number, bytes: number): void {
    const head = Buffer.alloc(28);
    head.writeUInt32BE(0x25609513, 0);
    head.writeUInt16BE(command, 6);
    head.writeBigUInt64BE(cookie, 8);
    head.writeBigUInt64BE(BigInt(offset), 16);
    head.writeUInt32BE(bytes, 24);
    this.stream.write(head);
  }

  private async receive(): Promise<void> {
    try {
      for (;;) await this.receiveOne();
    } catch (cause) {
      this.stop(
        this.over ??
          (PlacementError.isInstance(cause) ? cause : this.failed(`its connection was lost: ${(cause as Error).message}`, cause)),
      );
      this.stream.destroy();
    }
  }

  private async receiveOne(): Promise<void> {
    const magic = (await this.reader.take(4)).readUInt32BE(0);
    if (magic === 0x67446698) {
      const rest = await this.reader.take(12);
      const [code, cookie] = [rest.readUInt32BE(0), rest.readBigUInt64BE(4)];
      const request = this.asked(cookie);
      if (code !== 0) request.error = this.refused(request, code, '');
      // Its data would have no length of its own; structured replies were agreed on.
      else if (request.command === Command.read || request.command === Command.blockStatus) throw this.garbled();
      return this.done(cookie, request);
    }
    if (magic !== 0x668e33ef) throw this.garbled();
    const rest = await this.reader.take(16);
    const cookie = rest.readBigUInt64BE(4);
    const request = this.asked(cookie);
    await this.chunk(request, rest.readUInt16BE(2), rest.readUInt32BE(12));
    if ((rest.readUInt16BE(0) & 1) !== 0) this.done(cookie, request);
  }

  private async chunk(request: Pending, type: number, length: number): Promise<void> {
    const { into } = request;
    if (type === Chunk.data && into !== null && length > 8) {
      const start = this.within(request, await this.reader.take(8), length - 8);
      await this.reader.fill(into.subarray(start, start + length - 8));
    } else if (type === Chunk.hole && into !== null && length === 12) {
      const data = await this.reader.take(12);
      const bytes = data.readUInt32BE(8);
      const start = this.within(request, data, bytes);
      into.fill(0, start, start + bytes);
    } else if (type === Chunk.status && request.command === Command.blockStatus && length >= 12 && length % 8 === 4 && length <= mostStatus)
      this.addExtents(request, await this.reader.take(length));
    else if (type >= Chunk.error && length >= 6 && length <= mostMessage) {
      const data = await this.reader.take(length);
      request.error ??= this.refused(request, data.readUInt32BE(0), data.toString('utf8', 6, 6 + data.readUInt16BE(4)));
    } else if (type !== Chunk.none || length !== 0) throw this.garbled();
  }

  /** Where in the buffer the bytes of a chunk belong. */
  private within(request: Pending, offset: Buffer, bytes: number): number {
    const start = Number(offset.readBigUInt64BE(0)) - request.offset;
    request.read += bytes;
    if (start < 0 || start + bytes > request.bytes || request.read > request.bytes) throw this.garbled();
    return start;
  }

  private addExtents(request: Pending, data: Buffer): void {
    const name = this.exported.contexts.get(data.readUInt32BE(0));
    if (name === undefined || request.extents.has(name)) throw this.garbled();
    const extents: Extent[] = [];
    let left = request.bytes;
    for (let at = 4; at < data.length && left > 0; at += 8) {
      // The last one may reach beyond what was asked.
      const bytes = Math.min(data.readUInt32BE(at), left);
      if (bytes === 0) throw this.garbled();
      left -= bytes;
      extents.push({ bytes, flags: data.readUInt32BE(at + 4) });
    }
    request.extents.set(name, extents);
  }

  private asked(cookie: bigint): Pending {
    const request = this.pending.get(cookie);
    if (request === undefined) throw this.garbled();
    return request;
  }

  private done(cookie: bigint, request: Pending): void {
    if (request.error === null && request.into !== null && request.read !== request.bytes) throw this.garbled();
    this.pending.delete(cookie);
    if (request.error === null) request.resolve();
    else request.reject(request.error);
  }

  private stop(error: PlacementError): void {
    this.over ??= error;
    const unanswered = [...this.pending.values()];
    this.pending.clear();
    for (const { reject } of unanswered) reject(error);
  }

  private refused({ command, offset, bytes }: Pending, code: number, said: string): PlacementError {
    const why = errnos[code] ?? `error ${code}`;
    return new PlacementError(
      'platform',
      `${this.about}: ${requested(command, offset, bytes)} failed: ${why}${said === '' ? '' : ` (${said})`}.`,
      code === ENOSPC ? { next: 'make room there' } : {},
    );
  }

  private failed(why: string, cause?: unknown): PlacementError {
    return new PlacementError('platform', `${this.about}: ${why}.`, { cause });
  }

  private garbled(): PlacementError {
    return this.failed('its server sent what was not asked for');
  }
}

const Command = { read: 0, write: 1, disconnect: 2, flush: 3, writeZeroes: 6, blockStatus: 7 } as const;
const Chunk = { none: 0, data: 1, hole: 2, status: 5, error: 0x8000 } as const;
const mostStatus = 16 * 1024 ** 2;
const mostMessage = 64 * 1024;

const verbs: Readonly<Record<number, string>> = {
  [Command.read]: 'reading',
  [Command.write]: 'writing',
  [Command.writeZeroes]: 'writing zeroes',
  [Command.blockStatus]: 'the status',
};

const requested = (command: number, offset: number, bytes: number): string =>
  command === Command.flush ? 'a flush' : `${verbs[command] ?? 'a request'} of ${formatBytes(bytes)} at byte ${offset}`;

const ENOSPC = 28;
const errnos: Readonly<Record<number, string>> = {
  1: 'not permitted',
  5: 'its storage has an error',
  12: 'the server is out of memory',
  22: 'the server does not accept it',
  [ENOSPC]: 'no space is left on its storage',
  75: 'it is too long',
  95: 'the server cannot do that',
  108: 'the server is ending',
};
