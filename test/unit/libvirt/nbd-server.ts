/** An NBD server in this process, as small as tests need it, that can also misbehave. */
import { duplexPair, type Duplex } from 'node:stream';

export interface Asked {
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly bytes: number;
  readonly data: Buffer;
}

export interface ServerOptions {
  readonly flags?: number;
  readonly block?: readonly [min: number, max: number] | null;
  readonly contexts?: readonly string[];
  /** By block of 4 KiB: what a context with `dirty-bitmap` in its name marks. */
  readonly dirty?: readonly boolean[];
  /** Replies arrive in parts of so many bytes. */
  readonly split?: number;
  /** The first bytes instead of a greeting. */
  readonly greeting?: Buffer;
  /** The error that is given for an option. */
  readonly refuse?: Readonly<Record<number, number>>;
  /** Another answer than the right one; `null` for none at all. */
  readonly answer?: (asked: Asked, right: () => Buffer) => Buffer | null | Promise<Buffer | null>;
}

export const Command = { read: 0, write: 1, disconnect: 2, flush: 3, writeZeroes: 6, blockStatus: 7 } as const;
const BLOCK = 4096;
const zeroes = Buffer.alloc(BLOCK);
const WRITABLE = 1 | 4 | 64;

export class NbdServer {
  readonly asked: Asked[] = [];
  /** What had been written when it was last flushed. */
  durable: Buffer;
  readonly client: Duplex;
  private readonly own: Duplex;
  private readonly input: AsyncIterator<Buffer>;
  private rest = Buffer.alloc(0);

  constructor(
    readonly disk: Buffer,
    private readonly options: ServerOptions = {},
  ) {
    [this.client, this.own] = duplexPair();
    this.own.on('error', () => undefined);
    this.durable = Buffer.from(disk);
    this.input = this.own[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    // A client that goes away ends it.
    this.serve().catch(() => this.own.destroy());
  }

  /** The connection is over for the client. */
  close(): void {
    this.own.end();
  }

  send(data: Buffer): void {
    const { split = data.length } = this.options;
    for (let at = 0; at < data.length; at += split) this.own.write(data.subarray(at, at + split));
  }

  readonly of = (command: number): readonly Asked[] => this.asked.filter((one) => one.command === command);

  private async serve(): Promise<void> {
    this.send(this.options.greeting ?? Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT'), u16(3)]));
    await this.take(4);
    while (await this.option());
    for (;;) {
      const head = await this.take(28);
      const command = head.readUInt16BE(6);
      const bytes = head.readUInt32BE(24);
      const data = command === Command.write ? await this.take(bytes) : Buffer.alloc(0);
      const asked = { command, cookie: head.readBigUInt64BE(8), offset: Number(head.readBigUInt64BE(16)), bytes, data };
      this.asked.push(asked);
      if (command === Command.disconnect) return void this.own.end();
      void this.reply(asked);
    }
  }

  private async reply(asked: Asked): Promise<void> {
    const answer = this.options.answer === undefined ? this.right(asked) : await this.options.answer(asked, () => this.right(asked));
    if (answer !== null) this.send(answer);
  }

  /** false: the export was taken. */
  private async option(): Promise<boolean> {
    const head = await this.take(16);
    const [option, data] = [head.readUInt32BE(8), await this.take(head.readUInt32BE(12))];
    const tell = (type: number, ...parts: readonly Buffer[]): void => {
      const body = Buffer.concat(parts);
      this.send(Buffer.concat([u64(0x0003e889045565a9n), u32(option), u32(type), u32(body.length), body]));
    };
    const refusal = this.options.refuse?.[option];
    if (refusal !== undefined) {
      tell(0x80000000 + refusal);
      return true;
    }
    const { contexts = ['base:allocation'], flags = WRITABLE, block = [1, 32 * 1024 ** 2] } = this.options;
    if (option === 10) contexts.forEach((name, index) => data.includes(name) && tell(4, u32(index + 1), Buffer.from(name)));
    if (option === 7) {
      tell(3, u16(0), u64(BigInt(this.disk.length)), u16(flags));
      if (block !== null) tell(3, u16(3), u32(block[0]), u32(BLOCK), u32(block[1]));
    }
    tell(1);
    return option !== 7;
  }

  private right({ command, cookie, offset, bytes, data }: Asked): Buffer {
    switch (command) {
      case Command.read:
        return Buffer.concat([
          ...this.extents(offset, bytes, this.isZero).map(([at, length, isZero]) =>
            isZero
              ? chunk(cookie, 2, u64(BigInt(at)), u32(length))
              : chunk(cookie, 1, u64(BigInt(at)), this.disk.subarray(at, at + length)),
          ),
          lastChunk(cookie),
        ]);
      case Command.write:
        data.copy(this.disk, offset);
        return simple(cookie);
      case Command.writeZeroes:
        this.disk.fill(0, offset, offset + bytes);
        return simple(cookie);
      case Command.blockStatus: {
        const { contexts = ['base:allocation'] } = this.options;
        const allocated = this.extents(offset, bytes, this.isZero);
        const { dirty } = this.options;
        const marked = this.extents(offset, bytes, (at) => dirty?.[Math.floor(at / BLOCK)] ?? false);
        const told = (name: string): readonly Buffer[] =>
          name.includes('dirty-bitmap') && dirty !== undefined
            ? marked.flatMap(([, length, isDirty]) => [u32(length), u32(isDirty ? 1 : 0)])
            : allocated.flatMap(([, length, isZero]) => [u32(length), u32(isZero ? 3 : 0)]);
        return Buffer.concat([...contexts.map((name, index) => chunk(cookie, 5, u32(index + 1), ...told(name))), lastChunk(cookie)]);
      }
      default:
        this.durable = Buffer.from(this.disk);
        return simple(cookie);
    }
  }

  private readonly isZero = (at: number, end: number): boolean => zeroes.subarray(0, end - at).equals(this.disk.subarray(at, end));

  private extents(
    offset: number,
    bytes: number,
    is: (at: number, end: number) => boolean,
  ): readonly (readonly [at: number, bytes: number, is: boolean])[] {
    const found: [number, number, boolean][] = [];
    for (let at = offset; at < offset + bytes;) {
      const end = Math.min((Math.floor(at / BLOCK) + 1) * BLOCK, offset + bytes);
      const kind = is(at, end);
      const last = found.at(-1);
      if (last?.[2] === kind) last[1] += end - at;
      else found.push([at, end - at, kind]);
      at = end;
    }
    return found;
  }

  private async take(bytes: number): Promise<Buffer> {
    while (this.rest.length < bytes) {
      const { value, done } = await this.input.next();
      if (done === true) throw new Error('the client is gone');
      this.rest = Buffer.concat([this.rest, value]);
    }
    const taken = this.rest.subarray(0, bytes);
    this.rest = this.rest.subarray(bytes);
    return taken;
  }
}

export const simple = (cookie: bigint, error = 0): Buffer => Buffer.concat([u32(0x67446698), u32(error), u64(cookie)]);

export function chunk(cookie: bigint, type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(0x668e33ef), u16(0), u16(type), u64(cookie), u32(body.length), body]);
}

export const lastChunk = (cookie: bigint): Buffer => Buffer.concat([u32(0x668e33ef), u16(1), u16(0), u64(cookie), u32(0)]);

export const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
export function u32(value: number): Buffer {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(value);
  return data;
}
export function u64(value: bigint): Buffer {
  const data = Buffer.alloc(8);
  data.writeBigUInt64BE(value);
  return data;
}
