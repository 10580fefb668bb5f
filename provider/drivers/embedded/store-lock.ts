/** The lock of the store's file: held by one process at a time, and free by itself after the death of its holder. */
import { close, open, rm, rmSync, stat, utimes, type NoParamCallback } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { PlacementError } from '../../core/errors.js';
import { formatDuration } from '../../core/units.js';

/** The lock of a process that died is free after so long. */
export const staleMs = 5000;

/**
 * The library's lock is a folder; ours is a file. The store lies in the project, which Pulumi walks through before every run, and a folder
 * that goes away under its eyes ends that run ("failed to discover package requirements: … no such file or directory", Pulumi 3.259).
 */
const asFile = {
  stat,
  utimes,
  mkdir: (path: string, done: NoParamCallback): void =>
    open(path, 'wx', (error, file) => (error === null ? close(file, done) : done(error))),
  // Recursive: the lock of an earlier version is a folder.
  rmdir: (path: string, done: NoParamCallback): void => rm(path, { recursive: true }, done),
  rmdirSync: (path: string): void => rmSync(path, { recursive: true }),
};

/** Waits for `patienceMs` at most. `onCompromised` is told when the lock was lost without having been given back. */
export async function take(path: string, patienceMs: number, onCompromised: () => void): Promise<() => Promise<void>> {
  // Loaded for the first write: a preview only reads.
  const { lock } = await import('proper-lockfile');
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await lock(path, { realpath: false, stale: staleMs, onCompromised, fs: asFile });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED')
        throw new PlacementError('platform', `The embedded store ${path} could not be locked: ${textOf(error)}.`, {
          next: 'look at the rights and the room of its folder, then run again',
          cause: error,
        });
      if (performance.now() > deadline) throw busy(path, patienceMs, error);
      await pause(2 + Math.random() * 15);
    }
  }
}

const busy = (path: string, patienceMs: number, cause: unknown): PlacementError =>
  new PlacementError(
    'platform',
    `The embedded store ${path} stayed locked for ${formatDuration(patienceMs)}: another program that uses it (pulumi, vmplacement, or ` +
      `"embedded fault store-lock") holds ${path}.lock and lives, perhaps stopped. Nothing was changed.`,
    { next: 'let that program go on or end it, then run again; of one that died the lock is free by itself', cause },
  );

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
