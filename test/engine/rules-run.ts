/** Puts a whole table before the real engine: asked by function, previewed, and carried out, in one stack. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stack, type Result, type Stack, type StackResource } from './harness.js';
import type { Row, Table } from './rules-rows.js';

interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly suggestion: string;
}

export interface Plan {
  readonly vm: string;
  readonly action: string;
  readonly method?: string;
  readonly from?: string;
  readonly to?: string;
  readonly summary: string;
  readonly sentence: string;
  readonly willStopVm: boolean;
  readonly findings: readonly Finding[];
  readonly candidates: readonly { readonly place: string; readonly findings: readonly Finding[] }[];
}

export interface Outcome {
  /** What `getPlan` answered, by row. */
  readonly plans: Readonly<Record<string, Plan>>;
  /** What the preview and the update said of each row, line breaks undone. */
  readonly previewed: Readonly<Record<string, string>>;
  readonly updated: Readonly<Record<string, string>>;
  readonly preview: Result;
  readonly update: Result;
  /** The store, before and after the preview. */
  readonly untouched: readonly [string, string];
  /** The copies of each VM, "place role power", before and after the update. */
  readonly before: Readonly<Record<string, readonly string[]>>;
  readonly after: Readonly<Record<string, readonly string[]>>;
  readonly placed: Readonly<Record<string, StackResource>>;
}

export const vmsOf = (rows: Table): Record<string, object> =>
  Object.fromEntries(Object.entries(rows).flatMap(([name, { vm = {} }]) => (vm === null ? [] : [[name, vm]])));

export const isRefused = ({ plan }: Row): boolean => /^(blocked|error):/.test(plan);

export async function run(rows: Table, datacenter: object): Promise<Outcome> {
  const fleet = await stack({ placements: {} }, datacenter);
  const plans = await asked(fleet, rows);
  await fleet.write({ placements: placementsOf(rows) });
  const [before, first] = [await copies(fleet), await storeHash(fleet)];
  const preview = await previewed(fleet);
  const second = await storeHash(fleet);
  await fleet.write({ placements: placementsOf(rows, (row) => isRefused(row) || row.up !== undefined) });
  const update = await fleet.pulumi('up', '--skip-preview', '--continue-on-error', '--suppress-outputs');
  const after = await copies(fleet);
  const placed = Object.fromEntries((await fleet.resources()).map((resource) => [resource.urn.split('::').at(-1) ?? '', resource]));
  return { plans, previewed: said(preview), updated: said(update), preview, update, untouched: [first, second], before, after, placed };
}

/** `fn::invoke` for each declaration, read as the stack's outputs; the placements stay beside. */
export async function asked(fleet: Stack, rows: Table, placements: Record<string, object> = {}): Promise<Record<string, Plan>> {
  const questions = Object.entries(rows).map(([name, row], index) => ({
    name,
    variable: `plan${index}`,
    arguments: declaration(name, row),
  }));
  await fleet.write({
    placements: placements as Record<string, Record<string, unknown>>,
    variables: Object.fromEntries(
      questions.map(({ variable, arguments: given }) => [
        variable,
        { 'fn::invoke': { function: 'vmplacement:getPlan', arguments: given } },
      ]),
    ),
    outputs: Object.fromEntries(questions.map(({ name, variable }) => [name, `\${${variable}}`])),
  });
  const up = await fleet.pulumi('up', '--skip-preview', '--suppress-outputs');
  if (up.code !== 0) throw new Error(up.text);
  return JSON.parse((await fleet.pulumi('stack', 'output', '--json')).stdout) as Record<string, Plan>;
}

/**
 * With --continue-on-error also the preview goes on after a refusal; when it has ended so does the command. Only for programs with
 * something to refuse: others would be carried out.
 */
export const previewed = (fleet: Stack): Promise<Result> => fleet.pulumi('up', '--continue-on-error', '--suppress-outputs');

export const placementsOf = (rows: Table, wanted: (row: Row) => boolean = () => true): Record<string, Record<string, unknown>> =>
  Object.fromEntries(Object.entries(rows).flatMap(([name, row]) => (wanted(row) ? [[name, declaration(name, row)]] : [])));

const declaration = (name: string, { of = name, declared }: Row): Record<string, unknown> => ({ vm: of, ...declared });

/** The engine's `Diagnostics:`, by resource. */
export function said({ stdout }: Result): Record<string, string> {
  const sections = stdout.slice(stdout.indexOf('\nDiagnostics:')).split(/^ {2}(?=vmplacement:index:Placement \()/m);
  return Object.fromEntries(
    sections.slice(1).map((section) => {
      const [, name = '', text = ''] = /^\S+ \(([^)]*)\):\n([\s\S]*?)(?:\n\n|$)/.exec(section) ?? [];
      return [name, oneLine(text)];
    }),
  );
}

export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

export async function copies(fleet: Stack): Promise<Record<string, string[]>> {
  const { stdout, text, code } = await fleet.vmplacement('embedded', 'show', '--json');
  if (code !== 0) throw new Error(text);
  const { vms } = JSON.parse(stdout) as { vms: { name: string; copies: { place: string; role: string; power: string }[] }[] };
  return Object.fromEntries(vms.map((vm) => [vm.name, vm.copies.map(({ place, role, power }) => `${place} ${role} ${power}`)]));
}

/** Of every file of the embedded datacenter's store. */
export async function storeHash(fleet: Stack): Promise<string> {
  const entries = await readdir(join(fleet.dir, '.vmplacement'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hash = createHash('sha256');
  for (const file of files.sort()) hash.update(file).update(await readFile(file));
  return hash.digest('hex');
}
