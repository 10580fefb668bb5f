import { randomBytes } from 'node:crypto';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { NbdClient, type NbdOptions } from '../../../provider/drivers/libvirt/nbd.js';
import { Command, NbdServer, chunk, lastChunk, simple, u16, u32, u64, type ServerOptions } from './nbd-server.js';

const KiB = 1024;
const about = 'The image /a on host-a';

/** Data, a hole, data. */
const someDisk = (): Buffer => Buffer.concat([randomBytes(64 * KiB), Buffer.alloc(64 * KiB), randomBytes(64 * KiB)]);

async function connected(options: ServerOptions & Partial<NbdOptions> = {}): Promise<{ server: NbdServer; client: NbdClient }> {
  const server = new NbdServer(someDisk(), options);
  const { contexts = ['base:allocation'], timeoutMs = 2000 } = options;
  return { server, client: await NbdClient.connect(server.client, { about, contexts, timeoutMs }) };
}

describe('a handshake', () => {
  test('tells what is served', async () => {
    const { client } = await connected({ block: [512, 1024 * KiB], contexts: ['base:allocation', 'qemu:dirty-bitmap:b'] });
    expect(client.exported).toEqual({
      bytes: 192 * KiB,
      readOnly: false,
      flushes: true,
      writesZeroes: true,
      minBytes: 512,
      maxBytes: 1024 * KiB,
      contexts: new Map([
        [1, 'base:allocation'],
        [2, 'qemu:dirty-bitmap:b'],
      ]),
    });
  });

  test('without block sizes takes those of the protocol', async () => {
    const { client } = await connected({ block: null });
    expect(client.exported).toMatchObject({ minBytes: 1, maxBytes: 32 * KiB ** 2 });
  });

  test.each<[string, ServerOptions & Partial<NbdOptions>, RegExp]>([
    ['with what is no NBD', { greeting: Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n') }, /no NBD server/],
    ['of the old style', { greeting: Buffer.concat([Buffer.from('NBDMAGIC'), u64(0x00420281861253n)]) }, /old style/],
    ['that is not fixed', { greeting: Buffer.concat([Buffer.from('NBDMAGICIHAVEOPT'), u16(0)]) }, /old style/],
    ['without structured replies', { refuse: { 8: 1 } }, /refuses structured replies.*does not know/],
    ['without the export', { refuse: { 7: 6 } }, /refuses the export: there is no such export/],
    ['without the context', { contexts: [] }, /has no context base:allocation/],
    ['with senseless blocks', { block: [0, 0] }, /block sizes make no sense/],
    ['that does not go on', { greeting: Buffer.from('NBDMAGIC'), timeoutMs: 50 }, /no answer within 0.05 s.*another client/],
  ])('%s fails and says so', async (_how, options, message) => {
    const server = new NbdServer(someDisk(), options);
    const connecting = NbdClient.connect(server.client, { about, contexts: ['base:allocation'], timeoutMs: options.timeoutMs ?? 2000 });
    await expect(connecting).rejects.toMatchObject({ code: 'platform', message: expect.stringMatching(message) });
    await expect(connecting).rejects.toThrow(about);
    expect(server.client.destroyed).toBe(true);
  });

  test('that ends early fails at once', async () => {
    const server = new NbdServer(someDisk(), { greeting: Buffer.from('NBDMAG') });
    setImmediate(() => server.close());
    await expect(NbdClient.connect(server.client, { about, timeoutMs: 60_000 })).rejects.toThrow(/the connection was closed/);
  });
});

describe('requests', () => {
  property.prop([fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 192 * KiB - 1 }), fc.integer({ min: 1, max: 192 * KiB })], {
    numRuns: 25,
  })('give what stands there, wherever the replies are cut', async (split, offset, bytes) => {
    const { server, client } = await connected({ split });
    const into = Buffer.alloc(Math.min(bytes, 192 * KiB - offset), 7);
    await client.read(offset, into);
    expect(into.equals(server.disk.subarray(offset, offset + into.length))).toBe(true);
  });

  test('change what stands there', async () => {
    const { server, client } = await connected();
    const data = randomBytes(4 * KiB);
    await client.write(64 * KiB, data);
    await client.writeZeroes(0, 64 * KiB);
    expect(server.disk.subarray(64 * KiB, 68 * KiB).equals(data)).toBe(true);
    expect(server.disk.subarray(0, 64 * KiB).equals(Buffer.alloc(64 * KiB))).toBe(true);
    expect(server.durable.equals(server.disk)).toBe(false);
    await client.flush();
    expect(server.durable.equals(server.disk)).toBe(true);
  });

  test('tell what is allocated and what is dirty, not beyond what was asked', async () => {
    const contexts = ['base:allocation', 'qemu:dirty-bitmap:b'];
    const { client } = await connected({ contexts });
    const status = await client.blockStatus(32 * KiB, 160 * KiB);
    for (const name of contexts)
      expect(status.get(name)).toEqual([
        { bytes: 32 * KiB, flags: 0 },
        { bytes: 64 * KiB, flags: 3 },
        { bytes: 64 * KiB, flags: 0 },
      ]);
    const { client: generous } = await connected({
      answer: ({ cookie }) => Buffer.concat([chunk(cookie, 5, u32(1), u32(1024 * KiB), u32(0)), lastChunk(cookie)]),
    });
    expect((await generous.blockStatus(0, 4 * KiB)).get('base:allocation')).toEqual([{ bytes: 4 * KiB, flags: 0 }]);
  });

  test('may be many at once, and be answered in any order', async () => {
    const answers: (() => void)[] = [];
    const { server, client } = await connected({
      answer: (_asked, right) =>
        new Promise((resolve) => {
          answers.push(() => resolve(right()));
          if (answers.length === 16) for (const answer of answers.toReversed()) answer();
        }),
    });
    const buffers = Array.from({ length: 16 }, () => Buffer.alloc(12 * KiB));
    await Promise.all(buffers.map((into, index) => client.read(index * 12 * KiB, into)));
    expect(Buffer.concat(buffers).equals(server.disk)).toBe(true);
  });

  test('that fail say what failed and why; the others go on', async () => {
    const { client } = await connected({
      answer: ({ command, cookie }, right) => {
        if (command === Command.write) return simple(cookie, 28);
        if (command === Command.read) return Buffer.concat([chunk(cookie, 0x8001, u32(5), u16(3), Buffer.from('bad')), lastChunk(cookie)]);
        return right();
      },
    });
    await expect(client.write(4 * KiB, Buffer.alloc(KiB))).rejects.toMatchObject({
      code: 'platform',
      message: `${about}: writing of 1 KiB at byte 4096 failed: no space is left on its storage. Next: make room there`,
    });
    await expect(client.read(0, Buffer.alloc(KiB))).rejects.toThrow(/reading of 1 KiB at byte 0 failed: its storage has an error \(bad\)/);
    await client.flush();
  });

  test('are refused before they are sent where the server did not allow for them', async () => {
    const { server, client } = await connected({ block: [512, 64 * KiB] });
    for (const asked of [
      client.read(0, Buffer.alloc(65 * KiB)),
      client.read(100, Buffer.alloc(512)),
      client.read(0, Buffer.alloc(100)),
      client.write(191 * KiB, Buffer.alloc(2 * KiB)),
      client.writeZeroes(-512, 512),
      client.blockStatus(0, 0),
    ])
      await expect(asked).rejects.toMatchObject({ code: 'internal' });
    expect(server.asked).toEqual([]);
    const { client: reader } = await connected({ flags: 3 });
    await expect(reader.write(0, Buffer.alloc(512))).rejects.toThrow(/for reading only/);
  });

  test('are all rejected at once when the connection is lost, and later ones too', async () => {
    const { server, client } = await connected({ answer: () => null });
    const waiting = [client.read(0, Buffer.alloc(KiB)), client.write(0, Buffer.alloc(KiB)), client.flush()];
    setImmediate(() => server.close());
    for (const one of await Promise.allSettled(waiting))
      expect(one).toMatchObject({
        status: 'rejected',
        reason: { code: 'platform', message: expect.stringMatching(/connection was lost/) },
      });
    await expect(client.flush()).rejects.toThrow(/connection was lost/);
  });

  test('end with a good-bye', async () => {
    const { server, client } = await connected({ answer: () => null });
    const waiting = client.flush();
    client.disconnect();
    client.disconnect();
    await expect(waiting).rejects.toThrow(/was disconnected/);
    await expect.poll(() => server.of(Command.disconnect).length).toBe(1);
  });
});

