/**
 * An image on a host, served by qemu-nbd on a unix socket for us, through SSH. No port is opened, and the folder of the socket
 * is open to our login only. The server ends with its client; where this process or the connection dies, sshd ends both.
 */
import { createHash } from 'node:crypto';
import { PlacementError } from '../../core/errors.js';
import type { Connection, Executed } from './connection.js';
import type { HeldCommand } from './held-command.js';
import { NbdClient } from './nbd.js';
import { FOLDER, privateFolder } from './private-folder.js';
import { command, option, quote, script } from './quote.js';

export interface ImageToServe {
  /** The same for the same disk of the same move, in every run: what an earlier run left is found by it and ended. */
  readonly id: string;
  /** Of a file or a block device, absolute. */
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  /** What qemu-nbd opens in its place, in QEMU's words. */
  readonly options?: string | undefined;
  readonly access: 'read' | 'write';
  /** Another program of the host of the other end connects too, which ends before we do. */
  readonly withGuest?: boolean;
  /** A dirty bitmap in the image, by its name, whose context is there beside `base:allocation`. */
  readonly bitmap?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ServedImage {
  readonly client: NbdClient;
  /** Its path on the host. */
  readonly socket: string;
  /** The image is free for others after it. Does not flush. @throws PlacementError `platform` where the connection is lost, or the server does not end. */
  close(): Promise<void>;
}

/** @throws PlacementError `platform`: why it cannot be served, and the next step. */
export async function serveImage(connection: Connection, image: ImageToServe): Promise<ServedImage> {
  const { target } = connection;
  const { path, signal, bitmap } = image;
  if (!path.startsWith('/')) throw new PlacementError('internal', `The image ${path} on ${target.name} is no absolute path.`);
  const begin = async (cache: Cache): ReturnType<Connection['hold']> => {
    let needsCache = false;
    const refused = (ended: Executed): PlacementError => {
      needsCache = cache === 'none' && withoutCache.test(ended.stderr);
      return refusedServing(target, path, ended);
    };
    try {
      return await connection.hold(serving({ ...image, cache }, target.sudo), { readyMs, signal, refused });
    } catch (error) {
      if (needsCache) return begin('writeback');
      throw error;
    }
  };
  // What is written goes to the disk at once: the host's memory is for its VMs, and a flush has little left to do (measured: half the CPU).
  const { held, firstLine: socket } = await begin(image.access === 'write' ? 'none' : 'writeback');
  try {
    const client = await NbdClient.connect(await held.socket(socket), {
      about: `The image ${path} on ${target.name}`,
      contexts: ['base:allocation', ...(bitmap === undefined ? [] : [bitmapContext(bitmap)])],
      timeoutMs: handshakeMs,
    });
    return { client, socket, close: () => close(client, held, `The server of ${path} on ${target.name}`) };
  } catch (error) {
    // The first error is the one that counts.
    await held.end().catch(() => undefined);
    throw error;
  }
}

async function close(client: NbdClient, held: HeldCommand, about: string): Promise<void> {
  client.disconnect();
  // Another client of it may be gone without a word, as where the way between two hosts broke: then it waits for as long as TCP does.
  let late: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const text = `${about} does not end within ${endMs / 1000} s: another host may be connected to it.`;
    late = setTimeout(() => reject(new PlacementError('platform', text, { next: 'pgrep -a qemu-nbd names it there' })), endMs);
  });
  await Promise.race([held.end(), limit]).finally(() => clearTimeout(late));
}

/** Of the host, as qemu-nbd names it. */
type Cache = 'none' | 'writeback';
/** Not every file system can do without, and no disk of larger blocks where they do not fit into the image. */
const withoutCache = /does not support O_DIRECT|not a multiple of request alignment/;

/** An earlier run may have to be ended first. */
const readyMs = 60_000;
const handshakeMs = 20_000;
/** What was written is on the disk by then. */
const endMs = 30_000;

const BUSY = 76;
const noAccess = 'vmplacement: the socket is not writable';

/**
 * Holds a lock as long as anything of it is there, so that the next run knows when all of this one has ended. Who holds it stands in
 * the file: the process of sshd that carries the connection of that run, by its id and the time of its start. It belongs to the login,
 * also where qemu-nbd runs as root, and takes with it all that goes through it.
 *
 * qemu-nbd writes its pid file when it has opened the image and waits for its client; it ends when a client that finished the handshake
 * goes. A client that only lists the exports does not end it; qemu-img info does.
 */
