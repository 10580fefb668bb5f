import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileStore, memoryStore } from '../../../provider/drivers/embedded/store.js';
import { emptyWorld } from './store-world.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmp-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const writer = fileURLToPath(new URL('store-writer.ts', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));

test('given processes that write at once, then no change is lost and none overtakes another', { timeout: 30_000 }, async () => {
  const times = 20;
  const write = (who: string): Promise<unknown> =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', writer, folder, String(times), who], { cwd: root });
  await Promise.all([write('one'), write('two')]);
  const world = await fileStore(folder, emptyWorld).read();
  expect(world.leases['counter']?.expiresAt).toBe(2 * times);
  expect(world.journal.map(({ details }) => Number(details))).toEqual(Array.from({ length: 2 * times }, (_, index) => index + 1));
});

test.each([
  ['file', (path: string) => writeFile(path, '')],
  ['folder, as an earlier version had it', (path: string) => mkdir(path)],
])('given the lock of a process that was killed, a %s, when it is stale, then the next one takes it', async (_kind, make) => {
  const lock = join(folder, 'world.json.lock');
  await make(lock);
  const longAgo = new Date(Date.now() - 6000);
  await utimes(lock, longAgo, longAgo);
  await fileStore(folder, emptyWorld).update((world) => (world.begun = 7));
  expect((await fileStore(folder, emptyWorld).read()).begun).toBe(7);
  expect(await readdir(folder)).toEqual(['world.json']);
});

describe('given a store that somebody else holds', () => {
  const held = async (): Promise<() => Promise<void>> => {
    await fileStore(folder, emptyWorld).read();
    return lock(join(folder, 'world.json'), { realpath: false });
  };

  test('when it is given back, then who waited goes on, and nothing is lost', async () => {
    const release = await held();
    const waiting = fileStore(folder, emptyWorld).update((world) => (world.begun = 7));
    await expect(fileStore(folder, emptyWorld, 0).update(() => undefined)).rejects.toThrow('stayed locked');
    await release();
    expect(await waiting).toBe(7);
  });

  test('when it stays so, then the error names the file, who may hold it, and what to do', async () => {
    const release = await held();
    const file = join(folder, 'world.json');
    await expect(fileStore(folder, emptyWorld, 30).update((world) => (world.begun = 7))).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringMatching(
        new RegExp(`${file} stayed locked for 30ms: another program .*holds ${file}.lock .*Next: let that program go on or end it`),
      ),
    });
    expect((await fileStore(folder, emptyWorld).read()).begun).toBe(0);
    await release();
  });

  test('a hold keeps others off until it is over', async () => {
    const holding = fileStore(folder, emptyWorld).hold(2000);
    await until(async () => (await readdir(folder)).includes('world.json.lock'));
    // Pulumi walks through the project, this folder with it, and fails when a folder goes away under its eyes.
    expect((await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory())).toEqual([]);
    await expect(fileStore(folder, emptyWorld, 0).update(() => undefined)).rejects.toThrow('stayed locked');
    await holding;
    await fileStore(folder, emptyWorld, 0).update(() => undefined);
  });
});

describe.each([
  ['memory', () => memoryStore(emptyWorld)],
  ['file', () => fileStore(folder, emptyWorld)],
] as const)('the %s store', (_name, open) => {
  test('given a change that throws, then nothing of it is kept', async () => {
    const store = open();
    await store.update((world) => (world.begun = 1));
    await expect(
      store.update((world) => {
        world.begun = 2;
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect((await store.read()).begun).toBe(1);
  });

  test('what is read is private', async () => {
    const store = open();
    (await store.read()).begun = 99;
    expect((await store.read()).begun).toBe(0);
  });

  test('many updates at once in one process are all kept', async () => {
    const store = open();
    await Promise.all(Array.from({ length: 20 }, () => store.update((world) => (world.begun += 1))));
    expect((await store.read()).begun).toBe(20);
    expect(store.busy).toBe(0);
  });

  test('whoever asks after a write sees it, however many read meanwhile', async () => {
    const store = open();
    for (let begun = 1; begun <= 20; begun += 1) {
      const meanwhile = Array.from({ length: 5 }, () => store.peek());
      await store.update((world) => (world.begun = begun));
      const after = await Promise.all([store.peek(), store.read(), store.read(() => true)]);
      expect(after.map((world) => world.begun)).toEqual([begun, begun, begun]);
      await Promise.all(meanwhile);
    }
  });

  test('another world takes its place, whatever was there', async () => {
    const store = open();
    await store.update((world) => (world.begun = 5));
    await store.replace(emptyWorld());
    expect((await store.read()).begun).toBe(0);
  });
});

test('given a store of a newer version, then it is refused, naming the way out', async () => {
  await writeFile(join(folder, 'world.json'), JSON.stringify({ ...emptyWorld(), v: 3 }));
  await expect(fileStore(folder, emptyWorld).read()).rejects.toThrow(/version 3.*vmplacement embedded reset/);
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
