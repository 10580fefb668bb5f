/** The words of a plan: `summary` is what a preview promises (stable, no figures), `sentence` is for people. */
import type { Desired } from './desired.js';
import { placeText, type Copy, type Place, type Vm } from './inventory.js';
import type { Estimate } from './plan.js';
import type { Method } from './record.js';
import { formatBytes, formatDuration } from './units.js';

export interface Route {
  readonly method: Method;
  readonly from: Place;
  readonly to: Place;
}

export const routeText = ({ method, from, to }: Route): string => `${method}: ${placeText(from)} -> ${placeText(to)}`;

export function moveSummary(route: Route, reasons: readonly string[], stop: Stop): string {
  return [routeText(route), reasons.join(', '), ...stopWords(route, stop)].join('; ');
}

export interface Stop {
  readonly willStopVm: boolean;
  /** null: past the point of no return, where no go is needed any more. */
  readonly goFrom: Desired['goFrom'] | null;
}

/** The same plan, for a VM that is off by now. */
export const withoutStop = (summary: string): string => summary.replace(`; ${willStop}`, '');

const willStop = 'will-stop-vm';

/** The plan of every staged move says that a go given at the VM is obeyed when it arrives (rules.md §4). */
const stopWords = ({ method }: Route, { willStopVm, goFrom }: Stop): readonly string[] => [
  ...(willStopVm ? [willStop] : []),
  ...(method === 'staged' && goFrom !== null && goFrom !== 'declared' ? ['a go at the VM is obeyed'] : []),
];

export const continueSummary = (route: Route, stop: Stop): string => [routeText(route), 'continues', ...stopWords(route, stop)].join('; ');
export const cancelSummary = (method: Method, stays: Place): string => `cancel ${method}: stays on ${placeText(stays)}`;
export const retargetSummary = (method: Method, old: Place, next: string): string => `cancel ${method} to ${placeText(old)}; then ${next}`;
export const settleSummary = (route: Route): string => `settle: ${routeText(route)}`;
export const blockedSummary = (codes: readonly string[]): string => `blocked: ${codes.join(', ')}`;

export interface MoveWords extends Route {
  readonly vm: Vm;
  readonly live: Copy;
  readonly reasons: readonly string[];
  readonly whyHost: string | null;
  readonly estimate: Estimate | null;
  readonly desired: Pick<Desired, 'startAfter' | 'goFrom'>;
  readonly whyStops: string | null;
}

export function moveSentence(words: MoveWords): string {
  const { vm, method, from, to, estimate, whyHost, whyStops } = words;
  const host = whyHost === null ? '' : ` (${hostTexts[whyHost] ?? whyHost})`;
  const parts = [`VM ${vm.name} moves ${method} from ${placeText(from)} to ${placeText(to)}${host}, ${because(words.reasons)}`];
  if (estimate !== null && estimate.copyBytes + estimate.downBytes > 0)
    parts.push(figures(method, estimate, words.live.power === 'running'));
  if (whyStops !== null) parts.push(`this update may stop it: ${whyStops}`);
  else if (method === 'staged') parts.push('it pauses before the shutdown until vmplacement/shutdown is set');
  return `${parts.join('; ')}.`;
}

function because(reasons: readonly string[]): string {
  const texts = reasons.map((reason) => reasonTexts[reason]).filter((text) => text !== undefined);
  return texts.length > 0 ? `because ${texts.join(' and ')}` : `because of ${reasons.join(', ')}`;
}

function figures(method: Method, { copyBytes, copyMs, downBytes, downtimeMs }: Estimate, running: boolean): string {
  switch (method) {
    case 'hot':
      return `copies about ${formatBytes(copyBytes)} in ${formatDuration(copyMs)}, stands still for about ${formatDuration(downtimeMs)}`;
    case 'cold':
      return `copies about ${formatBytes(downBytes)} in ${formatDuration(downtimeMs)} while it is off${running ? '' : ' as it is now'}`;
    case 'staged':
      return `copies about ${formatBytes(copyBytes)} in ${formatDuration(copyMs)} while it runs, then is off for about ${formatDuration(downtimeMs)}`;
  }
}

const hostTexts: Readonly<Record<string, string>> = {
  'only-candidate': 'the only host that qualifies',
  promised: 'the host that was promised to it',
  'hot-before-staged': 'it can go there hot',
  'fewest-warnings': 'the host with the fewest warnings',
  'most-free-memory': 'the host with the most free memory afterwards',
  'first-by-name': 'the first by name among equal hosts',
};

const reasonTexts: Readonly<Record<string, string>> = {
  'vm-running': 'it runs',
  'hot-possible': 'hot is possible',
  'vm-off': 'it is off',
  'cpu-incompatible': 'the CPU there lacks what it was started with',
  'no-direct-network': 'the hosts have no direct network',
  'device-unmovable': 'it uses devices that cannot move while it runs',
  'other-cluster': 'the target is another cluster',
  'declared-hot': 'method: hot is declared',
  'declared-cold': 'method: cold is declared',
  'declared-staged': 'method: staged is declared',
};
