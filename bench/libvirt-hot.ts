/** A whole hot `pulumi up` beside `virsh migrate` with the same flags, in interleaved pairs. */
import { datacenter } from '../test/lab/datacenter.js';
import { addresses, clearLab, lab, running, virsh } from '../test/lab/kit.js';
import { median, milliseconds, print, ratio, seconds, type Limit } from './figures.js';
import { prepare } from './stack.js';

const vm = 'web-01';
type Side = 'host-a' | 'host-b';

export async function hot(pairs: number): Promise<readonly Limit[]> {
  const makeStack = await prepare();
  lab('vm', 'host-a', vm, '--data', '64');
  const stack = await makeStack('vmplacement', { datacenter: { libvirt: datacenter() }, hosts: new Map([[vm, 'host-a']]) });
  const up = async (to: Side): Promise<number> => {
    stack.declare(new Map([[vm, to]]));
    return (await stack.pulumi('up', '--yes', '--skip-preview')).wallMs;
  };
  const all: { readonly ours: Moved; readonly bare: Moved; readonly floorMs: number }[] = [];
  try {
    await up('host-a');
    for (let index = 0; index < pairs; index += 1) {
      const floorMs = await up('host-a');
      const oursMs = await up('host-b');
      const ours = { ms: oursMs, downtimeMs: downtime('host-b') };
      const bare = migrate('host-b', 'host-a');
      all.push({ ours, bare, floorMs });
    }
  } finally {
    stack.remove();
    clearLab();
  }
  print(
    `Hot move of a VM of 96 MiB with 64 MiB of data on its disk, copied along, ${pairs} interleaved pairs`,
    ['up', 'virsh migrate', 'up without a change', 'more than that and virsh', 'downtime', 'of virsh', 'ratio'],
    all.map(({ ours, bare, floorMs }) => [
      seconds(ours.ms),
      seconds(bare.ms),
      seconds(floorMs),
      seconds(ours.ms - bare.ms - floorMs),
      milliseconds(ours.downtimeMs),
      milliseconds(bare.downtimeMs),
      ratio(ours.downtimeMs / bare.downtimeMs),
    ]),
  );
  const floor = median(all.map(({ floorMs }) => floorMs));
  const over = median(all.map(({ ours, bare }) => ours.ms - bare.ms));
  const down = median(all.map(({ ours, bare }) => ours.downtimeMs / bare.downtimeMs));
  return [
    {
      what: `hot: ${seconds(over)} more than virsh migrate, at most ${seconds(floor + 1500)} (an up without a change + 1.5 s)`,
      holds: over <= floor + 1500,
    },
    { what: `hot: downtime ${ratio(down)} that of virsh migrate, at most 1.5x`, holds: down <= 1.5 },
  ];
}

interface Moved {
  readonly ms: number;
  readonly downtimeMs: number;
}

/** With what `hot.ts` of the driver says to it; then nothing is left where it was, as after ours. */
function migrate(from: Side, to: Side): Moved {
  const options = [
    '--live',
    '--p2p',
    '--persistent',
    '--auto-converge',
    '--copy-storage-all',
    '--migrate-disks',
    'vda',
    '--bandwidth',
    '8796093022207',
  ];
  const began = performance.now();
  virsh(from, 'migrate', ...options, vm, `qemu+ssh://root@${addresses[to]}/system?no_tty=1`);
  const ms = performance.now() - began;
  const downtimeMs = downtime(to);
  virsh(from, 'undefine', vm);
  lab('exec', from, 'sh', '-c', 'rm -f /var/lib/libvirt/images/*; virsh -q pool-refresh default');
  return { ms, downtimeMs };
}

/** As the target's completed job tells. */
function downtime(host: Side): number {
  if (!running(host).includes(vm)) throw new Error(`${vm} does not run on ${host}`);
  const told = /^downtime:(\d+)$/m.exec(
    virsh(host, 'domjobinfo', vm, '--completed', '--keep-completed', '--rawstats').replaceAll(/[ \t]/g, ''),
  )?.[1];
  if (told === undefined) throw new Error(`${host} tells no downtime`);
  return Number(told);
}
