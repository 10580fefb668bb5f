/** The events of one move -> the engine's log. */
import { command } from '../core/command.js';
import type { Desired } from '../core/desired.js';
import type { EventSink } from '../core/events.js';
import { placeText } from '../core/inventory.js';
import type { Plan } from '../core/plan.js';
import type { PlacementState } from '../core/state.js';
import { formatDuration } from '../core/units.js';
import type { EngineLog } from './log.js';
import { Cadence, progressText, routeText } from './progress.js';
import { naming } from './text.js';

export interface Reporter {
  readonly emit: EventSink;
  readonly log: (message: string) => void;
  /** The operation ended well, in this state. */
  end(state: PlacementState): void;
  /** It ended with this error. */
  fail(message: string): void;
}

/** `desired`: null where no declaration is carried out. */
export function reporter(log: EngineLog, urn: string, vm: string, plan: Plan | null, desired: Desired | null): Reporter {
  const route = routeText(plan?.from ?? null, plan?.to ?? null);
  const cadence = new Cadence(Date.now);
  const said = new Set<string>();
  /** Shown at once as status; kept for the end, whose message may say the same. */
  const warned: string[] = [];
  const once = (severity: 'info' | 'warning', message: string) => {
    const text = naming(vm, message);
    if (said.has(text)) return;
    said.add(text);
    log.say(severity, urn, text);
  };

  const flush = (final: string) => {
    for (const warning of warned.splice(0)) if (!final.includes(bare(warning, vm))) once('warning', warning);
  };

  return {
    log: (message) => log.say('debug', urn, naming(vm, message)),
    emit(event) {
      switch (event.kind) {
        case 'start':
          // The other steps that take time report progress at once.
          if (event.step === 'shutdown' && plan?.willStopVm === true) log.status(urn, `guest shutdown (${event.vm}${route})`);
          if (event.step === 'await-go' && desired?.onPending === 'wait') once('info', waits(vm, desired));
          return;
        case 'progress':
          if (cadence.due(event)) log.status(urn, progressText(event, route));
          return;
        case 'notice':
          return log.status(urn, naming(vm, event.message));
        case 'warning':
          warned.push(event.message);
          return log.status(urn, `warning: ${naming(vm, event.message)}`);
        case 'end':
          return; // the outcome is told from what was read back
      }
    },
    end(state) {
      const { lastMove } = state;
      flush(state.message);
      if (plan !== null && lastMove !== null && moved(plan, state)) once('info', movedText(lastMove));
      if (state.message !== '')
        once(state.phase === 'AwaitingConfirmation' || state.phase === 'Settled' ? 'info' : 'warning', state.message);
    },
    fail: flush,
  };
}

/** A warning without the VM's name before it and the full stop behind it, as a longer message holds it. */
const bare = (warning: string, vm: string): string => warning.replace(`${vm}: `, '').replace(/\.$/, '');

/** The run stays: it will not end by itself, and its end says what to do too late. */
function waits(vm: string, { goFrom }: Desired): string {
  const ways = [...(goFrom === 'declared' ? [] : [command('annotate', vm, 'shutdown=now')]), 'shut the guest down'];
  return `VM ${vm} is copied but for the last increment; this update waits for its shutdown. To cut over: ${ways.join(', or ')}`;
}

/** This run ended a move: the VM is on the plan's target, and was not before. */
const moved = (plan: Plan, { place }: PlacementState): boolean =>
  plan.to !== null && plan.from !== null && placeText(plan.to) === placeText(place) && placeText(plan.from) !== placeText(place);

function movedText({ method, from, to, start, end, downtimeMs, leftOff }: NonNullable<PlacementState['lastMove']>): string {
  const took = formatDuration(Math.max(0, Date.parse(end) - Date.parse(start)));
  return `moved ${method} ${placeText(from)} -> ${placeText(to)} in ${took}, ${leftOff === true ? 'left off as declared' : `downtime ${formatDuration(downtimeMs)}`}`;
}
