/** A disk that is added, replaced or resized after it was copied is missing on the target, or is another one there. */
import { isKnown, type Vm } from '../inventory.js';
import type { MigrationRecord } from '../record.js';

type CopiedDisks = NonNullable<MigrationRecord['copiedDisks']>;

/** To be written down with the copy that was made of them. */
export const copiedDisksOf = (vm: Vm): Pick<MigrationRecord, 'copiedDisks'> =>
  isKnown(vm.disks) ? { copiedDisks: vm.disks.map(({ name, path, virtualBytes }) => ({ name, path, virtualBytes })) } : {};

/**
 * What was changed since they were copied, for a message; null: nothing, or it cannot be told. Only before the point of no return:
 * from there on the disks that are read may be those of the target.
 */
export function changedDisk(vm: Vm, copied: CopiedDisks | undefined): string | null {
  if (copied === undefined || !isKnown(vm.disks)) return null;
  const { disks } = vm;
  for (const disk of disks) {
    const then = copied.find(({ name }) => name === disk.name);
    if (then === undefined) return `disk ${disk.name} was added`;
    if (then.path !== disk.path) return `disk ${disk.name} was replaced`;
    if (then.virtualBytes !== disk.virtualBytes) return `disk ${disk.name} was resized`;
  }
  const gone = copied.find(({ name }) => disks.every((disk) => disk.name !== name));
  return gone === undefined ? null : `disk ${gone.name} was removed`;
}
