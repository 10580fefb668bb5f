import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { compareDisks } from '../../../provider/drivers/libvirt/compare-disks.js';
import { NbdClient } from '../../../provider/drivers/libvirt/nbd.js';
import { NbdServer } from './nbd-server.js';

const KiB = 1024;
const marked = 'qemu:dirty-bitmap:b';
const source = Buffer.concat([randomBytes(64 * KiB), Buffer.alloc(64 * KiB), randomBytes(64 * KiB)]);

async function compared(target: Buffer, dirty?: readonly boolean[], signal = new AbortController().signal): Promise<void> {
  const options = dirty === undefined ? {} : { contexts: ['base:allocation', marked], dirty };
  const connect = (server: NbdServer, about: string, contexts: readonly string[]): Promise<NbdClient> =>
    NbdClient.connect(server.client, { about, contexts, timeoutMs: 2000 });
  const from = await connect(new NbdServer(source, options), 'The source', ['base:allocation', ...(dirty === undefined ? [] : [marked])]);
  const to = await connect(new NbdServer(target), 'The target', ['base:allocation']);
  const changes = dirty === undefined ? null : { from, context: marked };
  return compareDisks({ source: from, target: to, changes, signal, onProgress: () => undefined, onDurable: () => Promise.resolve() });
}

const changedAt = (offset: number): Buffer => {
  const copy = Buffer.from(source);
  copy[offset]! ^= 1;
  return copy;
};

test('disks that are the same are', () => expect(compared(Buffer.from(source))).resolves.toBeUndefined());

test.each([0, 64 * KiB + 5, 192 * KiB - 1])('one byte at %d is found, and where it is, also among zeroes', (offset) =>
  expect(compared(changedAt(offset))).rejects.toThrow(`The target and The source differ at byte ${offset}`),
);

test('of what was sent only that is compared', async () => {
  const blocks = (...changed: readonly number[]): readonly boolean[] => Array.from({ length: 48 }, (_, index) => changed.includes(index));
  await compared(changedAt(0), blocks(1, 20));
  await expect(compared(changedAt(0), blocks(0))).rejects.toThrow(/differ at byte 0 /);
  await expect(compared(changedAt(80 * KiB), blocks(20))).rejects.toThrow(/differ at byte 81920 /);
});

test('it is stopped as asked', () =>
  expect(compared(Buffer.from(source), undefined, AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' }));