describe('a server that sends nonsense is left', () => {
  const read = 4 * KiB;
  test.each<[string, (cookie: bigint) => Buffer]>([
    ['another magic', () => Buffer.alloc(32, 1)],
    ['an answer to nobody', (cookie) => simple(cookie + 1n)],
    ['a read without its length', (cookie) => simple(cookie)],
    ['data before what was asked', (cookie) => chunk(cookie, 1, u64(0n), Buffer.alloc(KiB))],
    ['data beyond what was asked', (cookie) => chunk(cookie, 1, u64(BigInt(8 * KiB)), Buffer.alloc(KiB))],
    ['a hole beyond what was asked', (cookie) => chunk(cookie, 2, u64(BigInt(4 * KiB)), u32(0xffffffff))],
    ['too little data', (cookie) => Buffer.concat([chunk(cookie, 1, u64(BigInt(4 * KiB)), Buffer.alloc(KiB)), lastChunk(cookie)])],
    [
      'the same data twice',
      (cookie) => {
        const whole = chunk(cookie, 1, u64(BigInt(4 * KiB)), Buffer.alloc(read));
        return Buffer.concat([whole, whole, lastChunk(cookie)]);
      },
    ],
    ['a status to a read', (cookie) => chunk(cookie, 5, u32(1), u32(1), u32(1))],
    ['a chunk of an unknown kind', (cookie) => chunk(cookie, 99, u32(1))],
    ['an enormous error', (cookie) => Buffer.concat([u32(0x668e33ef), u16(1), u16(0x8001), u64(cookie), u32(0xffffffff)])],
  ])('%s', async (_what, nonsense) => {
    const { server, client } = await connected({ answer: ({ cookie }) => nonsense(cookie) });
    await expect(client.read(4 * KiB, Buffer.alloc(read))).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringContaining(about),
    });
    expect(server.client.destroyed).toBe(true);
  });

  test.each<[string, (cookie: bigint) => Buffer]>([
    ['an extent of nothing', (cookie) => chunk(cookie, 5, u32(1), u32(0), u32(0))],
    ['an unknown context', (cookie) => chunk(cookie, 5, u32(9), u32(1), u32(0))],
    ['no context at all', (cookie) => lastChunk(cookie)],
    ['data', (cookie) => chunk(cookie, 1, u64(0n), Buffer.alloc(8))],
  ])('to a question of status: %s', async (_what, nonsense) => {
    const { client } = await connected({ answer: ({ cookie }) => nonsense(cookie) });
    await expect(client.blockStatus(0, read)).rejects.toMatchObject({ code: 'platform' });
  });
});
