/** Whether two places reach each other directly, and how fast a copy between them is. */
import { isKnown, unknown, type Inventory, type Link, type Maybe, type Place } from './inventory.js';
import { formatRate } from './units.js';

type Links = Pick<Inventory, 'links'>;

/** Says `yes` or `no` with where that is known from; `unknown` with why. */
export interface Reach {
  readonly direct: 'yes' | 'no' | 'unknown';
  readonly because: string;
  /** What to do about a `no` or `unknown` that was measured. */
  readonly fix?: string;
}

/**
 * A link given for the two hosts wins over the one of their clusters; inside one cluster there is a network unless such a link denies it.
 * A measurement that came to nothing leaves what is declared as it is.
 */
export function reach(inventory: Links, from: Place, to: Place): Reach {
  const known = knownReach(inventory, from, to);
  const tried = measured(inventory, from, to);
  return known.direct === 'unknown' && tried !== undefined ? ofLink(tried) : known;
}

function knownReach(inventory: Links, from: Place, to: Place): Reach {
  const hosts = linkBetween(inventory, 'hosts', from.host, to.host, (link) => link.source === 'declared' || link.direct !== 'unknown');
  if (hosts !== undefined) return ofLink(hosts);
  if (from.cluster === to.cluster) return { direct: 'yes', because: `same cluster ${from.cluster}` };
  const clusters = linkBetween(inventory, 'clusters', from.cluster, to.cluster);
  if (clusters !== undefined) return ofLink(clusters);
  return { direct: 'unknown', because: noLink(from.cluster, to.cluster) };
}

/** What was measured between two hosts, also where that came to nothing. */
export const measured = (inventory: Links, from: Place, to: Place): Link | undefined =>
  linkBetween(inventory, 'hosts', from.host, to.host, ({ source }) => source === 'measured');

export interface Throughput {
  readonly bytesPerSecond: Maybe<number>;
  /** Where the number comes from, for a person. */
  readonly basis: string;
}

/** Of the link between two places (the relayed copy's where they do not reach each other), at most the declared bandwidth. */
export function throughput(inventory: Links, from: Place, to: Place, bandwidth: number | null): Throughput {
  const link =
    linkBetween(inventory, 'hosts', from.host, to.host, isRated) ?? linkBetween(inventory, 'clusters', from.cluster, to.cluster, isRated);
  if (link !== undefined && isKnown(link.bytesPerSecond)) {
    const rate = bandwidth === null ? link.bytesPerSecond : Math.min(bandwidth, link.bytesPerSecond);
    const limit = rate < link.bytesPerSecond ? ', limited by the declared bandwidth' : '';
    return { bytesPerSecond: rate, basis: `throughput ${formatRate(rate)} (${link.source}${limit})` };
  }
  if (bandwidth !== null)
    return { bytesPerSecond: bandwidth, basis: `throughput ${formatRate(bandwidth)} (assumed: the declared bandwidth)` };
  const why = `throughput between ${from.cluster}/${from.host} and ${to.cluster}/${to.host} is not known`;
  return { bytesPerSecond: unknown(why), basis: why };
}

function linkBetween(
  inventory: Links,
  scope: Link['scope'],
  a: string,
  b: string,
  fits: (link: Link) => boolean = () => true,
): Link | undefined {
  const between = inventory.links.filter(
    ({ scope: of, between: [one, other], oneWay }) =>
      of === scope && ((one === a && other === b) || (oneWay !== true && one === b && other === a)),
  );
  // What was measured wins over what was declared.
  return between.find((link) => link.source === 'measured' && fits(link)) ?? between.find(fits);
}

const isRated = (link: Link): boolean => isKnown(link.bytesPerSecond) && link.bytesPerSecond > 0;

function ofLink({ direct, between: [a, b], source, cause, at }: Link): Reach {
  if (cause !== undefined && direct !== 'yes') return { direct, because: `${cause.because}; measured at ${at}`, fix: cause.fix };
  if (direct === 'unknown') return { direct, because: noLink(a, b) };
  return { direct, because: `the link ${a} - ${b} is ${source}: ${direct}` };
}

const noLink = (a: string, b: string): string => `it was not measured, and nothing is declared between ${a} and ${b}`;
