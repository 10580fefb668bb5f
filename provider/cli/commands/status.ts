/** `vmplacement status`: what was read back, of one VM or of all that have a placement. */
import type { Inventory } from '../../core/inventory.js';
import { unreadHosts } from '../../core/inventory.js';
import { readPlacement, readQueue, type Session } from '../../core/placement.js';
import { isManaged, statusEntry } from '../../report/status-entry.js';
import { statusText } from '../../report/status-text.js';
import { schemaVersion, type StatusEntry, type StatusReport } from '../../report/types.js';
import { findVm, withDatacenter } from '../connect.js';
import { exitCodes, type Call, type ExitCode, type Result } from '../result.js';

export interface StatusOptions {
  readonly all: boolean;
}

export async function status(call: Call, wanted: string | undefined, options: StatusOptions): Promise<Result> {
  return withDatacenter(call, async ({ session, datacenter }) => {
    const inventory = await session.inventory();
    const shown = wanted === undefined ? inventory.vms.filter((vm) => options.all || isManaged(vm)) : [findVm(inventory, wanted)];
    const entries: StatusEntry[] = [];
    for (const vm of shown) entries.push(...(await readEntry(session, vm.uuid)));
    const turns = await readQueue(session);
    const report: StatusReport = {
      schemaVersion,
      kind: 'status',
      datacenter,
      observedAt: inventory.observedAt,
      placements: entries.sort((a, b) => (a.vm < b.vm ? -1 : 1)),
      unmanaged: inventory.vms.filter((vm) => !isManaged(vm)).map((vm) => vm.name),
      turns: wanted === undefined ? turns : turns.filter(({ vm }) => shown.some(({ name }) => name === vm)),
      unreadHosts: unreadNames(inventory),
    };
    return { report, text: statusText(report, call.look, { one: wanted !== undefined, all: options.all }), exit: worst(entries) };
  });
}

/** Empty when the VM went away between the two readings. */
export async function readEntry(session: Session, vm: string): Promise<StatusEntry[]> {
  const read = await readPlacement(session, vm);
  return read === null ? [] : [statusEntry(read.state, read.vm)];
}

export const unreadNames = (inventory: Inventory): string[] => unreadHosts(inventory).map((host) => `${host.cluster}/${host.name}`);

function worst(entries: readonly StatusEntry[]): ExitCode {
  if (entries.some((entry) => entry.phase === 'Failed')) return exitCodes.error;
  return entries.some((entry) => entry.phase !== 'Settled') ? exitCodes.pending : exitCodes.fine;
}
