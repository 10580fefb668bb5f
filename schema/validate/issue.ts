/** What is wrong and where. Inside, a place is a list of segments; outside, a path in the style of whoever reads it. */
export type Segments = readonly (string | number)[];

export interface Issue {
  readonly at: Segments;
  readonly reason: string;
}

export interface Failure {
  readonly path: string;
  readonly reason: string;
}

/** As Pulumi shows property paths: `hosts[0]`, `annotations["vmplacement/shutdown"]`. */
export function pulumiPath(at: Segments): string {
  const parts = at.map((segment, index) => {
    if (typeof segment === 'number') return `[${segment}]`;
    if (/^[A-Za-z_$][\w$]*$/.test(segment)) return index === 0 ? segment : `.${segment}`;
    return `[${JSON.stringify(segment)}]`;
  });
  return parts.join('');
}

/** As a JSON pointer reads, without its escapes: `/embedded/vms/web-01/host`. */
export const slashPath = (at: Segments): string => `/${at.join('/')}`;

export const toFailure = (issue: Issue): Failure => ({ path: pulumiPath(issue.at), reason: issue.reason });

/** ` (did you mean "host"?)`, or nothing when no known name is near. */
export function didYouMean(given: string, known: readonly string[]): string {
  const limit = Math.max(2, Math.floor(given.length / 3));
  const ranked = known
    .map((name) => ({ name, distance: distance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= limit && best.distance < best.name.length
    ? ` (did you mean ${JSON.stringify(best.name)}?)`
    : '';
}

/** Levenshtein distance, row by row. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
