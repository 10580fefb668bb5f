/**
 * Which folders of two hosts are the same storage: proved by what each of them reads there, never by a path or the name of a server.
 * Only names and inodes are compared: they stand still while guests write.
 */
import { basename } from 'node:path';
import { isUnknown, unknown, type Disk, type Maybe } from '../../core/inventory.js';
import type { PoolPlace } from './survey-host.js';

/** What one host reads of a folder. */
export interface Folder {
  readonly host: string;
  readonly path: string;
  /** As `stat -f` calls the file system. */
  readonly fileSystem: string;
  /** Of the whole file system, bytes. */
  readonly totalBytes: number;
  /** Of the folder itself. */
  readonly inode: string;
  /** A digest of the names and inodes in it; null: it is empty, or the login may not list it. */
  readonly listing: string | null;
}

/** File systems that no two hosts can mount at once. One of them may be exported to others by network. */
const local = ['ext2/ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'tmpfs', 'overlayfs', 'f2fs', 'bcachefs', 'jfs', 'reiserfs'];
/** Those that tell every host the inode that the server has. */
const faithful = [...local, 'nfs', 'ceph', 'ocfs2', 'gfs/gfs2', 'gpfs', 'lustre', 'smb2', 'cifs'];

/** The same text: the same storage. `null`: it belongs to this host alone. Unknown: it may be that of another host, or not. */
export function storageIdOf(folder: Folder, others: readonly Folder[]): Maybe<string | null> {
  const elsewhere = others.filter(({ host, fileSystem }) => host !== folder.host && !(isLocal(folder.fileSystem) && isLocal(fileSystem)));
  const proof = proofOf(folder);
  if (proof !== null && elsewhere.some((other) => proofOf(other) === proof)) return proof;
  const doubtful = elsewhere.find((other) => mayBeSame(folder, other));
  if (doubtful !== undefined)
    return unknown(
      `${folder.path} (${folder.fileSystem}) may be the same as ${doubtful.path} of ${doubtful.host}: ${
        folder.listing === null || doubtful.listing === null ? 'one of them is empty or cannot be listed' : 'what lies in them differs now'
      }`,
    );
  return isLocal(folder.fileSystem) ? null : (proof ?? `${folder.host}:${folder.path}`);
}

const isLocal = (fileSystem: string): boolean => local.includes(fileSystem);

const proofOf = ({ inode, listing }: Folder): string | null => (listing === null ? null : `${inode}:${listing}`);

/** A network file system rounds the size of what it exports to its own blocks. */
const ROUNDING = 2 ** 22;

function mayBeSame(a: Folder, b: Folder): boolean {
  if (Math.abs(a.totalBytes - b.totalBytes) > ROUNDING) return false;
  const tell = [a, b].every(({ fileSystem }) => faithful.includes(fileSystem));
  return !tell || a.inode === b.inode;
}

/** Why a disk may be on storage that a host with these pools sees too; null: it is known whether. Local storage is never another host's. */
export function sharingDoubt({ storageId }: Pick<Disk, 'storageId'>, there: readonly PoolPlace[]): string | null {
  if (storageId === null) return null;
  if (isUnknown(storageId)) return storageId.unknown;
  return there.map((pool) => pool.storageId).find(isUnknown)?.unknown ?? null;
}

/** Where a host with these pools sees a disk on storage that it shares; null: by the same pool and path. */
export function otherPath(disk: Disk, there: readonly PoolPlace[]): string | null {
  const pools = there.filter(({ storageId }) => storageId === disk.storageId);
  const path = (pool: PoolPlace): string => `${pool.path ?? ''}/${basename(disk.path)}`;
  const isSame = pools.some((pool) => pool.name === disk.pool && path(pool) === disk.path);
  return isSame || pools[0] === undefined ? null : path(pools[0]);
}
