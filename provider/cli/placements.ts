/** Which placements `plan` judges: of a stack file, of a stack's state, or given as flags. */
import { PlacementError } from '../core/errors.js';
import { parse } from 'yaml';
import type { DeclaredPlacement, Project } from './project.js';
import type { Sources } from './source.js';
import { didYouMean } from './suggest.js';

export interface PlacementFlags {
  readonly vm?: string;
  readonly cluster?: string;
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly method?: string;
  readonly annotation?: readonly string[];
  readonly set?: readonly string[];
}

export interface Declared {
  readonly placements: readonly DeclaredPlacement[];
  /** For a person: where they were declared. */
  readonly declaredIn: string;
  readonly notes: readonly string[];
}

/** A placement that exists only on the command line. */
export function placementOfFlags(flags: PlacementFlags): DeclaredPlacement | null {
  const { vm, cluster, host, hosts, method, annotation, set } = flags;
  if (vm === undefined) {
    const stray = Object.entries(flags).find(([name, value]) => name !== 'vm' && value !== undefined);
    if (stray === undefined) return null;
    throw new PlacementError('input', `--${stray[0]} needs --vm: without it the placements of the stack file are planned.`, {
      path: `--${stray[0]}`,
    });
  }
  const values: Record<string, unknown> = { ...pairs(set ?? [], '--set', value), vm };
  Object.assign(values, defined({ cluster, host, hosts, method }));
  if (annotation !== undefined) values['annotations'] = pairs(annotation, '--annotation', String);
  return { name: vm, provider: null, inputs: { values, unknown: [] }, urn: null, declaredOn: 'command line' };
}

/** Those of the file when one is named or the datacenter comes from one, else those of the state. */
export function declaredPlacements(sources: Sources, fileNamed: boolean): Declared {
  const { project, state } = sources;
  if (state !== null && !fileNamed) return { placements: state.placements, declaredIn: `The state of stack ${state.stack}`, notes: [] };
  if (project === null) {
    throw new PlacementError('input', 'There is no stack file here to plan.', {
      next: 'name one with --file FILE, a stack with --stack NAME, or one VM with --vm NAME --host HOST.',
    });
  }
  if (!project.isYaml) {
    throw new PlacementError('input', `${project.file} is a program in a language, which only the engine can run.`, {
      next: 'plan what is in the state with --stack NAME, or run `pulumi preview`.',
    });
  }
  return { placements: project.placements, declaredIn: fileOf(project), notes: [] };
}

/** Those of these names (of a resource or a VM), or all. */
export function choosePlacements(placements: readonly DeclaredPlacement[], wanted: readonly string[]): readonly DeclaredPlacement[] {
  const matches = (placement: DeclaredPlacement, name: string): boolean =>
    placement.name === name || placement.inputs.values['vm'] === name;
  for (const name of wanted) {
    if (placements.some((placement) => matches(placement, name))) continue;
    const names = placements.flatMap((placement) => [placement.name, vmOf(placement)]);
    throw new PlacementError('input', `No placement ${name} is declared.${didYouMean(name, names)}`, { path: name });
  }
  return wanted.length === 0 ? placements : placements.filter((placement) => wanted.some((name) => matches(placement, name)));
}

/** The VM as declared; the resource's name where that is not known or wrong. */
export function vmOf({ name, inputs }: DeclaredPlacement): string {
  const vm = inputs.values['vm'];
  return typeof vm === 'string' ? vm : name;
}

const fileOf = (project: Project): string => project.file.split('/').at(-1) ?? project.file;

/** As in a stack file: `true`, numbers, lists and maps are read as YAML. */
function value(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return text; // Not YAML (a window "a/b: c"): taken as it stands; Check says what is wrong with it.
  }
}

function pairs(given: readonly string[], option: string, read: (text: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=');
      if (at <= 0) throw new PlacementError('input', `${option} takes NAME=VALUE, not ${JSON.stringify(pair)}.`, { path: option });
      return [pair.slice(0, at), read(pair.slice(at + 1))];
    }),
  );
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, one]) => one !== undefined));
}
