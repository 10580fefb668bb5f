/** The state of one VM, read back; never what a run believes. */
import { stateOf } from '../compare.js';
import { PlacementError } from '../errors.js';
import type { Finding } from '../finding.js';
import { unreadHosts, type Vm } from '../inventory.js';
import { locate, unreadText } from '../locate.js';
import { lookup } from '../lookup.js';
import type { PlacementState } from '../state.js';
import type { Session } from './session.js';

/** From the shared survey. null = known to be absent; throws when a host that could hold it was not read, or the name is ambiguous. */
export async function readPlacement(session: Session, vm: string): Promise<{ readonly state: PlacementState; readonly vm: Vm } | null> {
  const inventory = await session.inventory();
  const located = locate(inventory, vm);
  switch (located.kind) {
    case 'found':
      return { state: stateOf(located.vm, inventory), vm: located.vm };
    case 'missing':
      return null;
    case 'ambiguous':
      throw new PlacementError('input', `${vm}: several VMs have this name: ${located.among.map(({ uuid }) => uuid).join(', ')}.`, {
        vm,
        next: 'declare the UUID',
      });
    case 'unread': {
      throw new PlacementError(
        'platform',
        `${vm}: not found, and it may be on a host that could not be read: ${unreadText(located.hosts)}. Its state is kept.`,
        { vm, next: 'vmplacement doctor says what to do; then try again' },
      );
    }
  }
}

/** From a fresh survey. */
export async function readState(
  session: Session,
  { name, uuid }: Pick<Vm, 'name' | 'uuid'>,
  findings: readonly Finding[] = [],
): Promise<PlacementState> {
  const inventory = await session.fresh({ vms: [uuid] });
  const [vm] = lookup(inventory).vmsByUuid(uuid);
  if (vm === undefined) {
    const hosts = unreadHosts(inventory);
    const unread = hosts.length === 0 ? '' : `; not read: ${unreadText(hosts)}`;
    throw new PlacementError('platform', `${name}: not found when it was read back${unread}.`, {
      vm: name,
      next: hosts.length === 0 ? 'look for it on the platform' : 'pulumi up when they answer',
    });
  }
  return { ...stateOf(vm, inventory), findings };
}
