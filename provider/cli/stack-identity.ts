/** On whose behalf something is decided: the same words that the plugin writes into a claim, so that a stack's own VMs are not "owned elsewhere". */
import { randomUUID } from 'node:crypto';
import type { Driver } from '../core/driver.js';
import type { Identity } from '../core/placement.js';
import type { Io } from './io.js';
import { vmOf } from './placements.js';
import type { DeclaredPlacement } from './project.js';
import type { Sources } from './source.js';

export interface Behalf {
  /** "organization/project/stack", as claims have it. */
  readonly stack: string;
  readonly urn: (placement: DeclaredPlacement) => string;
  readonly notes: readonly string[];
}

/**
 * The stack that the declarations belong to. Where it is not known (flags, no stack selected) it is taken from the claims of the
 * VMs: the question is then what would happen if their owner declared this.
 */
export async function onBehalfOf(sources: Sources, placements: readonly DeclaredPlacement[], driver: Driver, io: Io): Promise<Behalf> {
  const project = sources.state?.project ?? sources.project?.name ?? null;
  const inProgram = placements.length > 0 && placements.every((placement) => placement.declaredOn === 'program');
  if (project !== null && sources.stack !== null && inProgram) return named(project, short(sources.stack), []);
  const wanted = placements.map(vmOf);
  const { vms } = await driver.survey({ vms: wanted }, io.signal);
  const owners = vms
    .filter((vm) => wanted.includes(vm.name) || wanted.includes(vm.uuid))
    .flatMap((vm) => {
      const owner = vm.record ?? vm.claim;
      return owner === null ? [] : [{ stack: owner.stack, urn: owner.urn, vm }];
    });
  const own = owners.find(({ stack }) => !inProgram || project === null || stack.split('/')[1] === project);
  if (own === undefined) return { stack: cliStack(io), urn: (placement) => placement.urn ?? `cli:${placement.name}`, notes: [] };
  const urnOf = (placement: DeclaredPlacement): string =>
    owners.find(({ vm }) => vm.name === vmOf(placement) || vm.uuid === vmOf(placement))?.urn ?? `cli:${placement.name}`;
  const notes = inProgram ? [`No stack is selected: planned for ${own.stack}, whose claim the VMs carry. Choose with --stack NAME.`] : [];
  return { stack: own.stack, urn: urnOf, notes };
}

function named(project: string, stack: string, notes: readonly string[]): Behalf {
  return {
    stack: `organization/${project}/${stack}`,
    urn: (placement) => placement.urn ?? `urn:pulumi:${stack}::${project}::vmplacement:index:Placement::${placement.name}`,
    notes,
  };
}

/** Who acts when no stack does. */
export const cliStack = (io: Io): string => `cli:${io.user}@${io.machine}`;

/** Who this run is: a lease names its holder so. */
export const identityOf = (stack: string, io: Io): Identity => ({ stack, holder: `${io.runId}@${io.machine}`, newId: () => randomUUID() });

const short = (stack: string): string => stack.split('/').at(-1) ?? stack;
