/** `vmplacement annotate`: the go at the VM, for operators who do not commit code. */
import { command } from '../../core/command.js';
import { PlacementError } from '../../core/errors.js';
import type { Vm } from '../../core/inventory.js';
import { placeText } from '../../core/inventory.js';
import { annotateVm } from '../../core/placement.js';
import { parseShutdown, shutdownAnnotation, type ShutdownValue } from '../../core/shutdown-annotation.js';
import { schemaVersion, type ActionReport } from '../../report/types.js';
import { actionText } from '../action-text.js';
import { findVm, withDatacenter } from '../connect.js';
import { quietRun } from '../progress.js';
import { exitCodes, type Call, type Result } from '../result.js';
import { readEntry } from './status.js';

export interface AnnotateOptions {
  readonly remove?: boolean;
  readonly giver?: string;
}

export async function annotate(call: Call, wanted: string, annotation: string | undefined, options: AnnotateOptions): Promise<Result> {
  const value = valueOf(wanted, annotation, options.remove === true);
  const giver = options.giver ?? `${call.io.user}@${call.io.machine}`;
  return withDatacenter(call, async ({ session }) => {
    const inventory = await session.inventory();
    const vm = findVm(inventory, wanted);
    const what = await annotateVm(session, vm.uuid, value, giver, quietRun(call));
    session.refresh();
    const [status] = await readEntry(session, vm.uuid);
    const effect =
      value === null
        ? removed(vm)
        : set(vm, value, { nowMs: Date.parse(inventory.observedAt), holdsCutover: session.driver.capabilities.holdsCutover });
    const report: ActionReport = {
      schemaVersion,
      kind: 'action',
      command: 'annotate',
      vm: vm.name,
      message: `${what} ${effect.text}`,
      next: effect.next,
      status: status ?? null,
    };
    return { report, text: actionText(report, call.look), exit: exitCodes.fine };
  });
}

/** The new value; null to remove it. */
function valueOf(vm: string, annotation: string | undefined, remove: boolean): string | null {
  const [, key, value] = /^([^=]*?)(?:=(.*)|-)?$/s.exec(annotation ?? '') ?? [];
  const named = key === 'shutdown' || key === shutdownAnnotation;
  if (annotation === undefined ? remove : named && value === undefined && (remove || annotation.endsWith('-'))) return null;
  const usage = `${command('annotate', vm, 'shutdown=now')}, or shutdown- to remove it`;
  if (annotation === undefined || (named && value === undefined))
    throw new PlacementError('input', 'The value is missing.', { path: 'annotation', next: usage });
  if (!named || value === undefined)
    throw new PlacementError('input', `${JSON.stringify(annotation)} is not an annotation that is known here; known is shutdown.`, {
      path: 'annotation',
      next: usage,
    });
  if (remove) throw new PlacementError('input', 'Either a value or --remove, not both.', { path: 'annotation', next: usage });
  try {
    parseShutdown(value);
  } catch (error) {
    if (!PlacementError.isInstance(error)) throw error;
    throw new PlacementError('input', `The value of shutdown ${error.message}.`, { path: 'annotation', cause: error });
  }
  return value;
}

interface Effect {
  /** What will happen. */
  readonly text: string;
  readonly next: string | null;
}

function removed(vm: Vm): Effect {
  if (vm.record?.method !== 'staged' || vm.record.targetStarting) return { text: '', next: null };
  return { text: 'The move goes on waiting for a go; one that is declared in the stack still counts.', next: null };
}

interface Circumstances {
  /** The platform's time. */
  readonly nowMs: number;
  readonly holdsCutover: boolean;
}

function set(vm: Vm, text: string, circumstances: Circumstances): Effect {
  const { record } = vm;
  const value = parseShutdown(text);
  if (record === null) {
    return { text: 'No move of it is under way. A staged move that starts while this stands is not paused: it obeys it.', next: null };
  }
  if (record.method !== 'staged') return { text: `A ${record.method} move is under way, which needs no go: it has no effect.`, next: null };
  if (record.targetStarting)
    return { text: `The move is past the point of no return; it has no effect on it.`, next: command('status', vm.name) };
  if (record.declaredGo === 'hold' && value.kind !== 'hold') {
    return {
      text: 'But hold is declared on the resource, which wins: it has no effect before that is changed.',
      next: 'pulumi up, with the declaration changed',
    };
  }
  if (record.options.goFrom === 'declared' && value.kind !== 'hold') {
    return {
      text: 'But this placement takes a go from its declaration only (goFrom: declared): it has no effect.',
      next: `set annotations: {${shutdownAnnotation}: ${text}} on the resource, then pulumi up`,
    };
  }
  return staged(value, `finishes the move on ${placeText(record.to)}`, circumstances);
}

function staged(value: ShutdownValue, finish: string, { nowMs, holdsCutover }: Circumstances): Effect {
  const up = 'pulumi up';
  const waiting = 'An `up` that is running with `onPending: wait` sees it by itself.';
  const steps = `sends one more increment, shuts the guest down and ${finish}`;
  switch (value.kind) {
    case 'now':
      return { text: `The next \`pulumi up\` ${steps}. ${waiting}`, next: up };
    case 'force':
      return { text: `The next \`pulumi up\` ${steps}; a guest that does not obey in time is powered off. ${waiting}`, next: up };
    case 'hold':
      return {
        text: `No shutdown is sent while it stands, whatever else is declared or given.${holdsCutover ? '' : ' But this platform cuts over at any power-off of the VM, also one by hand.'}`,
        next: null,
      };
    case 'at':
      return value.at <= nowMs
        ? { text: `That time is over, so it counts as now: the next \`pulumi up\` ${steps}. ${waiting}`, next: up }
        : { text: `From then on a \`pulumi up\` ${steps}. ${waiting}`, next: `${up} (at that time or later)` };
    case 'window':
      if (value.end <= nowMs)
        return { text: 'But that window is over: it never opens, and the move goes on waiting.', next: 'set another window, or now' };
      return {
        text: `Inside the window a \`pulumi up\` ${steps}, if that can be over by its end. ${waiting}`,
        next: value.start <= nowMs ? up : `${up} (inside the window)`,
      };
  }
}
