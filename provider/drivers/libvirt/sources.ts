/** What becomes of the source of a move: kept under its label, or removed when everything that makes this safe was read again. */
import { basename } from 'node:path';
import type { Driver } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import { isKnown, isUnknown, placeText, samePlace, type CopyRef, type Host } from '../../core/inventory.js';
import { usedBelow } from './backing.js';
import { changeState, withState } from './domain-state.js';
import type { Parts } from './move-on-target.js';
import type { Records } from './records.js';
import type { DatacenterReading } from './survey.js';
import { sharingDoubt } from './storage.js';
import type { DomainReading, Image } from './survey-domain.js';
import type { PoolPlace } from './survey-host.js';
import { copiesOf, sharers } from './survey-vms.js';
import { nvramThatStays, undefine } from './undefine.js';
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
      const { own, others, reading } = await found(read, copy);
      if (own === null) return;
      const target = refuseRetire(own, others, reading.domains, moveId);
      await run.checkLease();
      await handOver(own, target.copy.ref);
      const connection = connectionTo(copy.host);
      const stays = (what: string, why: string, path: string): void =>
        run.emit({ kind: 'warning', vm: own.name, message: `${own.name}: ${what} on ${placeText(copy)} ${why}: ${path}` });
      for (const image of disksOf(own)) {
        const { disk, path } = image;
        // It is the target's too.
        if (isSeenBy(poolsOf(reading, target.copy.ref.host), image)) continue;
        let why = await whyItStays(image, { own, target, moveId, reading, connectionTo });
        if (why === null) {
          await run.checkLease();
          if ((await removeVolume(connection, copy, path)) === 'no volume') why = 'is in no pool';
        }
        if (why !== null) stays(`disk ${disk}`, `${why}, so its file stays`, path);
      }
      const variables = nvramThatStays(own, poolsOf(reading, copy.host));
      if (variables !== null) stays('its firmware variables', 'may be on storage that other hosts see too, so they stay', variables);
      await run.checkLease();
      await undefine(connection, copy, variables === null ? 'remove' : 'keep');
    },
  };
}

const disksOf = ({ images }: DomainReading): readonly Image[] => images.filter(({ kind }) => kind === 'disk');
const poolsOf = ({ pools }: DatacenterReading, host: string): readonly PoolPlace[] => pools.get(host) ?? [];
const isSeenBy = (pools: readonly PoolPlace[], { storageId }: Image): boolean =>
  storageId !== null && isKnown(storageId) && pools.some((pool) => pool.storageId === storageId);

interface Retiring {
  readonly own: DomainReading;
  readonly target: DomainReading;
  readonly moveId: string;
  readonly reading: DatacenterReading;
  readonly connectionTo: Parts['connectionTo'];
}

/** null: this move has copied it, and nobody else has a use for it. */
async function whyItStays(image: Image, { own, target, moveId, reading, connectionTo }: Retiring): Promise<string | null> {
  const { work } = own.state.state;
  // What is read now may be less than what was read when the move began: a pool of the target may be gone.
  if (work?.moveId !== moveId || work.disks[image.disk]?.made == null) return 'was not copied by this move';
  const doubt = sharingDoubt(image, poolsOf(reading, target.copy.ref.host));
  if (doubt !== null) return `may be on storage that the target sees too (${doubt})`;
  for (const host of reading.datacenter.hosts) {
    const why = await whyItStaysFor(host, image, { own, reading, connectionTo });
    if (why !== null) return why;
  }
  return null;
}

async function whyItStaysFor(
  host: Host,
  image: Image,
  { own, reading, connectionTo }: Pick<Retiring, 'own' | 'reading' | 'connectionTo'>,
): Promise<string | null> {
  const used = (path: string): Promise<string | null> => usedBelow(connectionTo(host.name), path, imagesOn(host, own, reading));
  if (host.name === own.copy.ref.host) return used(image.path);
  // No other host sees local storage.
  if (image.storageId === null) return null;
  const pools = poolsOf(reading, host.name);
  const unread = isUnknown(host.facts) ? host.facts.unknown : sharingDoubt(image, pools);
  if (unread !== null) return `may be used on ${placeText({ cluster: host.cluster, host: host.name })} too (${unread})`;
  const pool = pools.find((one) => isSeenBy([one], image));
  return pool === undefined ? null : used(`${pool.path ?? ''}/${basename(image.path)}`);
}

function imagesOn({ name, facts }: Host, own: DomainReading, reading: DatacenterReading): Parameters<typeof usedBelow>[2] {
  const here = reading.domains.filter(({ copy }) => copy.ref.host === name);
  const isOwn = ({ uuid }: DomainReading): boolean => uuid === own.uuid;
  const pools = isKnown(facts) && isKnown(facts.pools) ? facts.pools : [];
  return {
    own: here.filter(isOwn).flatMap(({ images }) => images),
    others: here.filter((domain) => !isOwn(domain)).flatMap(({ images }) => images),
    pools: poolsOf(reading, name).flatMap(({ name: pool, path }) => {
      const files = pools.find((one) => one.name === pool)?.files ?? [];
      return path === null || files.length === 0 ? [] : [{ name: pool, path, files }];
    }),
  };
}

interface Found {
  /** null: it is not there, though its host was read. */
  readonly own: DomainReading | null;
  readonly others: readonly DomainReading[];
  readonly reading: DatacenterReading;
}

async function found(read: Parts['read'], copy: CopyRef): Promise<Found> {
  const reading = await read();
  const host = reading.datacenter.hosts.find(({ name }) => name === copy.host);
  if (host === undefined || isUnknown(host.facts))
    throw new PlacementError('platform', `${placeText(copy)} cannot be read, so nothing is done to the source there.`, {
      next: 'try again when that host answers',
    });
  const copies = copiesOf(reading.domains, copy.platformId);
  const own = copies.find(({ copy: one }) => samePlace(one.ref, copy)) ?? null;
  return { own, others: copies.filter((one) => one !== own), reading };
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
