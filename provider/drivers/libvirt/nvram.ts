/** Firmware variables: a file of some 100 KiB that belongs to root, read and written by `qemu-img`. */
import { PlacementError } from '../../core/errors.js';
import { placeText, type Place } from '../../core/inventory.js';
import type { Connection } from './connection.js';
import { quote, script } from './quote.js';
import { refused } from './refused.js';

interface Nvram {
  readonly from: Connection;
  readonly to: Connection;
  readonly at: Place;
  /** The same on both hosts: libvirt names it by the VM. */
  readonly path: string;
  /** Whether this move has begun to write it on the target. */
  readonly isOurs: boolean;
}

/** @param intend is done before the first byte is written on the target. */
export async function copyNvram({ from, to, at, path, isOurs }: Nvram, intend: () => Promise<void>): Promise<void> {
  const content = await read(from, at, path);
  // Made from the firmware's own at the first start.
  if (content === null) return;
  if (!isOurs && (await read(to, at, path)) !== null)
    throw new PlacementError('platform', `${placeText(at)} already has firmware variables ${path}, which are not of this move.`, {
      next: 'look whose they are; remove them, then pulumi up',
    });
  await intend();
  const written = await to.exec(
    script(
      `t=$(mktemp -d) || exit 1; trap 'rm -rf "$t"' EXIT; base64 -d > "$t/vars" && ${image(to)} convert -f raw -O raw "$t/vars" ${quote(path)}`,
    ),
    { stdin: content },
  );
  if (written.code !== 0) throw refused(at, written);
  if ((await read(to, at, path)) !== content)
    throw new PlacementError('platform', `The firmware variables ${path} read back on ${placeText(at)} are not those that were sent.`);
}

const image = ({ target }: Connection): string => `${target.sudo ? 'sudo -n ' : ''}qemu-img`;

/** Base64; `null`: there is no such file. */
async function read(connection: Connection, at: Place, path: string): Promise<string | null> {
  const line = `t=$(mktemp -d) || exit 1; trap 'rm -rf "$t"' EXIT; ${image(connection)} dd -f raw -O raw bs=65536 if=${quote(path)} of="$t/vars" && base64 -w 0 "$t/vars"`;
  const done = await connection.exec(script(`export LC_ALL=C; ${line}`), { repeatable: true });
  if (done.code === 0) return done.stdout;
  if (/No such file or directory/.test(done.stderr)) return null;
  throw refused(at, done);
}
