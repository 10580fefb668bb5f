/** "Did you mean": the names nearest to one that does not exist. */
export function suggest(wrong: string, names: readonly string[], most = 3): readonly string[] {
  const allowed = Math.ceil(wrong.length / 3);
  const near = [...new Set(names)]
    .map((name) => ({ name, distance: distance(wrong.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= allowed);
  const best = Math.min(...near.map(({ distance }) => distance));
  return near
    .filter(({ distance }) => distance === best)
    .map(({ name }) => name)
    .sort()
    .slice(0, most);
}

/** ` Did you mean web-01?`, or nothing. */
export function didYouMean(wrong: string, names: readonly string[]): string {
  const near = suggest(wrong, names);
  return near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
}

/** Edits to get from one to the other: insert, delete, replace, swap of neighbours. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Infinity;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i += 1) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swapped ? at(i - 2, j - 2) + 1 : Infinity);
      rows[i]?.push(best);
    }
  }
  return at(a.length, b.length);
}
