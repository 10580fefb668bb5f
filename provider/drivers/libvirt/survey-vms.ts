/** Domains of all hosts put together to VMs: one UUID is one VM, wherever its copies are. */
import { iso } from '../../core/clock.js';
import type { SurveyScope } from '../../core/driver.js';
import { isUnknown, placeText, type Disk, type Vm } from '../../core/inventory.js';
import type { DomainReading } from './survey-domain.js';

export function vmsOf(domains: readonly DomainReading[], { vms }: SurveyScope): readonly Vm[] {
  const byUuid = new Map<string, DomainReading[]>();
  for (const domain of domains) byUuid.set(domain.uuid, [...(byUuid.get(domain.uuid) ?? []), domain]);
  const wanted = vms === undefined ? null : new Set(vms.flatMap((vm) => [vm, vm.toLowerCase()]));
  return [...byUuid.values()]
    .filter((copies) => wanted === null || copies.some(({ uuid, name }) => wanted.has(uuid) || wanted.has(name)))
    .flatMap((copies) => vmOf(copies, domains))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Where the VM itself is: running before off. */
export const homeOf = (copies: readonly DomainReading[]): DomainReading | undefined =>
  copies.find(({ copy }) => copy.power !== 'off') ?? copies[0];

function vmOf(copies: readonly DomainReading[], domains: readonly DomainReading[]): Vm[] {
  const home = homeOf(copies);
  if (home === undefined) return [];
  const { state, problem } = home.state;
  const lease = state.lease ?? null;
  return [
    {
      ...home.details,
      name: home.name,
      uuid: home.uuid,
      copies: copies.map(({ copy }) => copy),
      disks: isUnknown(home.details.disks)
        ? home.details.disks
        : home.details.disks.map((disk) => ({ ...disk, sharedWith: sharers(disk, home, domains) })),
      annotation: state.annotation ?? [],
      record: state.record ?? null,
      ...(problem === undefined ? {} : { recordProblem: problem }),
      claim: state.claim ?? null,
      lease: lease === null ? null : { holder: lease.holder, expiresAt: iso(lease.until) },
    },
  ];
}

/** Other VMs of the same host that have this path: what is on other hosts is other storage, unless reading proves otherwise. */
function sharers(disk: Disk, home: DomainReading, domains: readonly DomainReading[]): readonly string[] {
  const here = placeText(home.copy.ref);
  return domains.flatMap((other) => {
    if (other.uuid === home.uuid || placeText(other.copy.ref) !== here || isUnknown(other.details.disks)) return [];
    return other.details.disks.some(({ path }) => path === disk.path) ? [other.name] : [];
  });
}
