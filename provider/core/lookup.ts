/**
 * One reading, indexed: plans are made from it for thousands of VMs, and none of them may look through all the others. Made at the
 * first question; a reading never changes, so that it is made once.
 */
import { isUnknown, type Affinity, type Host, type Inventory, type Place, type Vm } from './inventory.js';

export interface Lookup {
  /** By UUID, in any case of its letters. */
  readonly vmsByUuid: (uuid: string) => readonly Vm[];
  readonly vmsByName: (name: string) => readonly Vm[];
  readonly host: (place: Place) => Host | null;
  /** With a recorded move that leads to this place, wherever they are. */
  readonly vmsMovingTo: (place: Place) => readonly Vm[];
  /** Affinity rules of all VMs, by the name or UUID of a VM that they name. */
  readonly rulesNaming: (member: string) => readonly NamingRule[];
}

export interface NamingRule {
  readonly owner: Vm;
  readonly rule: Affinity;
}

export const placeKey = ({ cluster, host }: Place): string => `${cluster}\n${host}`;

const made = new WeakMap<Inventory, Lookup>();

export function lookup(inventory: Inventory): Lookup {
  const known = made.get(inventory);
  if (known !== undefined) return known;
  const fresh = lookupIn(inventory);
  made.set(inventory, fresh);
  return fresh;
}

/** For a reading of which only links and CPU verdicts differ: what is indexed is the same. */
export const shareLookup = (changed: Inventory, original: Inventory): void => void made.set(changed, lookup(original));

function lookupIn({ vms, hosts }: Inventory): Lookup {
  const byUuid = lazily(() => grouped(vms, (vm) => [vm.uuid.toLowerCase()]));
  const byName = lazily(() => grouped(vms, (vm) => [vm.name]));
  const byPlace = lazily(() => new Map(hosts.map((host) => [placeKey({ cluster: host.cluster, host: host.name }), host])));
  const byTarget = lazily(() => grouped(vms, ({ record }) => (record === null ? [] : [placeKey(record.to)])));
  const rules = lazily(() => {
    const all = vms.flatMap((owner) => (isUnknown(owner.affinity) ? [] : owner.affinity.map((rule) => ({ owner, rule }))));
    return grouped(all, ({ rule }) => (rule.kind === 'hosts' ? [] : [...new Set(rule.members)]));
  });
  return {
    vmsByUuid: (uuid) => byUuid().get(uuid.toLowerCase()) ?? [],
    vmsByName: (name) => byName().get(name) ?? [],
    host: (place) => byPlace().get(placeKey(place)) ?? null,
    vmsMovingTo: (place) => byTarget().get(placeKey(place)) ?? [],
    rulesNaming: (member) => rules().get(member) ?? [],
  };
}

function lazily<T>(make: () => T): () => T {
  let value: { readonly made: T } | null = null;
  return () => (value ??= { made: make() }).made;
}

/** In the order of the items. */
function grouped<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}
