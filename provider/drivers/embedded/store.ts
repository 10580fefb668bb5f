/** Where the world is kept: in memory or in a file, both as JSON text, so that both behave the same. */
import { readFileSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PlacementError } from '../../core/errors.js';
import { applyAll, type Change } from './batch.js';
import { staleMs, take } from './store-lock.js';
import type { World } from './world.js';

export interface Store {
  /** Stores with the same key are the same store (sleepers of one process share a queue by it). */
  readonly key: string;
  /** A private copy; where `asItIs` says that nothing will be changed in it, perhaps the shared one. */
  read(asItIs?: (world: Readonly<World>) => boolean): Promise<World>;
  /** For a look that changes nothing: the copy is shared. */
  peek(): Promise<Readonly<World>>;
  /**
   * `change` is short and synchronous; when it throws, nothing of it is written. It may be called again, and it returns nothing that
   * belongs to the world: the next change may be made before this one is written.
   */
  update<T>(change: (world: World) => T): Promise<T>;
  /** Puts another world in its place, whatever was there. */
  replace(world: World): Promise<void>;
  /** Has the store to itself for this long (wall time): its other users wait. */
  hold(milliseconds: number): Promise<void>;
  /** Number of reads and updates under way in this process. */
  readonly busy: number;
}

interface Text {
  readonly key: string;
  /** A reading or a write costs enough to be shared by those who wait for one. */
  readonly isSlow: boolean;
  read(): Promise<string | null>;
  /** Only over `before`: two takers of one stale lock can both get it, and the loser, who is told by `Overtaken`, starts over. */
  write(text: string, before: string | null): Promise<void>;
  /** Runs with exclusive access among all users of this text; `alive` throws when the access was lost meanwhile. */
  exclusive<T>(work: (alive: () => void) => Promise<T>): Promise<T>;
}

let memories = 0;

export const memoryStore = (begin: () => World): Store => new TextStore(memoryText(), begin);
/** `folder` is made when missing. Survives kill -9 of any user at any time. Who finds it locked waits for `patienceMs`. */
export const fileStore = (folder: string, begin: () => World, patienceMs = 3 * staleMs): Store =>
  new TextStore(fileText(resolve(folder, 'world.json'), patienceMs), begin);

class Overtaken extends Error {}

interface Parsed {
  readonly text: string;
  readonly world: World;
}

class TextStore implements Store {
  busy = 0;
  private turn: Promise<unknown> = Promise.resolve();
  /** The reading under way, and the one that begins after it. */
  private last: Promise<unknown> = Promise.resolve();
  private next: Promise<string | null> | null = null;
  /** Changes that wait for their turn; still open for more. */
  private open: Change[] | null = null;
  /** What the text was when it was last parsed or written here, parsed: most looks find it unchanged. */
  private known: Parsed | null = null;
  /** The last text that was written here. */
  private written: Pick<Parsed, 'text'> | null = null;

  constructor(
    private readonly text: Text,
    private readonly begin: () => World,
  ) {}

  get key(): string {
    return this.text.key;
  }

  read(asItIs: (world: Readonly<World>) => boolean = () => false): Promise<World> {
    return this.counted(async () => {
      const text = (await this.look()) ?? (await this.begun());
      const { known } = this;
      if (known?.text === text) return asItIs(known.world) ? known.world : parse(text, this.key);
      const world = parse(text, this.key);
      if (asItIs(world)) this.known = { text, world };
      return world;
    });
  }

  peek(): Promise<Readonly<World>> {
    return this.counted(async () => {
      const text = (await this.look()) ?? (await this.begun());
      if (this.known?.text !== text) this.known = { text, world: parse(text, this.key) };
      return this.known.world;
    });
  }

  /** The text as it is after it was asked for. One reading is under way at a time; those who ask meanwhile share the next one. */
  private look(): Promise<string | null> {
    if (!this.text.isSlow) return this.text.read();
    return (this.next ??= this.last.then(() => {
      this.next = null;
      const reading = this.lookNow();
      this.last = reading.catch(() => undefined);
      return reading;
    }));
  }

  /** What this process wrote meanwhile came after the reading began, and needs not be parsed. */
  private async lookNow(): Promise<string | null> {
    const { written } = this;
    const text = await this.text.read();
    return this.written === null || this.written === written ? text : this.written.text;
  }

