/** Carries the content of a disk through this machine, in processes of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlacementError } from '../../core/errors.js';
import { depth, type Carrier } from './copy-disk.js';
import type { Answer, Asked, End } from './relay-messages.js';

export interface Relay extends Carrier {
  /** Nothing of it goes on after it. */
  close(): Promise<void>;
}

/** Both images are served to so many more. */
export const workers = 2;

/** @throws PlacementError `interrupted` after the signal; `platform` where an image cannot be reached. */
export async function openRelay(source: End, target: End, signal: AbortSignal): Promise<Relay> {
  const all = Array.from({ length: workers }, () => new Worker(`${source.about} to ${target.about}`));
  const close = async (): Promise<void> => {
    await Promise.all(all.map((worker) => worker.close()));
  };
  const stop = (): void => void close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) stop();
    await Promise.all(all.map((worker) => worker.ask({ kind: 'open', source, target })));
  } catch (error) {
    await close();
    if (signal.aborted) throw new PlacementError('interrupted', `Stopped as asked, before ${source.about} was copied.`);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return {
    depth: workers * depth,
    carry: (offset, bytes) => all.reduce((a, b) => (b.busy < a.busy ? b : a)).ask({ kind: 'carry', offset, bytes }),
    async flush() {
      await Promise.all(all.map((worker) => worker.ask({ kind: 'flush' })));
    },
    close,
  };
}

type Question = Asked extends infer A ? (A extends { readonly id: number } ? Omit<A, 'id'> : never) : never;

class Worker {
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, { readonly resolve: () => void; readonly reject: (error: PlacementError) => void }>();
  private readonly ended: Promise<void>;
  private over: PlacementError | null = null;
  private id = 0;

  constructor(about: string) {
    this.child = fork(program, {
      // Its memory is small and full of buffers: to collect it on many cores costs more than it saves (measured: 2.2 s instead of 1.4 a GiB).
      execArgv: ['--single-threaded-gc', ...(extname(program) === '.ts' ? ['--import', 'tsx'] : [])],
      // What this process prints may be a protocol.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'json',
    });
    this.child.on('message', ({ id, error }: Answer) => {
      const asked = this.pending.get(id);
      this.pending.delete(id);
      if (error === undefined) asked?.resolve();
      else asked?.reject(new PlacementError(error.code, error.said, error.next === undefined ? {} : { next: error.next }));
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.over ??= new PlacementError('platform', `The process of this machine that copies ${about} has ended (${how}).`, {
          next: 'run again: it goes on from what is durable',
        });
        for (const { reject } of this.pending.values()) reject(this.over);
        this.pending.clear();
        resolve();
      };
      this.child.on('exit', (code, signal) => end(signal ?? `exit status ${code ?? ''}`));
      this.child.on('error', (error) => end(error.message));
    });
  }

  get busy(): number {
    return this.over === null ? this.pending.size : Infinity;
  }

  ask(question: Question): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.over !== null) throw this.over;
      const id = (this.id += 1);
      this.pending.set(id, { resolve, reject });
      this.child.send({ ...question, id }, (error) => {
        if (error !== null) this.child.kill('SIGKILL');
      });
    });
  }

  async close(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    const late = setTimeout(() => this.child.kill('SIGKILL'), endsWithinMs);
    await this.ended;
    clearTimeout(late);
  }
}

const endsWithinMs = 5000;

/** Beside this file, in the sources as in what is built of them. */
const here = fileURLToPath(import.meta.url);
const program = join(dirname(here), '../libvirt', `relay-worker${extname(here)}`);
