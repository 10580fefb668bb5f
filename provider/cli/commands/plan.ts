/** `vmplacement plan`: what an `up` would do, decided from one reading per datacenter; nothing is touched. */
import { resolve } from 'node:path';
import { PlacementError } from '../../core/errors.js';
import type { Inventory } from '../../core/inventory.js';
import { previewPlacement, type Session } from '../../core/placement.js';
import { countOutlooks, planEntry, undecidedEntry } from '../../report/plan-entry.js';
import { planText } from '../../report/plan-text.js';
import { schemaVersion, type DatacenterNote, type PlanCounts, type PlanEntry, type PlanReport } from '../../report/types.js';
import { checkPlacement } from '../../../schema/validate.js';
import { withSession } from '../connect.js';
import { choosePlacements, declaredPlacements, placementOfFlags, vmOf, type PlacementFlags } from '../placements.js';
import type { DeclaredPlacement } from '../project.js';
import { exitCodes, type Call, type ExitCode, type Result } from '../result.js';
import { chooseOne, findSources, type Found, type Sources } from '../source.js';
import { cliStack, onBehalfOf, type Behalf } from '../stack-identity.js';
import { didYouMean } from '../suggest.js';
import { unreadNames } from './status.js';

export interface PlanOptions extends PlacementFlags {
  readonly file?: string;
  readonly candidates: boolean;
}

export async function plan(call: Call, names: readonly string[], options: PlanOptions): Promise<Result> {
  const { file, candidates, ...flags } = options;
  const alone = placementOfFlags(flags);
  const sources = await findSources(call.source, call.io, file === undefined ? undefined : resolve(call.io.cwd, file));
  const declared =
    alone === null ? declaredPlacements(sources, file !== undefined) : { placements: [alone], declaredIn: 'The command line', notes: [] };
  const placements = choosePlacements(declared.placements, names);
  const groups = byDatacenter(placements, sources, call, alone !== null);
  const judged: Judged[] = [];
  for (const [found, group] of groups) judged.push(await judge(call, sources, found, group));
  const entries = judged.flatMap((one) => one.entries).sort((a, b) => (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0));
  const summary = countOutlooks(entries);
  const report: PlanReport = {
    schemaVersion,
    kind: 'plan',
    datacenters: judged.map((one) => one.datacenter),
    declaredIn: declared.declaredIn,
    stack: judged[0]?.stack ?? cliStack(call.io),
    observedAt: judged[0]?.observedAt ?? null,
    placements: entries,
    summary,
    unreadHosts: judged.flatMap((one) => one.unread),
    notes: [...declared.notes, ...new Set(judged.flatMap((one) => one.notes))],
  };
  return { report, text: planText(report, call.look, { candidates }), exit: exitOf(summary) };
}

/** Each placement at the provider that it declares; one file or one command line holds for all. */
function byDatacenter(
  placements: readonly DeclaredPlacement[],
  sources: Sources,
  call: Call,
  alone: boolean,
): Map<Found, DeclaredPlacement[]> {
  const groups = new Map<Found, DeclaredPlacement[]>();
  const wanted = call.source.provider;
  if (sources.forced || alone || wanted !== undefined) {
    const found = chooseOne(sources, sources.forced ? undefined : wanted);
    const of = (placement: DeclaredPlacement): boolean => sources.forced || alone || placement.provider === found.provider;
    return groups.set(found, placements.filter(of));
  }
  for (const placement of placements) {
    const found = sources.found.find((one) => one.provider === placement.provider);
    if (found === undefined) {
      const provider = placement.provider ?? 'the default provider';
      throw new PlacementError('input', `The configuration of ${provider}, which placement ${placement.name} uses, is not known here.`, {
        next: 'name the datacenter with --datacenter FILE.',
      });
    }
    groups.set(found, [...(groups.get(found) ?? []), placement]);
  }
  const [first] = sources.found;
  return groups.size === 0 && first !== undefined ? groups.set(first, []) : groups;
}

interface Judged {
  readonly entries: readonly PlanEntry[];
  readonly datacenter: DatacenterNote;
  readonly stack: string;
  readonly observedAt: string;
  readonly unread: readonly string[];
  readonly notes: readonly string[];
}

async function judge(call: Call, sources: Sources, found: Found, placements: readonly DeclaredPlacement[]): Promise<Judged> {
  return withSession(
    found,
    (driver) => onBehalfOf(sources, placements, driver, call.io),
    call.io,
    async ({ session, datacenter, behalf }) => {
      const inventory = await session.inventory();
      const entries: PlanEntry[] = [];
      // In the order of their names: what one is promised the next one does not find free (rules.md §4).
      for (const placement of [...placements].sort(byVm)) entries.push(await decideOne(session, behalf, placement, inventory));
      return {
        entries,
        datacenter,
        stack: behalf.stack,
        observedAt: inventory.observedAt,
        unread: unreadNames(inventory),
        notes: behalf.notes,
      };
    },
  );
}

async function decideOne(session: Session, behalf: Behalf, placement: DeclaredPlacement, inventory: Inventory): Promise<PlanEntry> {
  const { name, inputs } = placement;
  const vm = vmOf(placement);
  const named = {
    name,
    vm,
    hints: hintsFor(vm, inventory),
    unknownInputs: inputs.unknown.map((one) => `${one.name}: ${one.text}`),
  };
  const missing = inputs.unknown.filter((one) => decisive.includes(one.name));
  if (missing.length > 0) {
    const sentence = `${missing.map((one) => one.name).join(', ')} ${missing.length === 1 ? 'is' : 'are'} computed by the program: run \`pulumi preview\`, or plan the last known values with --stack NAME.`;
    return undecidedEntry('unknown', { ...named, sentence, problems: [] });
  }
  const checked = checkPlacement({ ...inputs.values }, { isUnknown: () => false });
  if (checked.desired === null) {
    const problems = checked.failures.map(({ path, reason }) => ({ path, message: reason }));
    return undecidedEntry('invalid', { ...named, sentence: '', problems });
  }
  return planEntry(await previewPlacement(session, behalf.urn(placement), checked.desired), named);
}

/** Without these there is nothing to decide; the others only shape the way. */
const decisive = ['vm', 'cluster', 'host', 'hosts', 'method'];

const byVm = (a: DeclaredPlacement, b: DeclaredPlacement): number => (vmOf(a) < vmOf(b) ? -1 : vmOf(a) > vmOf(b) ? 1 : 0);

/** The core names near hosts and clusters itself. */
function hintsFor(vm: string, { vms }: Inventory): string[] {
  const near = vms.some((one) => one.name === vm || one.uuid === vm)
    ? ''
    : didYouMean(
        vm,
        vms.map((one) => one.name),
      );
  return near === '' ? [] : [`There is no VM ${vm}.${near}`];
}

function exitOf(summary: PlanCounts): ExitCode {
  if (summary.refused > 0) return exitCodes.error;
  if (summary.change > 0) return exitCodes.differences;
  return summary.pending > 0 ? exitCodes.pending : exitCodes.fine;
}
