/** Looks at a move in its middle: the embedded store as it lies there, and the processes of the plugin. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { take } from '../../provider/drivers/embedded/store-lock.js';
import type { CopyWorld, Transfer, VmWorld, World } from '../../provider/drivers/embedded/world.js';
import type { Stack, Started } from './harness.js';

const lookEveryMs = 10;

const store = ({ dir }: Stack): string => join(dir, '.vmplacement/datacenter/world.json');

/** Nobody writes to the datacenter until the answer is called. */
export const locked = (stack: Stack): Promise<() => Promise<void>> =>
  take(store(stack), 10_000, () => {
    throw new Error(`the lock of ${store(stack)} was taken away`);
  });

/** Before anybody has looked at the datacenter nothing has happened in it. */
export async function world(stack: Stack): Promise<Pick<World, 'vms' | 'claims' | 'leases' | 'jobs' | 'transfers' | 'journal' | 'pool'>> {
  try {
    return JSON.parse(await readFile(store(stack), 'utf8')) as World;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { vms: {}, claims: {}, leases: {}, jobs: {}, transfers: {}, journal: [] };
  }
}

/** One VM as the store has it, and what is sent for its move. */
export interface Seen {
  readonly vm: VmWorld;
  /** The copy that the move started from; the only one where none is under way. */
  readonly source: CopyWorld | undefined;
  readonly transfer: Transfer | undefined;
  readonly world: Awaited<ReturnType<typeof world>>;
}

/** By the VM's id in the datacenter. Null before anything happened to it. */
export async function look(stack: Stack, id: string): Promise<Seen | null> {
  const now = await world(stack);
  const vm = now.vms[id];
  if (vm === undefined) return null;
  const from = vm.record?.from.host;
  return {
    vm,
    source: vm.copies.find((copy) => copy.host === (from ?? copy.host)),
    transfer: Object.values(now.transfers).find((transfer) => transfer.vm === id),
    world: now,
  };
}

/** Resolves as soon as the VM is so; rejects when the update ended before. */
export async function until(stack: Stack, id: string, up: Started, condition: (seen: Seen) => boolean): Promise<Seen> {
  let ended = false;
  void up.result.finally(() => (ended = true));
  for (;;) {
    const last = ended;
    const seen = await look(stack, id);
    if (seen !== null && condition(seen)) return seen;
    if (last) throw new Error(`the update ended before ${id} was seen as ${condition.toString()}:\n${(await up.result).text}`);
    await pause(lookEveryMs);
  }
}

/** Processes of the plugin that run for this stack: the engine starts them in the project's folder. */
export const plugins = (stack: Stack): Promise<number[]> => processes(stack, /pulumi-resource-vmplacement|dynamic-provider|pulumi-nodejs/);

/** Processes that run in the stack's folder, by their command lines. */
export async function processes({ dir }: Stack, command: RegExp): Promise<number[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => {
      const [cwd, line] = await Promise.all([readlink(`/proc/${id}/cwd`), readFile(`/proc/${id}/cmdline`, 'utf8')]).catch(() => ['', '']);
      return cwd === dir && command.test(line);
    }),
  );
  return ids.filter((_, index) => found[index]).map(Number);
}

/** To a process that may have ended by itself meanwhile. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Processes that end by themselves. */
export async function gone(pids: readonly number[]): Promise<void> {
  const there = async (pid: number): Promise<boolean> => (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')) !== '';
  for (let tries = 0; tries < 200; tries += 1) {
    if (!(await Promise.all(pids.map(there))).includes(true)) return;
    await pause(50);
  }
  throw new Error(`still there after 10 s: ${pids.join(', ')}`);
}

/** Those that outlive their CLI go by themselves. */
export async function pluginsGone(stack: Stack): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await plugins(stack)).length === 0) return;
    await pause(50);
  }
  throw new Error('a plugin outlived its CLI for more than 10 s');
}
