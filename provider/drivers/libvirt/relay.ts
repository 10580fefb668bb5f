/** Carries the content of a disk through this machine, in a process of its own. */
import { fork, type ChildProcess } from 'node:child_process';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PlacementError } from '../../core/errors.js';
import type { Route } from './connection.js';
import { depth, type Carrier } from './copy-disk.js';
import type { Answer, Asked, End } from './relay-messages.js';

type Question = Asked extends infer A ? (A extends { readonly id: number } ? Omit<A, 'id'> : never) : never;

export class Relay implements Carrier {
  readonly depth = depth;
  private readonly child: ChildProcess;
  private readonly pending = new Map<number, { readonly resolve: () => void; readonly reject: (error: PlacementError) => void }>();
  private readonly ended: Promise<void>;
  private readonly reached: Promise<void>;
  private over: PlacementError | null = null;
  private id = 0;

  /** Logs in at both hosts while the images are made ready. */
  constructor(source: Route, target: Route) {
    this.child = fork(program, {
      execArgv: [...memory, ...(extname(program) === '.ts' ? ['--import', 'tsx'] : [])],
      // What this process prints may be a protocol.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.on('message', ({ id, error }: Answer) => {
      const asked = this.pending.get(id);
      this.pending.delete(id);
      if (error === undefined) asked?.resolve();
      else asked?.reject(new PlacementError(error.code, error.said, error.next === undefined ? {} : { next: error.next }));
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.over ??= new PlacementError('platform', `The process of this machine that copied a disk has ended (${how}).`, {
          next: 'run again: it goes on from what is durable',
        });
        for (const { reject } of this.pending.values()) reject(this.over);
        this.pending.clear();
        resolve();
      };
      this.child.on('exit', (code, signal) => end(signal ?? `exit status ${code ?? ''}`));
      this.child.on('error', (error) => end(error.message));
    });
    this.reached = this.ask({ kind: 'reach', source, target });
    // Told by `open`.
    this.reached.catch(() => undefined);
  }

  /** Each is served to one more. @throws PlacementError `interrupted` after the signal; `platform` where one cannot be reached. */
  async open(source: End, target: End, signal: AbortSignal): Promise<void> {
    const stop = (): void => void this.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) stop();
      await this.reached;
      await this.ask({ kind: 'open', source, target });
    } catch (error) {
      if (signal.aborted) throw new PlacementError('interrupted', `Stopped as asked, before ${source.about} was copied.`);
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  carry(offset: number, bytes: number): Promise<void> {
    return this.ask({ kind: 'carry', offset, bytes });
  }

  flush(): Promise<void> {
    return this.ask({ kind: 'flush' });
  }

  /** Nothing of it goes on after it. */
  async close(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    const late = setTimeout(() => this.child.kill('SIGKILL'), endsWithinMs);
    await this.ended;
    clearTimeout(late);
  }

  private ask(question: Question): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.over !== null) throw this.over;
      const id = (this.id += 1);
      this.pending.set(id, { resolve, reject });
      this.child.send({ ...question, id }, (error) => {
        if (error !== null) this.child.kill('SIGKILL');
      });
    });
  }
}

/** It has little memory but for its buffers: to clear it often, and on one core, costs least (measured: a fifth less of the CPU). */
const memory = ['--single-threaded-gc', '--min-semi-space-size=2', '--max-semi-space-size=2'];
const endsWithinMs = 5000;

/** Beside this file, in the sources as in what is built of them. */
const here = fileURLToPath(import.meta.url);
const program = join(dirname(here), '../libvirt', `relay-worker${extname(here)}`);
