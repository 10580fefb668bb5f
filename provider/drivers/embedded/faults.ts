/** What `vmplacement embedded fault` can make happen. */
import { hostStates } from '../../core/inventory.js';
import { PlacementError } from '../../core/errors.js';
import { parseDuration, parseRate, parseSize } from '../../core/units.js';
import type { Outside } from './outside.js';

export interface Fault {
  /** Its words, one for each argument; `<vm>`, `<host>` and `<place>` (a cluster or a host) are looked up before it is applied. */
  readonly usage: string;
  readonly description: string;
  readonly apply: (outside: Outside, words: readonly string[]) => Promise<void>;
}

export const faults: Readonly<Record<string, Fault>> = {
  crash: { usage: '<vm>', description: 'the guest crashes', apply: (outside, [vm = '']) => outside.crash(vm) },
  guest: {
    usage: '<vm> obeys|ignores|delays [<duration>]',
    description: 'how the guest obeys a shutdown from now on',
    apply: (outside, [vm = '', how = '', duration]) => {
      const to = oneOf(['obeys', 'ignores', 'delays'], how);
      if (to === 'delays') return outside.setGuest(vm, { takesMs: given('<duration>', duration, parseDuration) });
      unused('<duration>', duration, how);
      return outside.setGuest(vm, to);
    },
  },
  'start-fails': {
    usage: '<vm> <host> crashes|refused|ok [<times>]',
    description: 'the next starts of the VM on this host end in a crash, or are refused (1 time unless said; ok: no more)',
    apply: (outside, [vm = '', host = '', how = '', times]) => {
      const to = oneOf(['crashes', 'refused', 'ok'], how);
      if (to === 'ok') unused('<times>', times, how);
      return outside.setStarts(vm, host, to, times === undefined ? 1 : given('<times>', times, wholeNumber(1)));
    },
  },
  'start-source': {
    usage: '<vm>',
    description: 'somebody takes the block of the source away and starts it',
    apply: (outside, [vm = '']) => outside.startSource(vm),
  },
  'ha-move': {
    usage: '<vm> <host>',
    description: 'HA takes the host of the VM for dead and restarts it on this one',
    apply: (outside, [vm = '', host = '']) => outside.restartElsewhere(vm, host),
  },
  host: {
    usage: `<host> ${hostStates.join('|')}`,
    description: 'a host enters a state',
    apply: (outside, [host = '', state = '']) => outside.setHost(host, oneOf(hostStates, state)),
  },
  'host-down': {
    usage: '<host>',
    description: 'a host loses power and does not answer until host-up',
    apply: (outside, [host = '']) => outside.hostDown(host),
  },
  'host-up': {
    usage: '<host>',
    description: 'a host boots and starts what has autostart and is not blocked',
    apply: (outside, [host = '']) => outside.hostUp(host),
  },
  'power-loss': {
    usage: '<host>',
    description: 'a host loses power and answers again at once, with its VMs crashed',
    apply: (outside, [host = '']) => outside.losePower(host),
  },
  'clock-skew': {
    usage: '<host> <offset>',
    description: 'the clock of a host is ahead (5m) or behind (-90s); 0s: right again',
    apply: (outside, [host = '', offset]) => outside.setClock(host, given('<offset>', offset, signedDuration)),
  },
  link: {
    usage: '<place> <place> cut|slow|ok [<rate>]',
    description: 'the network between two clusters or two hosts is cut, carries so much at most, or is as declared again',
    apply: (outside, [a = '', b = '', how = '', rate]) => {
      const to = oneOf(['cut', 'slow', 'ok'], how);
      if (to === 'slow') return outside.setLink(a, b, { bytesPerSecond: given('<rate>', rate, someRate) });
      unused('<rate>', rate, how);
      return outside.setLink(a, b, to);
    },
  },
  'disk-full': {
    usage: '<host> <pool> [full|ok]',
    description: 'a pool has no room: what copies write there fails',
    apply: (outside, [host = '', pool = '', to = 'full']) => outside.setPool(host, pool, oneOf(['full', 'ok'], to)),
  },
  'store-lock': {
    usage: '<duration>',
    description: 'this command keeps everybody else off the store for so long (wall time)',
    apply: (outside, [duration]) => outside.holdStore(given('<duration>', duration, parseDuration)),
  },
  lock: {
    usage: '<vm> <by> [<duration>]',
    description: 'somebody else holds the VM',
    apply: (outside, [vm = '', by = '', duration]) =>
      outside.lock(vm, by, duration === undefined ? null : given('<duration>', duration, parseDuration)),
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
    apply: (outside, [vm = '', disk = '', size]) => outside.resizeDisk(vm, disk, given('<size>', size, parseSize)),
  },
  'add-disk': {
    usage: '<vm> <disk> <size>',
    description: 'the VM gets another disk',
    apply: (outside, [vm = '', name = '', size]) => {
      const bytes = given('<size>', size, parseSize);
      return outside.addDisk(vm, { name, bytes, allocatedBytes: bytes });
    },
  },
  'replace-disk': {
    usage: '<vm> <disk>',
    description: 'another image takes the place of a disk',
    apply: (outside, [vm = '', disk = '']) => outside.replaceDisk(vm, disk),
  },
  corrupt: {
    usage: '<vm> <host> <disk> <block>',
    description: 'a block of the copy on this host turns bad',
    apply: (outside, [vm = '', host = '', disk = '', block]) => outside.corrupt(vm, host, disk, given('<block>', block, wholeNumber(0))),
  },
  'remove-copy': {
    usage: '<vm> <host>',
    description: 'somebody removes the copy on this host, which is off',
    apply: (outside, [vm = '', host = '']) => outside.removeCopy(vm, host),
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

/** The argument, read; what is wrong with it names it. */
function given<T>(argument: string, text: string | undefined, parse: (text: string) => T): T {
  if (text === undefined) throw new PlacementError('input', `${argument} is missing.`);
  try {
    return parse(text);
  } catch (error) {
    throw new PlacementError('input', `${argument} ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function unused(argument: string, text: string | undefined, word: string): void {
  if (text !== undefined) throw new PlacementError('input', `${argument} says nothing with ${word}: leave "${text}" out.`);
}

function oneOf<const Word extends string>(known: readonly Word[], text: string): Word {
  const found = known.find((word) => word === text);
  if (found !== undefined) return found;
  throw new PlacementError('input', `${known.join('|')} must be one of these words, not "${text}".`);
}

const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least) return value;
    throw new Error(`must be a whole number from ${least} on, not "${text}"`);
  };

const signedDuration = (text: string): number => (text.startsWith('-') ? -1 : 1) * parseDuration(text.replace(/^[+-]/, ''));

function someRate(text: string): number {
  const rate = parseRate(text);
  if (rate > 0) return rate;
  throw new Error(`must be more than nothing, not "${text}": that is "cut"`);
}
