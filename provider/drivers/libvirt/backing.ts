/** What lies on an image: an overlay that loses what is below it is lost itself. Read from the images, for definitions do not tell. */
import { join } from 'node:path';
import type { Connection } from './connection.js';
import { ask, orFail, tell } from './host-shell.js';
import { oneWord, option, quote, script } from './quote.js';
import type { Image } from './survey-domain.js';
import { all, parseXml, textOf } from './xml.js';

/** The files in the folder of a pool. */
export interface PoolFiles {
  readonly name: string;
  readonly path: string;
  readonly files: readonly string[];
}

/** An image of others, with all that it is made of. */
interface Stack {
  readonly top: string;
  readonly files: readonly string[];
  /** Some of it could not be read. */
  readonly isUnread: boolean;
}

/**
 * @param own images of the VM that `path` is of, and `others` those of all other ones of that host.
 * @returns why the image must stay; null: nothing that the host knows lies on it.
 */
export async function usedBelow(
  connection: Connection,
  path: string,
  { own, others, pools }: { readonly own: readonly Image[]; readonly others: readonly Image[]; readonly pools: readonly PoolFiles[] },
): Promise<string | null> {
  const volumes = new Map((await Promise.all(pools.map((pool) => volumesOf(connection, pool)))).flat());
  const mine = new Set(own.map((image) => image.path));
  const stacks = [
    ...(await stacksOf(connection, others, volumes)),
    ...[...volumes].flatMap(([top, below]) => (below === null || mine.has(top) ? [] : [{ top, files: [below], isUnread: false }])),
  ];
  const same = new Set([path, ...(await sameFiles(connection, path, [...new Set(stacks.flatMap(({ files }) => files))]))]);
  const user = stacks.find(({ files }) => files.some((file) => same.has(file)));
  if (user !== undefined) return same.has(user.top) ? `is an image of another VM (${user.top})` : `is a backing file of ${user.top}`;
  const unread = stacks.find(({ isUnread }) => isUnread);
  return unread === undefined ? null : `may be a backing file of ${unread.top}, which cannot be read`;
}

/** By path: the image below, as libvirt read it just now; null: none. Of a pool that does not let itself be read, nothing. */
async function volumesOf(connection: Connection, { name, path, files }: PoolFiles): Promise<readonly (readonly [string, string | null])[]> {
  const inPool = quote(option('--pool', name));
  const asked = files.map((file) => {
    const volume = option('--vol', file);
    // virsh that is kept open does not take each name.
    return isPlain(file)
      ? `${ask(`vol-dumpxml ${inPool} ${quote(volume)}`)}\n${tell}`
      : `start vol-dumpxml ${inPool} ${oneWord(volume)} < /dev/null`;
  });
  const { code, stdout } = await connection.shell.run(`${ask(`pool-refresh ${inPool}`)}\n${orFail}\n${asked.join('\n')}`, {
    repeatable: true,
  });
  if (code !== 0) return [];
  return [...stdout.matchAll(/^<volume[^]*?^<\/volume>$/gm)].map(([text]) => {
    const volume = parseXml(text);
    return [textOf(volume, 'target', 'path') ?? join(path, textOf(volume, 'name') ?? ''), backingOf(volume)];
  });
}

// eslint-disable-next-line no-control-regex -- these are what is looked for
const isPlain = (name: string): boolean => !/[\u0000-\u001f\u007f]/.test(name);

function backingOf(volume: ReturnType<typeof parseXml>): string | null {
  const [store] = all(volume, 'backingStore');
  return store === undefined ? null : (textOf(store, 'path') ?? '').replace(/^file:/, '');
}

async function stacksOf(
  connection: Connection,
  images: readonly Image[],
  volumes: ReadonlyMap<string, string | null>,
): Promise<readonly Stack[]> {
  const stacks = images.map((image) => stackOf(image, volumes));
  const asked = images.filter(({ path }, index) => stacks[index] === null && path.startsWith('/'));
  const told = await chains(connection, asked);
  return images.map(({ path }, index) => {
    const files = told[asked.findIndex((one) => one === images[index])] ?? null;
    return stacks[index] ?? { top: path, files: [path, ...(files ?? [])], isUnread: files === null };
  });
}

/** null: libvirt's pools do not tell all of it. A raw image has nothing below it, whatever its guest has written into it. */
function stackOf({ path, format }: Image, volumes: ReadonlyMap<string, string | null>): Stack | null {
  const files: string[] = [path];
  for (let at: string | null = format === 'raw' ? null : path; at !== null;) {
    const below = volumes.get(at);
    if (below === undefined || (below !== null && files.includes(below))) return null;
    if (below !== null) files.push(below);
    at = below;
  }
  return { top: path, files, isUnread: false };
}

/** All paths that `qemu-img` finds in each; null: it cannot read it. */
export async function chains(
  connection: Connection,
  images: readonly Pick<Image, 'path' | 'format'>[],
): Promise<readonly (readonly string[] | null)[]> {
  if (images.length === 0) return [];
  const info = `${connection.target.sudo ? 'sudo -n ' : ''}qemu-img info -U --backing-chain --output=json`;
  const line = `export LC_ALL=C
while IFS= read -r l; do ${info} -f "\${l%% *}" "\${l#* }" < /dev/null; printf '\\n@@%s\\n' $?; done`;
  const stdin = images.map(({ format, path }) => `${format} ${path}\n`).join('');
  const { stdout } = await connection.exec(script(line), { stdin, repeatable: true });
  const answers = stdout.split(/^@@/m);
  return images.map((_, index) => (answers[index + 1]?.startsWith('0\n') === true ? pathsIn(answers[index] ?? '') : null));
}

function pathsIn(answer: string): readonly string[] {
  const found: string[] = [];
  JSON.parse(answer.slice(answer.indexOf('[')), (_key, value: unknown) => {
    if (typeof value !== 'string') return value;
    // An image may be described by a text that is JSON again.
    if (value.startsWith('json:')) found.push(...pathsIn(`[${value.slice('json:'.length)}]`));
    else if (/^(file:)?\//.test(value)) found.push(value.replace(/^file:/, ''));
    return value;
  });
  return found;
}

/** Of these paths those that lead to the same file, by links or other mounts, as far as the login may look. */
async function sameFiles(connection: Connection, path: string, paths: readonly string[]): Promise<readonly string[]> {
  const line = `p=${quote(path)}; while IFS= read -r q; do if [ "$p" -ef "$q" ]; then printf '%s\\n' "$q"; fi; done`;
  const { stdout } = await connection.exec(script(line), { stdin: paths.map((one) => `${one}\n`).join(''), repeatable: true });
  return stdout.split('\n').filter((one) => one !== '');
}
