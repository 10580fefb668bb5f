/** Datacenter files that are JSON, which is YAML too: JSON is read a hundred times faster, and files of thousands of VMs are generated. */

/** The value; undefined where the text is no JSON, or not a sound one: YAML then says what is wrong and where. */
export function plainJson(text: string): unknown {
  if (!/^\s*\{/.test(text)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // perhaps a YAML flow mapping
  }
  // JSON.parse takes the last of two equal keys; nothing that somebody wrote may be ignored.
  return keysWritten(text) === keysOf(value) ? value : undefined;
}

/** A text in quotes with a colon behind it is a key. */
function keysWritten(text: string): number {
  let count = 0;
  for (const [, colon] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon !== undefined) count += 1;
  return count;
}

function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + keysOf(item), 0);
  const items = Object.values(value);
  return items.reduce((sum: number, item) => sum + keysOf(item), items.length);
}
