/** What becomes of the source of a move: kept under its label, or removed when everything that makes this safe was read again. */
import type { Driver } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { isKnown, isUnknown, placeText, samePlace, type CopyRef } from '../../core/inventory.js';
import { changeState, withState } from './domain-state.js';
import type { Parts } from './move-on-target.js';
import type { Records } from './records.js';
import type { DatacenterReading } from './survey.js';
import type { DomainReading, Image } from './survey-domain.js';
import { sharingDoubt } from './storage.js';
import type { PoolPlace } from './survey-host.js';
import { copiesOf, sharers } from './survey-vms.js';
import { isOnlyHere, undefine } from './undefine.js';
import { removeVolume } from './volumes.js';

type Sources = Pick<Driver, 'keep' | 'retire'>;

interface SourceParts extends Parts {
  readonly handOver: Records['handOver'];
}

export function sources({ read, connectionTo, handOver }: SourceParts): Sources {
  return {
    async keep(copy, moveId, run) {
      const source = (await found(read, copy)).own;
      if (source === null) throw new PlacementError('platform', `There is no domain ${copy.platformId} on ${placeText(copy)}.`);
      if (isUp(source))
        throw new PlacementError('not-possible', `VM ${source.name} runs on ${placeText(copy)}: it cannot be kept as a source.`);
      await run.checkLease();
      await changeState(connectionTo(copy.host), source, ({ state, nowMs }) => ({
        next:
          state.label?.role === 'kept' && state.label.moveId === moveId
            ? null
            : withState(state, { label: { role: 'kept', moveId, at: nowMs } }),
        result: undefined,
      }));
    },

    async retire(copy, moveId, run) {
      const { own, others, domains, pools } = await found(read, copy);
      if (own === null) return;
      const target = refuseRetire(own, others, domains, moveId);
      await run.checkLease();
      await handOver(own, target.copy.ref);
      const connection = connectionTo(copy.host);
      const there = pools.get(target.copy.ref.host) ?? [];
      for (const { disk: name, path, storageId } of disksOf(own)) {
        // It is the target's too.
        if (storageId !== null && isKnown(storageId) && there.some((pool) => pool.storageId === storageId)) continue;
        const stays = (why: string): void =>
          run.emit({
            kind: 'warning',
            vm: own.name,
            message: `${own.name}: disk ${name} on ${placeText(copy)} ${why}, so its file stays: ${path}`,
          });
        const doubt = sharingDoubt({ storageId }, there);
        if (doubt !== null) {
          stays(`may be on storage that the target sees too (${doubt})`);
          continue;
        }
        await run.checkLease();
        if ((await removeVolume(connection, copy, path)) === 'no volume') stays('is in no pool');
      }
      const variables = nvramThatStays(own, pools.get(copy.host) ?? []);
      if (variables !== null)
        run.emit({
          kind: 'warning',
          vm: own.name,
          message: `${own.name}: its firmware variables on ${placeText(copy)} may be on storage that other hosts see too, so they stay: ${variables}`,
        });
      await run.checkLease();
      await undefine(connection, copy, variables === null ? 'remove' : 'keep');
    },
  };
}

const disksOf = ({ images }: DomainReading): readonly Image[] => images.filter(({ kind }) => kind === 'disk');

function nvramThatStays({ details: { stateFiles } }: DomainReading, pools: readonly PoolPlace[]): string | null {
  const file = isKnown(stateFiles) ? stateFiles.find(({ kind }) => kind === 'nvram') : undefined;
  return file === undefined || isOnlyHere(file.path, pools) ? null : file.path;
}

interface Found {
  /** null: it is not there, though its host was read. */
  readonly own: DomainReading | null;
  readonly others: readonly DomainReading[];
  readonly domains: readonly DomainReading[];
  readonly pools: DatacenterReading['pools'];
}

async function found(read: Parts['read'], copy: CopyRef): Promise<Found> {
  const { datacenter, domains, pools } = await read();
  const host = datacenter.hosts.find(({ name }) => name === copy.host);
  if (host === undefined || isUnknown(host.facts))
    throw new PlacementError('platform', `${placeText(copy)} cannot be read, so nothing is done to the source there.`, {
      next: 'try again when that host answers',
    });
  const copies = copiesOf(domains, copy.platformId);
  const own = copies.find(({ copy: one }) => samePlace(one.ref, copy)) ?? null;
  return { own, others: copies.filter((one) => one !== own), domains, pools };
}

const isUp = ({ copy }: DomainReading): boolean => copy.power !== 'off' && copy.power !== 'crashed';

/** @returns the copy that stays. */
function refuseRetire(
  own: DomainReading,
  others: readonly DomainReading[],
  domains: readonly DomainReading[],
  moveId: string,
): DomainReading {
  const refuse = (why: string): never => {
    throw new PlacementError('not-possible', `The source of VM ${own.name} on ${placeText(own.copy.ref)} is not removed: ${why}.`, {
      vm: own.name,
      next: 'look at both copies, then run again',
    });
  };
  const { label } = own.state.state;
  if (isUp(own)) refuse(`it reads as ${own.copy.power}`);
  if (label !== undefined && own.copy.role === 'live') refuse('it ran since it was kept');
  const labels = [label?.moveId, own.blockedBy].filter((one) => one !== undefined && one !== null);
  if (labels.length === 0) refuse('it carries no label of this move');
  for (const other of labels) if (other !== moveId) refuse(`it carries the label of another move, ${other}`);
  // What only lies on an image goes on with it: then the image stays.
  const using = domains.map((domain) => ({ ...domain, images: domain.images.filter(({ kind }) => kind !== 'below') }));
  for (const image of disksOf(own)) {
    const users = sharers(image, own, using);
    if (isUnknown(users)) refuse(`it is not known who else uses its disk ${image.disk}: ${users.unknown}`);
    else if (users.length > 0) refuse(`its disk ${image.disk} is used by ${users.join(', ')}`);
  }
  const stays = others.find(
    (other) => isUp(other) || other.state.state.label?.moveId === moveId || other.state.state.record?.moveId === moveId,
  );
  return stays ?? refuse('no other copy of the VM was read that runs, or that this move made complete');
}
