import type { Finding } from '../finding.js';
import { finding, list, type RuleInput } from './rule.js';

/** `host-not-in-cluster`, all methods, blocker: no such cluster or host, the host is in another cluster, or the name is in several. */
export function hostNotInCluster(
  input: Pick<RuleInput, 'desired' | 'inventory'> & { readonly to: { readonly cluster: string; readonly host: string } },
): readonly Finding[] {
  const { desired, inventory, to } = input;
  const subject = `host ${to.host}`;
  const clusters = inventory.clusters.map((cluster) => cluster.name);
  if (desired.cluster !== null && !clusters.includes(desired.cluster)) {
    return [
      finding(
        'host-not-in-cluster',
        'blocker',
        `cluster ${desired.cluster}`,
        `there is no cluster ${desired.cluster}`,
        didYouMean(desired.cluster, clusters),
      ),
    ];
  }
  const named = inventory.hosts.filter((host) => host.name === to.host);
  if (named.length === 0) {
    const within = inventory.hosts.filter((host) => desired.cluster === null || host.cluster === desired.cluster).map((host) => host.name);
    const where = desired.cluster === null ? '' : ` in cluster ${desired.cluster}`;
    return [finding('host-not-in-cluster', 'blocker', subject, `there is no host ${to.host}${where}`, didYouMean(to.host, within))];
  }
  if (desired.cluster !== null && !named.some((host) => host.cluster === desired.cluster)) {
    const within = inventory.hosts.filter((host) => host.cluster === desired.cluster).map((host) => host.name);
    const elsewhere = list(named.map((host) => host.cluster));
    return [
      finding(
        'host-not-in-cluster',
        'blocker',
        subject,
        `host ${to.host} is in cluster ${elsewhere}, not in ${desired.cluster}`,
        `Declare cluster: ${named[0]?.cluster ?? ''}, or a host of ${desired.cluster}: ${list(within)}.`,
      ),
    ];
  }
  if (desired.cluster === null && desired.scope === 'exact' && named.length > 1) {
    return [
      finding(
        'host-not-in-cluster',
        'blocker',
        subject,
        `there is a host ${to.host} in several clusters: ${list(named.map((host) => host.cluster))}`,
        'Declare its cluster too.',
      ),
    ];
  }
  return [];
}

/** All names, the most similar first. */
function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'None was read.';
  const sorted = [...new Set(known)]
    .map((one) => ({ one, edits: distance(name, one) }))
    .sort((a, b) => a.edits - b.edits || (a.one < b.one ? -1 : 1));
  const [best = { one: '', edits: Infinity }] = sorted;
  const shown = sorted.slice(0, 10).map(({ one }) => one);
  const more = sorted.length > shown.length ? ` and ${sorted.length - shown.length} more` : '';
  return best.edits <= Math.max(2, name.length / 3)
    ? `Did you mean ${best.one}? Known: ${list(shown)}${more}.`
    : `Known: ${list(shown)}${more}.`;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