  /** The text of a store that is used for the first time. */
  private async begun(): Promise<string> {
    await this.write(() => undefined);
    return (await this.text.read()) ?? this.begun();
  }

  update<T>(change: (world: World) => T): Promise<T> {
    return this.counted(() => this.write(change));
  }

  replace(world: World): Promise<void> {
    return this.alone(async () => this.text.write(JSON.stringify(world), await this.text.read()));
  }

  hold(milliseconds: number): Promise<void> {
    return this.alone(() => pause(milliseconds));
  }

  private alone(work: () => Promise<void>): Promise<void> {
    return this.counted(() => {
      this.open = null; // What comes after it is not written before it.
      const mine = this.turn.then(() => this.text.exclusive(work));
      this.turn = mine.catch(() => undefined);
      return mine;
    });
  }

  /** One write of this process at a time, for all that came meanwhile; other processes are kept off by the lock of the text. */
  private write<T>(change: (world: World) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const mine: Change = {
        make: (world) => {
          const result = change(world);
          return () => resolve(result);
        },
        refuse: reject,
      };
      if (this.open !== null) {
        this.open.push(mine);
        return;
      }
      const changes = [mine];
      if (this.text.isSlow) this.open = changes;
      this.turn = this.turn.then(() => this.commit(changes));
    });
  }

  /** Never rejects: every change is told its end. */
  private async commit(changes: Change[]): Promise<void> {
    const close = (): void => {
      if (this.open === changes) this.open = null;
    };
    try {
      const { tell } = await this.text.exclusive(async (alive) => {
        close();
        const text = await this.text.read();
        const applied = applyAll(changes, () => (text === null ? this.begin() : this.takeKnown(text)));
        if (applied.isEmpty) return applied;
        const next = JSON.stringify(applied.world);
        alive();
        if (next !== text) await this.text.write(next, text);
        this.known = { text: next, world: applied.world };
        this.written = { text: next };
        return applied;
      });
      tell();
    } catch (error) {
      close();
      if (error instanceof Overtaken) return this.commit(changes);
      for (const { refuse } of changes) refuse(error);
    }
  }

  /** The world of this text, for changing: whatever becomes of it, it is no longer what the text says. */
  private takeKnown(text: string): World {
    const { known } = this;
    this.known = null;
    return known?.text === text ? known.world : parse(text, this.key);
  }

  private async counted<T>(work: () => Promise<T>): Promise<T> {
    this.busy += 1;
    try {
      return await work();
    } finally {
      this.busy -= 1;
    }
  }
}

function parse(text: string, key: string): World {
  const world = JSON.parse(text) as World;
  if ((world.v as number) !== 2) {
    throw new PlacementError('platform', `The embedded store ${key} has version ${String(world.v)}, which this program does not know.`, {
      next: 'vmplacement embedded reset',
    });
  }
  return world;
}

function memoryText(): Text {
  let text: string | null = null;
  memories += 1;
  return {
    key: `memory:${memories}`,
    isSlow: false,
    read: () => Promise.resolve(text),
    write: (next) => {
      text = next;
      return Promise.resolve();
    },
    exclusive: (work) => work(() => undefined),
  };
}

/** A writer that held the lock for so long may have lost it without knowing (a stopped process). */
const trustedMs = staleMs - 1500;

function readNow(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function fileText(path: string, patienceMs: number): Text {
  const read = async (): Promise<string | null> => {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  return {
    key: path,
    isSlow: true,
    read,
    write: async (text, before) => {
      const { default: writeFileAtomic } = await import('write-file-atomic');
      // Without a pause from the last look on: a process that is stopped in one, and wakes up when others have gone on, would put an old
      // world in the place of theirs. No fsync: the store has to survive the death of processes, not of the machine that simulates.
      if (readNow(path) !== before) throw new Overtaken();
      writeFileAtomic.sync(path, text, { fsync: false });
    },
    exclusive: async (work) => {
      await mkdir(dirname(path), { recursive: true });
      let lost = false;
      const unlock = await take(path, patienceMs, () => (lost = true));
      const since = performance.now();
      try {
        return await work(() => {
          if (lost || performance.now() - since > trustedMs) {
            throw new PlacementError('platform', `The lock of the embedded store ${path} was lost while it was held. Nothing was written.`);
          }
        });
      } finally {
        // Not ours any more: there is nothing to give back.
        if (!lost) await unlock().catch(() => undefined);
      }
    },
  };
}
