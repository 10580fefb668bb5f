/** What hosts reach directly: as it is declared, or tried where the platform can be asked. */
import { isKnown, samePlace, type Inventory, type Place } from '../../core/inventory.js';
import { reach } from '../../core/link.js';
import { hostPlace } from '../../core/locate.js';
import type { Session } from '../../core/placement.js';
import { count } from '../../report/text.js';
import type { DoctorCheck } from '../../report/types.js';
import { ok, warn } from './doctor-check.js';

export function linkChecks(session: Session, inventory: Inventory): Promise<readonly DoctorCheck[]> {
  return session.driver.capabilities.reachability === 'measured'
    ? triedChecks(session, inventory)
    : Promise.resolve([declaredCheck(inventory)]);
}

/** A pair of clusters whose network nobody knows makes `auto` refuse. */
function declaredCheck({ clusters, links }: Inventory): DoctorCheck {
  const known = (a: string, b: string): boolean =>
    links.some((link) => link.scope === 'clusters' && link.direct !== 'unknown' && link.between.includes(a) && link.between.includes(b));
  const names = clusters.map((cluster) => cluster.name);
  const pairs = names.flatMap((a, index) => names.slice(index + 1).map((b) => [a, b] as const));
  const unclear = pairs.filter(([a, b]) => !known(a, b)).map(([a, b]) => `${a}-${b}`);
  if (pairs.length === 0) return ok('links', 'one cluster, none needed');
  if (unclear.length === 0) return ok('links', `${count(pairs.length, 'pair')} of clusters known`);
  return warn(
    'links',
    `not known whether these reach each other directly: ${unclear.join(', ')}`,
    'declare them under `links`; until then `method: auto` refuses to choose between them.',
  );
}

/** From each host to one host of each cluster: all pairs would be too many, and a host without a key is found with one. */
async function triedChecks({ ask }: Session, inventory: Inventory): Promise<readonly DoctorCheck[]> {
  const names = inventory.clusters.map(({ name }) => name);
  const groups = names.flatMap((a) => names.map((b) => pairsBetween(inventory, a, b)));
  const tried = await Promise.all(
    groups.map((pairs) =>
      Promise.all(pairs.map(async ({ from, to }) => ({ from, to, ...(await ask({ kind: 'reach', from, to }, 'of this session')).answer }))),
    ),
  );
  const warnings = tried.flatMap((group) => {
    const bad = group.filter(({ answer }) => answer !== 'yes');
    const [first] = bad;
    if (first === undefined) return [];
    const { from, to, because, fix } = first;
    const hosts = bad.map((one) => one.from.host).join(', ');
    const none =
      from.cluster === to.cluster
        ? ''
        : ` Or declare that there is no network: links: [{between: [${from.cluster}, ${to.cluster}], direct: 'no'}].`;
    return [warn('links', `${from.cluster} -> ${to.cluster}: no hot move from ${hosts}: ${because}`, `${fix}${none}`)];
  });
  if (warnings.length > 0) return warnings;
  return [ok('links', `open for hot moves, from each host to one of each cluster (${tried.flat().length} tried)`)];
}

/** Of hosts that were read, without those that are declared to have no network. */
function pairsBetween(inventory: Inventory, a: string, b: string): readonly { readonly from: Place; readonly to: Place }[] {
  const read = (cluster: string): readonly Place[] =>
    inventory.hosts.filter((host) => host.cluster === cluster && isKnown(host.facts)).map(hostPlace);
  const targets = read(b);
  return read(a).flatMap((from, index) => {
    const to = targets[(a === b ? index + 1 : index) % targets.length];
    return to === undefined || samePlace(from, to) || reach(inventory, from, to).direct === 'no' ? [] : [{ from, to }];
  });
}
