/** What was seen on a host, as checks: each with its fix. Pure. */
import type { HostCheck } from '../../core/driver.js';
import type { PlacementError } from '../../core/errors.js';
import { isUnknown, type Place } from '../../core/inventory.js';
import { formatBytes } from '../../core/units.js';
import { quote } from './quote.js';
import type { Reading } from './reading.js';
import { domainsOf } from './survey-domain.js';
import { poolsOf, versionsOf } from './survey-host.js';
import { missingTools, packages, tools } from './tools.js';

export interface Seen {
  readonly at: Place;
  /** The login, and whether it uses sudo. */
  readonly user: string;
  readonly sudo: boolean;
  readonly reading: Reading;
  /** Programs that sudo refuses it. */
  readonly denied: readonly string[];
  /** Images that it may not read or write itself; without sudo only. */
  readonly closed: readonly string[];
  readonly inactivePools: readonly string[];
  /** Whether a disk reached this machine, and why not. */
  readonly served: 'yes' | 'not tried' | PlacementError;
}

type Said = Omit<HostCheck, 'host' | 'kind'>;
const fail = (message: string, fix: string): Said => ({ result: 'fail', message, fix });
const warn = (message: string, fix: string): Said => ({ result: 'warn', message, fix });
const ok = (message: string): Said => ({ result: 'ok', message, fix: '' });

/** Of each kind what is wrong, else the one line that all is well. */
export function hostChecks(seen: Seen): readonly HostCheck[] {
  const kind = (name: HostCheck['kind'], wrong: readonly Said[], well: () => string): HostCheck[] =>
    (wrong.length > 0 ? wrong : [ok(well())]).map((said) => ({ host: seen.at, kind: name, ...said }));
  return [
    ...kind('tools', toolFaults(seen), () => versionText(seen.reading)),
    ...kind('rights', rightFaults(seen), () => rightText(seen)),
    ...kind('pools', poolFaults(seen), () => poolText(seen.reading)),
    ...kind('kvm', [], () => (hasKvm(seen.reading) ? 'KVM' : 'no KVM: only VMs that are emulated can run there')),
  ];
}

function versionText(reading: Reading): string {
  const { libvirt, qemu } = versionsOf(reading);
  return `libvirt ${libvirt ?? 'of unknown version'}, QEMU ${qemu ?? 'of unknown version'}, and all that moves need`;
}

function toolFaults({ reading }: Seen): readonly Said[] {
  const missing = missingTools(reading).map((tool) => {
    const methods = tools[tool]?.methods ?? [];
    return methods.length === 0
      ? warn(`no ${tool}: when and why the power of a VM changed is unknown`, `${packages(tool)}.`)
      : fail(`no ${tool}: ${inWords(methods)} moves from and to it are not possible`, `${packages(tool)}.`);
  });
  const { qemu } = versionsOf(reading);
  return qemu === null
    ? [
        ...missing,
        fail('libvirt finds no QEMU: no VM can run there', 'install qemu-system-x86 (Debian, Ubuntu) or qemu-kvm (Fedora) there.'),
      ]
    : missing;
}

/** Beside virsh, without which nothing is read. */
export const throughSudo = ['qemu-img', 'qemu-nbd'] as const;

const rightText = ({ sudo, served }: Seen): string =>
  `full rights on qemu:///system${sudo ? ' by sudo' : ''}${served === 'yes' ? ', and a disk can be served' : ''}`;

function rightFaults(seen: Seen): readonly Said[] {
  const { user, sudo, denied, closed, served } = seen;
  const allow = (...commands: readonly string[]): string =>
    `add to sudoers there (visudo): ${user} ALL=(root) NOPASSWD: ${commands.join(', ')}`;
  const useSudo = 'set ssh.sudo and add the lines of docs/drivers/libvirt.md to sudoers there';
  const unable = 'cold and staged moves from and to it are not possible';
  const log = logFault(seen);
  const faults: Said[] = [];
  if (denied.length > 0)
    faults.push(
      fail(
        `${user} may not run ${denied.join(' and ')} by sudo without a password: ${unable}`,
        allow(...denied.map((tool) => `/usr/bin/${tool}`)),
      ),
    );
  if (closed.length > 0) {
    const which =
      closed.length === 1 ? `the image ${closed[0] ?? ''}, so its VM` : `${closed.length} images, as ${closed[0] ?? ''}, so their VMs`;
    faults.push(warn(`${user} may not open ${which} cannot move cold`, `${useSudo}, or let ${user} read and write the images.`));
  }
  if (typeof served !== 'string') faults.push(fail(`${unable}: ${served.said}`, `${served.next ?? 'look at that host'}.`));
  if (log !== null) {
    const fix = sudo ? allow('/usr/bin/grep -aH -e starting -e shutting -- /var/log/libvirt/qemu/*') : `${useSudo}.`;
    faults.push(warn(`${user} may not read ${log}: when and why the power of a VM changed is unknown`, fix));
  }
  return faults;
}

/** Which log the survey could not read. */
function logFault({ reading }: Seen): string | null {
  const said = reading.get('logs') ?? '';
  if (/^sudo: /m.test(said)) return '/var/log/libvirt/qemu';
  return /^grep: (.*): Permission denied$/m.exec(said)?.[1] ?? null;
}

/** Part of a pool that should be left. */
const nearlyFull = 0.05;

function poolFaults({ reading, inactivePools }: Seen): readonly Said[] {
  const pools = poolsOf(reading);
  const none =
    pools.length === 0
      ? [
          warn(
            'no active storage pool: no disk can be copied there',
            'virsh pool-define-as default dir --target /var/lib/libvirt/images, pool-start and pool-autostart it there.',
          ),
        ]
      : [];
  const inactive = inactivePools.map((pool) =>
    warn(`pool ${pool} is not active`, `virsh pool-start ${quote(pool)} there, and pool-autostart it.`),
  );
  const full = pools.flatMap(({ pool: { name, freeBytes }, totalBytes, place: { path } }) => {
    if (isUnknown(freeBytes) || totalBytes === null || freeBytes >= totalBytes * nearlyFull) return [];
    const message = `pool ${name} is nearly full: ${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} are free`;
    return [warn(message, `free space ${path === null ? 'there' : `in ${path}`}, or map disks to another pool (storage).`)];
  });
  return [...none, ...inactive, ...full];
}

const poolText = (reading: Reading): string =>
  poolsOf(reading)
    .map(
      ({ pool: { name, freeBytes }, on }) =>
        `${name} (${on}), ${isUnknown(freeBytes) ? freeBytes.unknown : `${formatBytes(freeBytes)} free`}`,
    )
    .join('; ');

const hasKvm = (reading: Reading): boolean => (reading.get('domcapabilities-kvm') ?? '') !== '';

/** Images in files of the domains of this host. */
export function imagesOf(reading: Reading, at: Place): readonly string[] {
  const disks = domainsOf(reading, { ...at, pools: [] }).flatMap(({ details }) => (isUnknown(details.disks) ? [] : details.disks));
  return [...new Set(disks.map(({ path }) => path).filter((path) => path.startsWith('/')))];
}

const inWords = (all: readonly string[]): string =>
  [all.slice(0, -1).join(', '), ...all.slice(-1)].filter((part) => part !== '').join(' and ');
