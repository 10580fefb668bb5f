/**
 * How a client and a server of NBD come to an understanding: fixed newstyle, structured replies, contexts, one export.
 * https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
 */
import type { Duplex } from 'node:stream';
import type { ByteReader } from './nbd-stream.js';

/** What the server offers. */
export interface NbdExport {
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly flushes: boolean;
  readonly writesZeroes: boolean;
  /** What every offset and length is a multiple of, except at the end of the disk. */
  readonly minBytes: number;
  /** The most that one read or write may carry. */
  readonly maxBytes: number;
  /** Names of contexts by the number that the server gave each. */
  readonly contexts: ReadonlyMap<number, string>;
}

/** @throws Error that says what the server did not do, without saying which server. */
export async function shakeHands(
  stream: Duplex,
  reader: ByteReader,
  wanted: { readonly exportName: string; readonly contexts: readonly string[] },
): Promise<NbdExport> {
  await greet(stream, reader);
  const ask = (option: number, data: Buffer, inform?: (type: number, data: Buffer) => void): Promise<void> =>
    negotiate(stream, reader, { option, data, inform });
  await ask(Option.structuredReply, Buffer.alloc(0));
  const contexts = new Map<number, string>();
  if (wanted.contexts.length > 0) {
    await ask(Option.setMetaContext, contextQuery(wanted), (type, data) => {
      if (type !== Reply.metaContext || data.length < 4) throw new Error('its list of contexts is not well formed');
      contexts.set(data.readUInt32BE(0), data.toString('utf8', 4));
    });
    const missing = wanted.contexts.find((name) => ![...contexts.values()].includes(name));
    if (missing !== undefined) throw new Error(`it has no context ${missing}`);
  }
  let size = null as { readonly bytes: number; readonly flags: number } | null;
  let block = { minBytes: 1, maxBytes: 32 * 1024 ** 2 };
  await ask(Option.go, goQuery(wanted.exportName), (type, data) => {
    if (type !== Reply.info || data.length < 2) throw new Error('what it tells of its export is not well formed');
    const kind = data.readUInt16BE(0);
    if (kind === Info.export && data.length === 12) size = { bytes: wholeNumber(data.readBigUInt64BE(2)), flags: data.readUInt16BE(10) };
    if (kind === Info.blockSize && data.length === 14) block = { minBytes: data.readUInt32BE(2), maxBytes: data.readUInt32BE(10) };
  });
  if (size === null) throw new Error('it does not tell the size of its export');
  const { bytes, flags } = size;
  if (block.minBytes < 1 || block.minBytes > 65536 || block.maxBytes < block.minBytes)
    throw new Error(`its block sizes make no sense: ${block.minBytes} to ${block.maxBytes}`);
  return { bytes, readOnly: (flags & 2) !== 0, flushes: (flags & 4) !== 0, writesZeroes: (flags & 64) !== 0, ...block, contexts };
}

const Option = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
const Reply = { ack: 1, info: 3, metaContext: 4 } as const;
const Info = { export: 0, blockSize: 3 } as const;

const nbdMagic = Buffer.from('NBDMAGIC');
const optionMagic = Buffer.from('IHAVEOPT');
const replyMagic = 0x0003e889045565a9n;
const FIXED_NEWSTYLE = 1;
const NO_ZEROES = 2;
/** No answer of a handshake comes near it. */
const mostBytes = 64 * 1024;

async function greet(stream: Duplex, reader: ByteReader): Promise<void> {
  const start = await reader.take(16);
  if (!start.subarray(0, 8).equals(nbdMagic)) throw new Error('what answers there is no NBD server');
  if (!start.subarray(8).equals(optionMagic)) throw new Error('it speaks an old style of NBD');
  const flags = (await reader.take(2)).readUInt16BE(0);
  if ((flags & FIXED_NEWSTYLE) === 0) throw new Error('it speaks an old style of NBD');
  stream.write(numbers(flags & (FIXED_NEWSTYLE | NO_ZEROES)));
}

/** Asks for one option, and hands on what is told before the server agrees. */
async function negotiate(
  stream: Duplex,
  reader: ByteReader,
  asked: {
    readonly option: number;
    readonly data: Buffer;
    readonly inform: ((type: number, data: Buffer) => void) | undefined;
  },
): Promise<void> {
  stream.write(Buffer.concat([optionMagic, numbers(asked.option, asked.data.length), asked.data]));
  for (;;) {
    const head = await reader.take(20);
    const [option, type, length] = [head.readUInt32BE(8), head.readUInt32BE(12), head.readUInt32BE(16)];
    if (head.readBigUInt64BE(0) !== replyMagic || option !== asked.option || length > mostBytes)
      throw new Error('its answer in the handshake is not well formed');
    const data = await reader.take(length);
    if (type === Reply.ack) return;
    if (type >= 0x80000000) {
      const why = refusals[type - 0x80000000] ?? `error ${type - 0x80000000}`;
      throw new Error(`it refuses ${names[asked.option] ?? 'an option'}: ${data.length === 0 ? why : data.toString('utf8')}`);
    }
    if (asked.inform === undefined) throw new Error('its answer in the handshake is not well formed');
    asked.inform(type, data);
  }
}

const names: Readonly<Record<number, string>> = {
  [Option.go]: 'the export',
  [Option.structuredReply]: 'structured replies, which QEMU has since 2.11',
  [Option.setMetaContext]: 'the contexts',
};

const refusals: Readonly<Record<number, string>> = {
  1: 'it does not know that',
  2: 'not allowed',
  3: 'not valid',
  5: 'it wants TLS',
  6: 'there is no such export',
  7: 'it is ending',
};

const contextQuery = ({ exportName, contexts }: { readonly exportName: string; readonly contexts: readonly string[] }): Buffer =>
  Buffer.concat([text(exportName), numbers(contexts.length), ...contexts.map(text)]);

function goQuery(exportName: string): Buffer {
  const infos = Buffer.alloc(4);
  infos.writeUInt16BE(1, 0);
  infos.writeUInt16BE(Info.blockSize, 2);
  return Buffer.concat([text(exportName), infos]);
}

function text(value: string): Buffer {
  const data = Buffer.from(value);
  return Buffer.concat([numbers(data.length), data]);
}

function numbers(...values: readonly number[]): Buffer {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => data.writeUInt32BE(value, 4 * index));
  return data;
}

function wholeNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error(`its size of ${value} bytes is beyond all bounds`);
  return Number(value);
}
