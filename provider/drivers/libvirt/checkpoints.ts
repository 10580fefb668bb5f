/**
 * Checkpoints of a staged move on its source: dirty bitmaps in the images, which libvirt keeps through shutdowns of the guest. Ours are known by their
 * name; none may stay behind, for a snapshot cannot be reverted while there is one.
 */
import { randomBytes } from 'node:crypto';
import type { CopyRef, Disk } from '../../core/inventory.js';
import type { Connection } from './connection.js';
import { ask, orNone, tell } from './host-shell.js';
import { command, quote, script } from './quote.js';
import { refused } from './refused.js';
import { all, attribute, parseXml } from './xml.js';

const prefix = 'vmplacement-';

/** Never one that was there before: what a bitmap of that name once meant is not known. */
export const newCheckpoint = (n: number): string => `${prefix}${n}-${randomBytes(4).toString('hex')}`;

export const isOwnCheckpoint = (name: string): boolean => name.startsWith(prefix);

/** Of a VM that runs: bytes that were written since, in whole clusters, by the name of the disk; null: its bitmaps tell nothing. */
export async function dirtyBytes(on: Connection, copy: CopyRef, checkpoint: string): Promise<ReadonlyMap<string, number> | null> {
  const asked = `${ask(`checkpoint-dumpxml ${quote(copy.platformId)} ${quote(checkpoint)} --no-domain --size`)}\n${orNone}\n${tell}`;
  const told = await on.shell.run(asked, { repeatable: true });
  if (told.code !== 0) throw refused(copy, told);
  const sizes = all(parseXml(told.stdout), 'disks', 'disk').flatMap((disk): [string, number | null][] => {
    if (attribute(disk, 'checkpoint') === 'no') return [];
    const size = attribute(disk, 'size');
    return [[attribute(disk, 'name') ?? '', size === null ? null : Number(size)]];
  });
  return sizes.some(([, size]) => size === null) ? null : new Map(sizes.map(([name, size]) => [name, size ?? 0]));
}

/** Of a VM that runs. One that is gone is done. */
export async function removeCheckpoints(on: Connection, copy: CopyRef, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const vm = quote(copy.platformId);
  // One whose bitmap is broken or gone can only be forgotten.
  const one = (name: string): string => `${ask(`checkpoint-delete ${vm} ${quote(name)}`)}
case $out in error:*[Bb]itmap* | error:*inconsistent*) ${ask(`checkpoint-delete ${vm} ${quote(name)} --metadata`)} ;; esac
case $out in error:*'no domain checkpoint'* | error:*'checkpoint not found'*) ;; error:*) ${tell}; exit 1 ;; esac`;
  const done = await on.shell.run(names.map(one).join('\n'));
  if (done.code !== 0) throw refused(copy, done);
}

/** Of a VM that is off, of which libvirt only forgets them: the bitmaps are taken out of the images here. */
export async function removeCheckpointsOff(
  on: Connection,
  copy: CopyRef,
  { names, disks }: { readonly names: readonly string[]; readonly disks: readonly Pick<Disk, 'path'>[] },
): Promise<void> {
  if (names.length === 0) return;
  const image = `${on.target.sudo ? 'sudo -n ' : ''}qemu-img`;
  const bitmaps = disks.flatMap(({ path }) =>
    names.map(
      (name) => `said=$(${image} ${command('bitmap', '--remove', '-f', 'qcow2', path, name)} 2>&1) || case $said in
*'not found'* | *"Can't open"*|*'No such file'*) ;; *) printf '%s' "$said" >&2; exit 1 ;; esac`,
    ),
  );
  const cleared = await on.exec(script(`export LC_ALL=C\n${bitmaps.join('\n')}`));
  if (cleared.code !== 0) throw refused(copy, cleared);
  const vm = quote(copy.platformId);
  const forget = names.map(
    (name) => `${ask(`checkpoint-delete ${vm} ${quote(name)} --metadata`)}
case $out in error:*'no domain checkpoint'* | error:*'checkpoint not found'*) ;; error:*) ${tell}; exit 1 ;; esac`,
  );
  const done = await on.shell.run(forget.join('\n'));
  if (done.code !== 0) throw refused(copy, done);
}
