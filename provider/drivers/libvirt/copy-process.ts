/** Copies an image in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isControlLost, PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import type { FromCopier, ToCopier } from './copy-messages.js';
import type { ImageCopy } from './image-copy.js';
import { awaitReleased } from './served-image.js';

/**
 * On connections of its own to both hosts. Nothing of it goes on after it.
 * @throws PlacementError as `copyImage` does, what `onDurable` throws, and `platform` where the process dies.
 */
export async function copyInProcess(
  { signal, onProgress, onRelayed, onDurable, ...image }: ImageCopy,
  { from, to }: { readonly from: Connection; readonly to: Connection },
): Promise<void> {
  if (signal.aborted) throw stopped(image.path);
  const child = begin(image.path);
  // One that is gone is told by its end.
  const tell = (said: ToCopier): void => {
    if (child.connected) child.send(said, () => undefined);
  };
  const told: Told = { noted: Promise.resolve() };
  const gone = new Promise<string>((resolve) => {
    child.on('exit', (code, by) => resolve(by ?? `exit status ${code ?? ''}`));
    child.on('error', (error) => resolve(error.message));
  });
  child.on('message', (said: FromCopier) => {
    switch (said.kind) {
      case 'progress':
        return onProgress(said.progress);
      case 'relayed':
        return onRelayed(said.why);
      case 'durable':
        told.noted = onDurable(said.offset).catch((error: unknown) => void (told.thrown ??= { error }));
        return void told.noted.then(() => tell({ kind: 'noted', failed: told.thrown !== undefined }));
      case 'ended':
        told.ended = said;
        child.disconnect();
        told.late = setTimeout(() => child.kill('SIGKILL'), endsWithinMs);
    }
  });
  const stop = (): void => tell({ kind: 'stop' });
  signal.addEventListener('abort', stop, { once: true });
  tell({ kind: 'copy', from: from.route, to: to.route, image });
  const how = await gone;
  clearTimeout(told.late);
  signal.removeEventListener('abort', stop);
  // It may have died while that was written down.
  await told.noted;
  if (told.ended === undefined) await released(image.id, from, to);
  const failure = failureOf(told, image.path, how);
  if (failure === null) return;
  // What fails after it was stopped follows from that; only who lost the lease is told so.
  if (signal.aborted && !isControlLost(failure.error)) throw stopped(image.path, failure.error);
  throw failure.error;
}

function begin(path: string): ChildProcess {
  try {
    return fork(program, {
      execArgv: [...memory, ...(extname(program) === '.ts' ? ['--import', 'tsx'] : [])],
      // What this process prints may be a protocol.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  } catch (error) {
    throw died(path, (error as Error).message);
  }
}

function failureOf({ thrown, ended }: Told, path: string, how: string): { readonly error: unknown } | null {
  if (thrown !== undefined) return thrown;
  if (ended === undefined) return { error: died(path, how) };
  const { error } = ended;
  if (error === null) return null;
  return { error: new PlacementError(error.code, error.said, error.next === undefined ? {} : { next: error.next }) };
}

export const stopped = (path: string, cause?: unknown): PlacementError =>
  PlacementError.isInstance(cause) && cause.code === 'interrupted'
    ? cause
    : new PlacementError('interrupted', `The copy of ${path} was stopped as asked.`, {
        next: 'run again: it goes on from what is durable',
        cause,
      });

const died = (path: string, how: string): PlacementError =>
  new PlacementError('platform', `The process of this machine that copies ${path} has ended (${how}).`, {
    next: 'run again: it goes on from what is durable',
  });

/** One that died has not seen its servers end. */
async function released(id: string, from: Connection, to: Connection): Promise<void> {
  const ofSource = ['source', 'changes'].map((what) => awaitReleased(from, `${id} ${what}`));
  await Promise.allSettled([...ofSource, awaitReleased(to, `${id} target`)]);
}

interface Told {
  /** The last that was durable is written down. */
  noted: Promise<void>;
  /** By `onDurable`: it counts more than what the copy made of it. */
  thrown?: { readonly error: unknown };
  ended?: Extract<FromCopier, { kind: 'ended' }>;
  late?: NodeJS.Timeout;
}

const endsWithinMs = 5000;
/** It has little memory but for its buffers: to clear it often, and on one core, costs least (measured: a fifth less of the CPU). */
const memory = ['--single-threaded-gc', '--min-semi-space-size=2', '--max-semi-space-size=2'];

/** Beside this file, in the sources as in what is built of them. */
const here = fileURLToPath(import.meta.url);
const program = join(dirname(here), '../libvirt', `copier${extname(here)}`);
