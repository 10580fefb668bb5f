import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { fc, test as property } from '@fast-check/vitest';
import { expect, test, vi } from 'vitest';
import { PlacementError } from '../../../provider/core/errors.js';
import { copyDisk, type DiskCopy } from '../../../provider/drivers/libvirt/copy-disk.js';
import { Meter } from '../../../provider/drivers/libvirt/meter.js';
import { NbdClient } from '../../../provider/drivers/libvirt/nbd.js';
import { Command, NbdServer, simple, type ServerOptions } from './nbd-server.js';

const KiB = 1024;
const MiB = KiB ** 2;

const marked = 'qemu:dirty-bitmap:pm-1';

interface Given {
  readonly source: Buffer;
  readonly target?: Buffer;
  readonly sourceOptions?: ServerOptions;
  readonly targetOptions?: ServerOptions;
}

async function copying({ source, target = Buffer.alloc(source.length), sourceOptions = {}, targetOptions = {} }: Given) {
  const [from, to] = [new NbdServer(source, sourceOptions), new NbdServer(target, targetOptions)];
  const connect = (server: NbdServer, about: string, { contexts = ['base:allocation'] }: ServerOptions) =>
    NbdClient.connect(server.client, { about, contexts, timeoutMs: 2000 });
  const clients = { source: await connect(from, 'The source', sourceOptions), target: await connect(to, 'The target', targetOptions) };
  const durable: number[] = [];
  const progress = vi.fn<DiskCopy['onProgress']>();
  const copy = (more: Partial<DiskCopy> = {}): Promise<number> =>
    copyDisk({
      ...clients,
      signal: new AbortController().signal,
      onProgress: progress,
      // What is told is there already.
      onDurable: async (offset) => {
        expect(to.durable.subarray(0, offset).equals(source.subarray(0, offset))).toBe(true);
        durable.push(offset);
      },
      ...more,
    });
  return { from, to, copy, durable, progress, changes: { from: clients.source, context: marked } };
}

/** Of pieces of 64 KiB: data where it is true. */
const diskOf = (...data: readonly boolean[]): Buffer =>
  Buffer.concat(data.map((isData) => (isData ? randomBytes(64 * KiB) : Buffer.alloc(64 * KiB))));

property.prop(
  [fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), fc.nat({ max: 40 })],
  { numRuns: 40 },
)('whatever was on the target, from where it goes on it is the same then, and only data travelled', async (data, old, at) => {
  const source = diskOf(...data);
  const start = Math.min(at, data.length) * 64 * KiB;
  const target = Buffer.concat([source.subarray(0, start), diskOf(...old).subarray(start)]);
  const { from, to, copy, durable, progress } = await copying({ source, target });
  const sent = await copy({ start });
  expect(to.durable.subarray(0, source.length).equals(source)).toBe(true);
  expect(durable).toEqual([source.length]);
  const bytes = data.slice(start / (64 * KiB)).filter(Boolean).length * 64 * KiB;
  expect([sent, ...[from.of(Command.read), to.of(Command.write)].map((all) => all.reduce((sum, one) => sum + one.bytes, 0))]).toEqual([
    bytes,
    bytes,
    bytes,
  ]);
  for (const { offset } of [...from.of(Command.read), ...to.of(Command.write), ...to.of(Command.writeZeroes)])
    expect(offset).toBeGreaterThanOrEqual(start);
  expect(progress).toHaveBeenLastCalledWith({ bytes, total: bytes, rate: expect.any(Number) });
});

property.prop([fc.array(fc.record({ data: fc.boolean(), dirty: fc.boolean(), old: fc.boolean() }), { minLength: 1, maxLength: 60 })], {
  numRuns: 60,
})('of what has changed only that is sent, zeroes as zeroes; the rest of the target stays', async (blocks) => {
  const of = (isData: boolean): Buffer => (isData ? randomBytes(4 * KiB) : Buffer.alloc(4 * KiB));
  const source = Buffer.concat(blocks.map(({ data }) => of(data)));
  const target = Buffer.concat(blocks.map(({ old }) => of(old)));
  const wanted = Buffer.concat(
    blocks.map(({ dirty }, index) => (dirty ? source : target).subarray(index * 4 * KiB, (index + 1) * 4 * KiB)),
  );
  const dirty = blocks.map((block) => block.dirty);
  const { from, to, copy, changes } = await copying({
    ...{ source, target },
    sourceOptions: { contexts: ['base:allocation', marked], dirty },
  });
  const sent = await copy({ changes, onDurable: () => Promise.resolve() });
  expect(to.durable.equals(wanted)).toBe(true);
  const bytes = blocks.filter((block) => block.dirty && block.data).length * 4 * KiB;
  expect([sent, ...[from.of(Command.read), to.of(Command.write)].map((all) => all.reduce((sum, one) => sum + one.bytes, 0))]).toEqual([
    bytes,
    bytes,
    bytes,
  ]);
});

