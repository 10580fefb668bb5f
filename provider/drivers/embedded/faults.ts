/** What `vmplacement embedded fault` can make happen, at once. */
import { hostStates } from '../../core/inventory.js';
import { PlacementError } from '../../core/errors.js';
import { parseDuration, parseSize } from '../../core/units.js';
import type { Outside } from './outside.js';

export interface Fault {
  readonly usage: string;
  readonly description: string;
  readonly apply: (outside: Outside, words: readonly string[]) => Promise<void>;
}

export const faults: Readonly<Record<string, Fault>> = {
  crash: { usage: '<vm>', description: 'the guest crashes', apply: (outside, [vm = '']) => outside.crash(vm) },
  'power-loss': { usage: '<host>', description: 'a host loses power', apply: (outside, [host = '']) => outside.losePower(host) },
  host: {
    usage: `<host> ${hostStates.join('|')}`,
    description: 'a host enters a state',
    apply: (outside, [host = '', state = '']) => {
      const known = hostStates.find((one) => one === state);
      if (known === undefined) throw new PlacementError('input', `A host is ${hostStates.join(', ')}, not "${state}".`);
      return outside.setHost(host, known);
    },
  },
  lock: {
    usage: '<vm> <by> [<duration>]',
    description: 'somebody else holds the VM',
    apply: (outside, [vm = '', by = '', duration]) => outside.lock(vm, by, duration === undefined ? null : parseDuration(duration)),
  },
  unlock: { usage: '<vm>', description: 'nobody holds the VM any more', apply: (outside, [vm = '']) => outside.unlock(vm) },
  snapshot: {
    usage: '<vm> <name>',
    description: 'somebody takes a snapshot',
    apply: (outside, [vm = '', name = '']) => outside.snapshot(vm, name),
  },
  resize: {
    usage: '<vm> <disk> <size>',
    description: 'a disk gets another size',
    apply: (outside, [vm = '', disk = '', size = '']) => outside.resizeDisk(vm, disk, parseSize(size)),
  },
  'add-disk': {
    usage: '<vm> <disk> <size>',
    description: 'the VM gets another disk',
    apply: (outside, [vm = '', name = '', size = '']) =>
      outside.addDisk(vm, { name, bytes: parseSize(size), allocatedBytes: parseSize(size) }),
  },
  'replace-disk': {
    usage: '<vm> <disk>',
    description: 'another image takes the place of a disk',
    apply: (outside, [vm = '', disk = '']) => outside.replaceDisk(vm, disk),
  },
  corrupt: {
    usage: '<vm> <host> <disk> <block>',
    description: 'a block of the copy on this host turns bad',
    apply: (outside, [vm = '', host = '', disk = '', block = '0']) => outside.corrupt(vm, host, disk, Number(block)),
  },
  'remove-target': {
    usage: '<vm>',
    description: 'what a move has built on its target is deleted',
    apply: (outside, [vm = '']) => outside.removeIncoming(vm),
  },
  annotate: {
    usage: '<vm> <value> <giver>',
    description: 'one more shutdown annotation beside those that are there',
    apply: (outside, [vm = '', value = '', giver = '']) => outside.annotate(vm, value, giver),
  },
};
