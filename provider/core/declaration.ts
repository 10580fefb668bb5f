/** What a declaration allows, and how it is recognised again later. */
import type { Desired } from './desired.js';
import type { Place } from './inventory.js';

/** Whether the VM may be there: then it stays, whatever moved it there (rules.md §4). */
export function isAllowed(desired: Pick<Desired, 'scope' | 'cluster' | 'hosts'>, place: Place): boolean {
  if (desired.scope === 'nowhere') return true;
  if (desired.cluster !== null && desired.cluster !== place.cluster) return false;
  return desired.scope === 'cluster' || desired.hosts.includes(place.host);
}

/** Whether it names the place as one to go to: a declaration without any place wants no move. */
export const wants = (desired: Pick<Desired, 'scope' | 'cluster' | 'hosts'>, place: Place): boolean =>
  desired.scope !== 'nowhere' && isAllowed(desired, place);

/**
 * Recognises a declaration: equal for equal declarations, short enough for a label. Kept in the claim by a cancel, so that a schedule
 * does not start the same move again.
 */
export function declarationKey(desired: Desired): string {
  const words = [desired.cluster ?? '*', [...desired.hosts].sort().join(',') || '*', desired.method].join('/');
  return `${words.slice(0, 80)}#${hash(canonical(desired))}`;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}

/** FNV-1a, 64 bits: tells declarations of one VM apart, protects nothing. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(16).padStart(16, '0');
}