test('given a target of coarser blocks, then a block that has changed in part is sent whole, and none beside it', async () => {
  const [dirty, size] = [[false, true, false, false, ...Array.from({ length: 12 }, () => false)], 64 * KiB];
  for (const source of [randomBytes(size), Buffer.alloc(size)]) {
    const target = Buffer.concat([Buffer.from(source.subarray(0, 4 * KiB)), randomBytes(4 * KiB), Buffer.from(source.subarray(8 * KiB))]);
    const { from, to, copy, changes } = await copying({
      ...{ source, target },
      sourceOptions: { contexts: ['base:allocation', marked], dirty },
      targetOptions: { block: [16 * KiB, MiB] },
    });
    await copy({ changes });
    expect(to.durable.equals(source)).toBe(true);
    expect(from.of(Command.read).map(({ offset, bytes }) => [offset, bytes])).toEqual([[0, 16 * KiB]]);
  }
});

test('given a new target, then nothing is written where the source is zero', async () => {
  const { to, copy } = await copying({ source: diskOf(false, true, false) });
  await copy();
  expect(to.of(Command.writeZeroes)).toEqual([]);
});

test('at most 16 are under way, each of 1 MiB at most, and no more than either server takes', async () => {
  let [now, most] = [0, 0];
  const answer: ServerOptions['answer'] = async ({ command }, right) => {
    if (command !== Command.read) return right();
    most = Math.max(most, (now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    return right();
  };
  const { from, copy } = await copying({ source: randomBytes(20 * MiB), sourceOptions: { answer } });
  await copy();
  expect(most).toBe(16);
  expect(new Set(from.of(Command.read).map(({ bytes }) => bytes))).toEqual(new Set([MiB]));
  const small = await copying({ source: randomBytes(MiB), targetOptions: { block: [512, 128 * KiB] } });
  await small.copy();
  expect(new Set(small.to.of(Command.write).map(({ bytes }) => bytes))).toEqual(new Set([128 * KiB]));
});

test('given a target of coarser blocks, then what touches data is sent whole', async () => {
  const source = Buffer.concat([Buffer.alloc(4 * KiB), randomBytes(4 * KiB), Buffer.alloc(56 * KiB), randomBytes(5 * KiB)]);
  const { from, to, copy } = await copying({ source, targetOptions: { block: [16 * KiB, MiB] } });
  await copy();
  expect(to.durable.equals(source)).toBe(true);
  expect(from.of(Command.read).map(({ offset, bytes }) => [offset, bytes])).toEqual([
    [0, 16 * KiB],
    [64 * KiB, 5 * KiB],
  ]);
});

test('given a target that is too small, then nothing is sent', async () => {
  const { from, copy } = await copying({ source: diskOf(true, true), target: diskOf(true) });
  await expect(copy()).rejects.toThrow(/The target has 64 KiB \(65536 bytes\), fewer than The source with 128 KiB/);
  expect(from.asked).toEqual([]);
});

test('given the signal, then what is under way is finished, made durable and told, and the copy goes on from there', async () => {
  const stop = new AbortController();
  const source = randomBytes(40 * MiB);
  const { from, to, copy, durable } = await copying({
    source,
    sourceOptions: {
      answer: (asked, right) => {
        if (asked.command === Command.read && asked.offset === 20 * MiB) stop.abort();
        return right();
      },
    },
  });
  await expect(copy({ signal: stop.signal })).rejects.toMatchObject({
    code: 'interrupted',
    message: expect.stringContaining('The source'),
  });
  const [reached = 0, ...more] = durable;
  expect(more).toEqual([]);
  expect(reached).toBeGreaterThanOrEqual(20 * MiB);
  expect(reached).toBeLessThan(40 * MiB);
  from.asked.length = 0;
  await copy({ start: reached });
  expect(Math.min(...from.of(Command.read).map(({ offset }) => offset))).toBe(reached);
  expect(to.durable.equals(source)).toBe(true);
});

test('given a signal before the beginning, then nothing is sent', async () => {
  const { from, copy, durable } = await copying({ source: diskOf(true) });
  await expect(copy({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'interrupted' });
  expect([from.of(Command.read), durable]).toEqual([[], [0]]);
});

test('given a write that fails, then its error is told, and nothing from there on counts as durable', async () => {
  const { copy, durable } = await copying({
    source: randomBytes(40 * MiB),
    targetOptions: {
      answer: ({ command, cookie, offset }, right) => (command === Command.write && offset === 9 * MiB ? simple(cookie, 28) : right()),
    },
  });
  await expect(copy()).rejects.toThrow(/The target: writing of 1 MiB at byte 9437184 failed: no space is left/);
  expect(durable).toEqual([9 * MiB]);
});

test.each(['from', 'to'] as const)('given that the connection is lost (%s), then it ends with that', async (side) => {
  const answer: ServerOptions['answer'] = ({ offset }, right) => {
    if (offset < 20 * MiB) return right();
    servers[side].close();
    return null;
  };
  const servers = await copying({
    source: randomBytes(40 * MiB),
    ...(side === 'from' ? { sourceOptions: { answer } } : { targetOptions: { answer } }),
  });
  await expect(servers.copy()).rejects.toThrow(
    side === 'from' ? /The source: its connection was lost/ : /The target: its connection was lost/,
  );
  for (const offset of servers.durable) expect(offset).toBeLessThanOrEqual(20 * MiB);
  expect(servers.durable.length).toBe(side === 'from' ? 1 : 0);
});

test('given that what is durable cannot be kept, then it ends with that', async () => {
  const { copy } = await copying({ source: diskOf(true) });
  const lost = new PlacementError('lease-lost', 'Taken over.');
  await expect(copy({ onDurable: () => Promise.reject(lost) })).rejects.toBe(lost);
});

test('what is durable is told every five seconds, one at a time, and the copy goes on meanwhile', async () => {
  const size = 60 * MiB;
  let nowMs = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  try {
    const { to, copy, durable } = await copying({
      source: randomBytes(size),
      targetOptions: {
        answer: ({ command }, right) => {
          if (command === Command.write) nowMs += 500;
          return right();
        },
      },
    });
    const writes = (): number => to.of(Command.write).length;
    let [now, most] = [0, 0];
    await copy({
      onDurable: async (offset) => {
        most = Math.max(most, (now += 1));
        const before = writes();
        durable.push(offset);
        while (writes() < Math.min(before + 3, size / MiB)) await new Promise<void>((resolve) => process.nextTick(resolve));
        now -= 1;
      },
    });
    expect(most).toBe(1);
    expect(durable.length).toBeGreaterThanOrEqual(3);
    expect(durable.length).toBeLessThanOrEqual(7);
    expect(durable).toEqual(durable.toSorted((a, b) => a - b));
    expect(durable.at(-1)).toBe(size);
  } finally {
    clock.mockRestore();
  }
});

test('a limit is kept, smoothly, and the signal is heard while it waits', async () => {
  const { copy, from, progress } = await copying({ source: randomBytes(2 * MiB) });
  const began = performance.now();
  await copy({ bytesPerSecond: 2 * MiB });
  expect(performance.now() - began).toBeGreaterThan(700);
  expect(from.of(Command.read)[0]?.bytes).toBe(256 * KiB);
  expect(progress.mock.calls.length).toBeLessThan(20);
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const again = performance.now();
  await expect(copy({ bytesPerSecond: 1, signal: stop.signal })).rejects.toMatchObject({ code: 'interrupted' });
  expect(performance.now() - again).toBeLessThan(20_000);
});

test('progress is told four times a second at most, with the rate of the last seconds', () => {
  const told: [bytes: number, total: number, rate: number][] = [];
  let nowMs = 0;
  const meter = new Meter(
    ({ bytes, total, rate }) => told.push([bytes, total, rate]),
    () => nowMs,
  );
  meter.found(1000);
  for (; nowMs < 20_000; nowMs += 50) meter.sent(nowMs < 10_000 ? 10 : 1);
  expect(told.length).toBe(80);
  expect(told[20]).toEqual([1010, 1010, 200]);
  expect(told.at(-1)?.[2]).toBe(20);
});
