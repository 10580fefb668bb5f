/** Delete of the resource: the VM stays where it is and as it is (rules.md §6 "Delete"). */
import { command } from '../command.js';
import { PlacementError } from '../errors.js';
import { placeText, unreadHosts, type Inventory, type Vm } from '../inventory.js';
import { canCancel, keptText, seen, standing } from '../itinerary/index.js';
import { locate } from '../locate.js';
import type { MigrationRecord } from '../record.js';
import { cancelMoving } from './cancel.js';
import { afterItsEnd } from './held.js';
import { withLease, withMove } from './move.js';
import type { PlacementRun, Session } from './session.js';

/** Returns what became of it, in words. */
export function releasePlacement(
  session: Session,
  urn: string,
  vm: string,
  run: PlacementRun,
  isDeclared: (urn: string) => boolean = () => true,
): Promise<string> {
  return afterItsEnd(session, run, () => release(session, urn, vm, run, isDeclared));
}

async function release(
  session: Session,
  urn: string,
  vm: string,
  run: PlacementRun,
  isDeclared: (urn: string) => boolean,
): Promise<string> {
  const inventory = await session.fresh({ vms: [vm] }, run.signal);
  const located = locate(inventory, vm);
  const there = located.kind === 'found' ? located.vm : located.kind === 'unread' ? located.vm : null;
  if (there === null) {
    if (located.kind === 'ambiguous')
      return `${vm}: the name is ambiguous (${located.among.map(({ uuid }) => uuid).join(', ')}); nothing was touched.`;
    const unread = unreadHosts(inventory).map((host) => `${host.cluster}/${host.name}`);
    if (unread.length > 0)
      throw new PlacementError(
        'platform',
        `${vm}: not found, but ${unread.join(', ')} could not be read, so its claim cannot be removed.`,
        {
          vm,
          next: 'destroy again when they answer, or pulumi state delete',
        },
      );
    return `${vm}: does not exist any more; nothing to release.`;
  }
  if (isElsewhere(session, urn, there, isDeclared))
    return `${there.name}: is claimed by ${ownerText(session, there)}; nothing was touched.`;
  if (there.record !== null) return releaseMoving(session, there, there.record, inventory, run);
  await removeClaim(session, there, run);
  return `${there.name}: left as it is, no longer managed.`;
}

async function releaseMoving(session: Session, vm: Vm, record: MigrationRecord, inventory: Inventory, run: PlacementRun): Promise<string> {
  if (record.phase === 'AwaitingConfirmation') {
    await removeClaim(session, vm, run);
    return (
      `${vm.name}: ${standing(seen(inventory, record).target, record.to)}, no longer managed. Its source on ${placeText(record.from)} is ` +
      `${keptText(session.driver.capabilities)}. Next: ${command('confirm', vm.name)} removes it.`
    );
  }
  if (!canCancel({ record, driver: session.driver }, seen(inventory, record)))
    throw new PlacementError('not-possible', `${vm.name}: is being cut over to ${placeText(record.to)}; it cannot be released now.`, {
      vm: vm.name,
      next: 'pulumi up lets the move end, then destroy',
    });
  const given = { shutdown: undefined, mayStop: false };
  const { text } = await withMove(session, { record, stored: true, given }, run, (ctx) => cancelMoving(ctx, null));
  await removeClaim(session, vm, run);
  return `${text} It is no longer managed.`;
}

async function removeClaim(session: Session, vm: Vm, run: PlacementRun): Promise<void> {
  if (vm.claim === null && vm.record === null) return;
  await withLease(session, vm, run, async (lease) => {
    await lease.check();
    await session.driver.claim(vm.uuid, null, session.holder);
  });
}

/** Another resource of the same stack holds it only when it is declared in this run; else it is this one, renamed by an alias. */
const isElsewhere = ({ stack }: Session, urn: string, { claim, record }: Vm, isDeclared: (urn: string) => boolean): boolean => {
  const owner = record ?? claim;
  return owner !== null && (owner.stack !== stack || (owner.urn !== urn && isDeclared(owner.urn)));
};

function ownerText({ stack }: Session, { claim, record }: Vm): string {
  const owner = (record ?? claim)?.stack;
  return owner === stack ? 'another resource of this stack' : (owner ?? 'another stack');
}
