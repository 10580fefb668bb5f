import type { Finding } from '../finding.js';
import { isUnknown, type Cluster } from '../inventory.js';
import { crossesClusters, finding, unread, type RuleInput } from './rule.js';

/** `cluster-refuses`, moves to another cluster, blocker: it does not accept migrations, is not connected, or the major versions are more than one apart. */
export function clusterRefuses(input: Pick<RuleInput, 'from' | 'to' | 'sourceCluster' | 'targetCluster'>): readonly Finding[] {
  if (!crossesClusters(input)) return [];
  const { from, to, sourceCluster, targetCluster } = input;
  const subject = `cluster ${to.cluster}`;
  if (targetCluster === null)
    return [unread('cluster-refuses', 'blocker', subject, `cluster ${to.cluster}`, 'the inventory does not list it')];
  const findings: Finding[] = [];
  const { acceptsMigrations, connected } = targetCluster;
  if (isUnknown(connected))
    findings.push(unread('cluster-refuses', 'blocker', subject, `whether cluster ${to.cluster} is connected`, connected));
  else if (!connected)
    findings.push(
      finding('cluster-refuses', 'blocker', subject, `cluster ${to.cluster} is not connected`, 'Connect it, or choose another cluster.'),
    );
  if (isUnknown(acceptsMigrations))
    findings.push(unread('cluster-refuses', 'blocker', subject, `whether cluster ${to.cluster} accepts migrations`, acceptsMigrations));
  else if (!acceptsMigrations) {
    findings.push(
      finding(
        'cluster-refuses',
        'blocker',
        subject,
        `cluster ${to.cluster} does not accept migrations from other clusters`,
        'Choose another cluster, or let it accept migrations.',
      ),
    );
  }
  const [source, target] = [major(sourceCluster, from.cluster), major(targetCluster, to.cluster)];
  for (const version of [source, target])
    if (typeof version !== 'number') findings.push(unread('cluster-refuses', 'blocker', subject, version.what, version.why));
  if (typeof source === 'number' && typeof target === 'number' && Math.abs(source - target) > 1) {
    findings.push(
      finding(
        'cluster-refuses',
        'blocker',
        subject,
        `versions are too far apart: ${from.cluster} has ${text(sourceCluster)}, ${to.cluster} has ${text(targetCluster)}; at most one major version may lie between them`,
        'Upgrade the older cluster first.',
      ),
    );
  }
  return findings;
}

function major(cluster: Cluster | null, name: string): number | { readonly what: string; readonly why: string } {
  const what = `the version of cluster ${name}`;
  if (cluster === null) return { what, why: 'the inventory does not list the cluster' };
  if (isUnknown(cluster.version)) return { what, why: cluster.version.unknown };
  const match = /^v?(\d+)(\.|$)/.exec(cluster.version);
  return match === null ? { what, why: `"${cluster.version}" is no dotted version` } : Number(match[1]);
}

const text = (cluster: Cluster | null): string => (cluster === null || isUnknown(cluster.version) ? 'unknown' : cluster.version);
