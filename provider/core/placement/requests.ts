/** What the commands of the CLI do: cancel, confirm, resume, annotate. They take the lease, or hand the request to its holder. */
import { PlacementError } from '../errors.js';
import { placeText, unreadHosts, type Vm } from '../inventory.js';
import { carryOut } from '../itinerary/index.js';
import { locate } from '../locate.js';
import type { MigrationRecord } from '../record.js';
import { parseShutdown } from '../shutdown-annotation.js';
import { cancelAsked } from './cancel.js';
import { LeaseHeld, afterItsEnd } from './held.js';
import { isLeaseLost, withLease, withMove } from './move.js';
import type { PlacementRun, Session } from './session.js';

/** Each returns what was done, in words. */
export async function cancelMove(session: Session, name: string, run: PlacementRun): Promise<string> {
  const { vm, record } = await moving(session, name, run);
  return orHandOver(session, vm, record, 'cancel', run, () =>
    withMove(session, { record, stored: true, given: unknownDeclaration }, run, async (ctx) => (await cancelAsked(ctx)).text),
  );
}

export async function confirmMove(session: Session, name: string, run: PlacementRun): Promise<string> {
  const { vm, record } = await moving(session, name, run);
  if (record.phase !== 'AwaitingConfirmation')
    throw new PlacementError(
      'not-possible',
      `${vm.name}: nothing waits for a confirmation; its ${record.method} move is ${record.phase}.`,
      { vm: vm.name },
    );
  return orHandOver(session, vm, record, 'confirm', run, () =>
    withMove(session, { record, stored: true, given: unknownDeclaration }, run, async (ctx) => {
      if (ctx.record.request !== 'confirm') await ctx.save({ request: 'confirm' });
      await carryOut(ctx);
      return `${vm.name}: confirmed; its source on ${placeText(record.from)} is removed.`;
    }),
  );
}

export function resumeMove(session: Session, name: string, run: PlacementRun): Promise<string> {
  return afterItsEnd(session, run, () => resume(session, name, run));
}

async function resume(session: Session, name: string, run: PlacementRun): Promise<string> {
  const vm = await find(session, name, run);
  const { claim } = vm;
  if (claim?.cancelled == null) return `${vm.name}: no cancelled move to resume.`;
  const to = placeText(claim.cancelled.to);
  await withLease(session, vm, run, async (lease) => {
    await lease.check();
    await session.driver.claim(vm.uuid, { ...claim, cancelled: null }, session.holder);
  });
  return `${vm.name}: the next pulumi up may move it to ${to} again.`;
}

/** Needs no lease: it only says what its giver wants. `null` removes it. */
export async function annotateVm(session: Session, name: string, value: string | null, giver: string, run: PlacementRun): Promise<string> {
  if (value !== null) parseShutdown(value);
  const vm = await find(session, name, run);
  await session.driver.annotate(vm.uuid, { shutdown: value, giver });
  return value === null ? `${vm.name}: vmplacement/shutdown removed.` : `${vm.name}: vmplacement/shutdown="${value}" set by ${giver}.`;
}

const unknownDeclaration = { shutdown: undefined, mayStop: false } as const;

async function orHandOver(
  session: Session,
  vm: Vm,
  record: MigrationRecord,
  request: 'cancel' | 'confirm',
  run: PlacementRun,
  act: () => Promise<string>,
): Promise<string> {
  try {
    return await act();
  } catch (error) {
    // A run that was told to stop at once has given its lease up itself: nobody else is there, and it does nothing more.
    if (!isLeaseLost(error) || run.halt?.aborted === true) throw error;
    const next: MigrationRecord = { ...record, request, epoch: record.epoch + 1 };
    if ((await session.driver.record(vm.uuid, next, { ifEpoch: record.epoch })) !== 'ok')
      throw new PlacementError('conflict', `${vm.name}: its move went on meanwhile; the request was not placed.`, {
        vm: vm.name,
        next: 'try again',
      });
    const { holder, expiresAt } = error instanceof LeaseHeld ? error.lease : { holder: 'another run', expiresAt: 'its end' };
    return (
      `${vm.name}: ${holder} is working on it and was asked to ${request}; it does so at its next safe point. ` +
      `If it has died, the next pulumi up does it (its lease then ends ${expiresAt}).`
    );
  }
}

async function moving(session: Session, name: string, run: PlacementRun): Promise<{ vm: Vm; record: MigrationRecord }> {
  const vm = await find(session, name, run);
  if (vm.record === null) throw new PlacementError('not-possible', `${vm.name}: no move is under way.`, { vm: vm.name });
  return { vm, record: vm.record };
}

async function find(session: Session, name: string, run: PlacementRun): Promise<Vm> {
  const inventory = await session.driver.survey({ vms: [name] }, run.signal);
  const located = locate(inventory, name);
  const vm = located.kind === 'found' || located.kind === 'unread' ? located.vm : null;
  if (vm !== null) {
    if (vm.recordProblem !== undefined)
      throw new PlacementError('platform', `${vm.name}: its record cannot be used: ${vm.recordProblem}`, { vm: vm.name });
    return vm;
  }
  if (located.kind === 'ambiguous')
    throw new PlacementError(
      'input',
      `${name}: several VMs have this name; use the UUID: ${located.among.map(({ uuid }) => uuid).join(', ')}`,
    );
  const unread = unreadHosts(inventory).map((host) => `${host.cluster}/${host.name}`);
  throw new PlacementError(
    'platform',
    `${name}: no such VM on any host that was read${unread.length > 0 ? `; not read: ${unread.join(', ')}` : ''}.`,
  );
}
