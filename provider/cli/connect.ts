/** Opens what a source names and gives commands one session on it. */
import type { ProviderConfig } from '../../schema/generated/types.js';
import type { Driver } from '../core/driver.js';
import { PlacementError } from '../core/errors.js';
import { type Inventory, type Vm } from '../core/inventory.js';
import { locate, unreadText } from '../core/locate.js';
import type { Session } from '../core/placement.js';
import type { DatacenterNote } from '../report/types.js';
import type { Io } from './io.js';
import type { Call } from './result.js';
import { cliStack, identityOf } from './stack-identity.js';
import { chooseOne, findSources, type Found, type Sources } from './source.js';
import { didYouMean } from './suggest.js';

export interface Connection {
  readonly session: Session;
  readonly datacenter: DatacenterNote;
  readonly sources: Sources;
}

/** Finds the datacenter, opens it, lets `use` work with it and closes it again, also when that fails. */
export async function withDatacenter<T>(call: Call, use: (connection: Connection) => Promise<T>): Promise<T> {
  const sources = await findSources(call.source, call.io);
  const behalf = async (): Promise<{ stack: string }> => ({ stack: cliStack(call.io) });
  return withSession(chooseOne(sources, call.source.provider), behalf, call.io, ({ session, datacenter }) =>
    use({ session, datacenter, sources }),
  );
}

/** The same for a configuration that was chosen already; on whose behalf may depend on what the driver reads. */
export async function withSession<Who extends { readonly stack: string }, T>(
  found: Found,
  behalfOf: (driver: Driver) => Promise<Who>,
  io: Io,
  use: (connection: { readonly session: Session; readonly datacenter: DatacenterNote; readonly behalf: Who }) => Promise<T>,
): Promise<T> {
  // Loaded only here, so that `--help` and a wrong option answer at once.
  const [{ openDatacenter }, { openSession }] = await Promise.all([import('../drivers/open.js'), import('../core/placement.js')]);
  const { driver, settings } = await openDatacenter(await checked(found), found.baseDir);
  try {
    const behalf = await behalfOf(driver);
    const session = openSession(driver, settings, identityOf(behalf.stack, io));
    return await use({ session, datacenter: { source: found.source, platform: driver.capabilities.platform }, behalf });
  } finally {
    await driver.close();
  }
}

/** The configuration as the drivers take it, or an error naming every fault. */
export async function checked(found: Found): Promise<ProviderConfig> {
  const { checkConfig } = await import('../../schema/validate.js');
  const { config, failures } = checkConfig({ ...found.config }, { isUnknown: () => false });
  if (config !== null) return config;
  const faults = failures.map(({ path, reason }) => `\n  - ${path}: ${reason}`).join('');
  throw new PlacementError('input', `The configuration is wrong (${found.source}):${faults}`, { path: failures[0]?.path ?? '' });
}

/** The VM of this name or UUID; an error names those that may have been meant. */
export function findVm(inventory: Inventory, wanted: string): Vm {
  const located = locate(inventory, wanted);
  const near = didYouMean(
    wanted,
    inventory.vms.map((vm) => vm.name),
  );
  switch (located.kind) {
    case 'found':
      return located.vm;
    case 'missing':
      throw new PlacementError('input', `There is no VM ${wanted} on any host.${near}`, { vm: wanted });
    case 'unread': {
      throw new PlacementError(
        'platform',
        `There is no VM ${wanted} on the hosts that were read; it may be on hosts that were not: ${unreadText(located.hosts)}.${near}`,
        { vm: wanted, next: 'vmplacement doctor says what to do with them' },
      );
    }
    case 'ambiguous': {
      const among = located.among.map((vm) => vm.uuid).join(', ');
      throw new PlacementError('input', `The name ${wanted} is used by several VMs: ${among}.`, {
        vm: wanted,
        next: 'name it by its UUID.',
      });
    }
  }
}
