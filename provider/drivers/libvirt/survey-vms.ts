/** Domains of all hosts put together to VMs: one UUID is one VM, wherever its copies are. */
import { basename } from 'node:path';
import { iso } from '../../core/clock.js';
import type { SurveyScope } from '../../core/driver.js';
import { isKnown, isUnknown, placeText, samePlace, unknown, type Copy, type Maybe, type Vm } from '../../core/inventory.js';
import type { MigrationRecord } from '../../core/record.js';
import type { DomainReading, Image } from './survey-domain.js';

export function vmsOf(domains: readonly DomainReading[], { vms }: SurveyScope): readonly Vm[] {
  const wanted = vms === undefined ? null : new Set(vms.flatMap((vm) => [vm, vm.toLowerCase()]));
  return grouped(domains)
    .filter((copies) => wanted === null || copies.some(({ uuid, name }) => wanted.has(uuid) || wanted.has(name)))
    .flatMap((copies) => vmOf(copies, domains))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function grouped(domains: readonly DomainReading[]): readonly (readonly DomainReading[])[] {
  const byUuid = new Map<string, DomainReading[]>();
  for (const domain of domains) byUuid.set(domain.uuid, [...(byUuid.get(domain.uuid) ?? []), domain]);
  return [...byUuid.values()];
}

/** By UUID, else by name; all copies have both. */
export function copiesOf(domains: readonly DomainReading[], vm: string): readonly DomainReading[] {
  const groups = grouped(domains);
  return groups.find(([one]) => one?.uuid === vm.toLowerCase()) ?? groups.find((copies) => copies.some(({ name }) => name === vm)) ?? [];
}

/** Where the VM itself is: running before off, and no copy that a move only makes or keeps. */
function liveOf(copies: readonly DomainReading[]): DomainReading | undefined {
  const live = copies.filter(({ copy }) => copy.role === 'live');
  return live.find(({ copy }) => copy.power !== 'off') ?? live[0] ?? copies[0];
}

/** Whose metadata counts: the source's as long as it has the record of a move away from it, then that of the VM itself. */
export const homeOf = (copies: readonly DomainReading[]): DomainReading | undefined =>
  copies.find(({ copy, state }) => state.state.record !== undefined && samePlace(copy.ref, state.state.record.from)) ?? liveOf(copies);

function vmOf(copies: readonly DomainReading[], domains: readonly DomainReading[]): Vm[] {
  const home = homeOf(copies);
  const live = liveOf(copies);
  if (home === undefined || live === undefined) return [];
  const { state, problem } = home.state;
  const lease = state.lease ?? null;
  return [
    {
      ...live.details,
      name: home.name,
      uuid: home.uuid,
      copies: copies.map(({ copy }) => asRecorded(copy, state.record)),
      disks: isUnknown(live.details.disks)
        ? live.details.disks
        : live.details.disks.map((disk) => ({ ...disk, sharedWith: sharers(disk, live, domains) })),
      annotation: [...(state.annotation ?? []), ...home.byHand.map((value) => ({ value, giver: 'virsh metadata', at: home.readAt }))],
      record: state.record ?? null,
      ...(problem === undefined ? {} : { recordProblem: problem }),
      claim: state.claim ?? null,
      lease: lease === null ? null : { holder: lease.holder, expiresAt: iso(lease.until) },
    },
  ];
}

/** From the point of no return on the target is the VM. */
const asRecorded = (copy: Copy, record: MigrationRecord | undefined): Copy =>
  copy.role === 'incoming' && record?.targetStarting === true && record.moveId === copy.ref.moveId ? { ...copy, role: 'live' } : copy;

/**
 * Other VMs that have the same file, as a disk, a medium or below one: by its path on the same host, by its name where both hosts see the
 * same storage.
 */
export function sharers(
  { path, storageId }: Pick<Image, 'path' | 'storageId'>,
  home: DomainReading,
  domains: readonly DomainReading[],
): Maybe<readonly string[]> {
  const here = placeText(home.copy.ref);
  const isNamedSo = (other: Image): boolean => basename(other.path) === basename(path);
  const isSame = (other: Image, isHere: boolean): boolean =>
    isHere
      ? other.path === path
      : other.storageId !== null && isKnown(other.storageId) && other.storageId === storageId && isNamedSo(other);
  const others = domains.filter(({ uuid }) => uuid !== home.uuid);
  const having = (is: (image: Image, isHere: boolean) => boolean): readonly string[] =>
    others.flatMap(({ name, copy, images }) => (images.some((image) => is(image, placeText(copy.ref) === here)) ? [name] : []));
  const users = having(isSame);
  const [doubtful] = having((image, isHere) => image.folderUnknown && (isHere || storageId !== null) && isNamedSo(image));
  return users.length === 0 && doubtful !== undefined
    ? unknown(`a disk of ${doubtful} has the same name, in a pool that is not active`)
    : users;
}
