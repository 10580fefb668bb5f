import { describe, expect, test } from 'vitest';
import { isUnknown } from '../../../provider/core/inventory.js';
import { storageIdOf, type Folder } from '../../../provider/drivers/libvirt/storage.js';

const folder = (of: Partial<Folder>): Folder => ({
  host: 'a',
  path: '/pool',
  fileSystem: 'nfs',
  totalBytes: 2 ** 40,
  inode: '7',
  listing: 'd1',
  ...of,
});
const [a, b] = [folder({}), folder({ host: 'b', path: '/mnt/other' })];

describe('folders of two hosts', () => {
  test('that read the same are the same storage, whatever their paths', () => {
    expect(storageIdOf(a, [a, b])).toBe(storageIdOf(b, [a, b]));
    expect(storageIdOf(a, [a, b])).toEqual(expect.any(String));
  });

  test('given one that its host exports to the other, then it is not local', () => {
    const exported = folder({ fileSystem: 'ext2/ext3', totalBytes: 2 ** 40 + 4096 });
    expect(storageIdOf(exported, [exported, b])).toBe(storageIdOf(b, [exported, b]));
    expect(storageIdOf(exported, [exported])).toBeNull();
  });

  test('given both local, then they are never the same, as after a host was cloned', () => {
    const [one, clone] = ['a', 'b'].map((host) => folder({ host, fileSystem: 'xfs' }));
    expect([storageIdOf(one!, [one!, clone!]), storageIdOf(clone!, [one!, clone!])]).toEqual([null, null]);
  });

  test.each([
    ['the same folder of the same size with other files', { listing: 'd2' }, /may be the same as \/mnt\/other of b.*differs now/],
    ['the same folder, empty', { listing: null }, /empty or cannot be listed/],
    ['a file system whose inodes tell nothing', { fileSystem: 'fuseblk', inode: '9' }, /may be the same/],
  ])('given %s, then it is unknown', (_, change, why) => {
    const other = { ...b, ...change };
    const id = storageIdOf(a, [a, other]);
    expect(isUnknown(id) && id.unknown).toMatch(why);
    expect(isUnknown(storageIdOf(other, [a, other]))).toBe(true);
  });

  test.each([
    ['another folder of the same server', { inode: '9', listing: 'd2' }],
    ['a file system of another size', { totalBytes: 2 ** 41, fileSystem: 'fuseblk', listing: 'd2' }],
  ])('given %s, then they are two, and both are known', (_, change) => {
    const other = { ...b, ...change };
    const ids = [storageIdOf(a, [a, other]), storageIdOf(other, [a, other])];
    expect(ids).toEqual([expect.any(String), expect.any(String)]);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test('two folders of one host are not held against each other', () => {
    const second = folder({ path: '/pool2', listing: 'd2' });
    expect(isUnknown(storageIdOf(a, [a, second]))).toBe(false);
  });
});