function serving(
  { id, path, format, access, options, withGuest = false, bitmap, cache }: ImageToServe & { readonly cache: Cache },
  sudo: boolean,
): string {
  const asRoot = sudo ? 'sudo -n ' : '';
  const name = fileName(id);
  // Zeroes become holes, also those that the source stores as data.
  const mode =
    access === 'read'
      ? ['--read-only', ...(bitmap === undefined ? [] : [option('--bitmap', bitmap)])]
      : ['--discard=unmap', '--detect-zeroes=unmap'];
  const what = options === undefined ? [`--format=${format}`, path] : ['--image-opts', options];
  const server = command('qemu-nbd', `--shared=${withGuest ? 2 : 1}`, `--cache=${cache}`, ...mode, ...what);
  return script(`
export LC_ALL=C
${privateFolder}
s=$d/${name}.sock p=$d/${name}.pid o=$d/${name}.owner
born() { sed 's/.*) //' "/proc/$1/stat" 2> /dev/null | cut -d ' ' -f 20; }
visit() { [ ! -S "$s" ] || timeout 5 $1 qemu-img info -f raw "nbd+unix:///?socket=$s" > /dev/null 2>&1; }
end_owner() {
  pid= since=
  read -r pid since < "$o"
  [ -n "$since" ] && [ "$pid" != $PPID ] && [ "$(born "$pid")" = "$since" ] || return
  [ "$(stat -c %u "/proc/$pid")" = "$(id -u)" ] || return
  case $(cat "/proc/$pid/comm") in sshd*) kill "$pid" ;; esac
}
while :; do
  exec 9>> "$o"
  if ! flock -n 9; then
    end_owner
    flock -w 5 9 || { visit; flock -w 15 9; } || { cat "$o" >&2; exit ${BUSY}; }
  fi
  # The one before removes its file at its end: then another one has to be locked.
  [ "$o" -ef /proc/self/fd/9 ] && break
done
echo $PPID "$(born $PPID)" > "$o"
visit
rm -f "$s" "$p"
exec 3<&0
(
  until [ -e "$p" ]; do sleep 0.02; done
  if [ -w "$s" ]; then
    echo "$s"
    read -r _ <&3
    visit
  else
    echo '${noAccess}' >&2
    visit '${asRoot.trim()}'
  fi
) 9>&- &
${asRoot}${server} --socket="$s" --pid-file="$p" < /dev/null > /dev/null 3<&-
code=$?
kill $! 2> /dev/null
rm -f "$s" "$p" "$o"
exit $code`);
}

/** Of NBD, as QEMU names it. */
export const bitmapContext = (bitmap: string): string => `qemu:dirty-bitmap:${bitmap}`;

/** Until the server of a connection that was lost has ended; not for ever. */
export async function awaitReleased(connection: Connection, id: string): Promise<void> {
  await connection.exec(script(`${privateFolder}\no=$d/${fileName(id)}.owner; [ ! -e "$o" ] || flock -w 15 "$o" true`));
}

/** A name of a file, short enough for the address of a socket, and not that of another id. */
export function fileName(id: string): string {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 12);
  return `${id.replaceAll(/[^\w-]/g, '_').slice(0, 40)}-${hash}`;
}

function refusedServing(
  { name, user, sudo }: { readonly name: string; readonly user: string | null; readonly sudo: boolean },
  path: string,
  { code, stderr }: Executed,
): PlacementError {
  const who = user ?? 'the login';
  const because = (why: string, next: string): PlacementError =>
    new PlacementError('platform', `Host ${name} cannot serve the image ${path}: ${why}.`, { next });
  const rights = 'add the lines of docs/drivers/libvirt.md to sudoers';
  if (code === FOLDER) return because(`/tmp/vmplacement-<uid> there is not a folder of ${who} alone`, 'look at it there, and remove it');
  if (code === BUSY) return because(`another run serves it, and does not end (sshd process ${stderr.split(' ')[0] ?? ''})`, 'end that run');
  if (stderr.includes(noAccess)) return because(`${who} cannot reach the socket of a qemu-nbd of root`, rights);
  if (/sudo: .*password|not allowed to (run sudo|execute)|not in the sudoers/.test(stderr))
    return because(`${who} may not run qemu-nbd by sudo without a password`, rights);
  if (code === 127 || /qemu-nbd: (command )?not found/.test(stderr))
    return because('there is no qemu-nbd', 'install qemu-utils there (Debian, Ubuntu) or qemu-img (others)');
  if (/Failed to get .*lock|Is another process using the image/.test(stderr))
    return because('another process has it open', `fuser -v ${quote(path)} names it there`);
  if (stderr.includes('No such file or directory')) return because('it does not exist', 'look where the disk of the VM is');
  if (stderr.includes('Permission denied'))
    return because(`${who} may not open it`, sudo ? 'look at its rights there' : `give ${who} the right, or set ssh.sudo`);
  // What comes after it are hints.
  const lines = stderr.trim().split('\n');
  const said = lines.find((line) => line.startsWith('qemu-nbd: ')) ?? lines.at(-1) ?? '';
  return because(said === '' ? `qemu-nbd ended with ${code}` : said, 'run qemu-nbd there by hand');
}
