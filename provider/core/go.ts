/** The go: the permission to shut a VM down for the last increment (rules.md §6.5). */
import { command } from './command.js';
import { iso } from './clock.js';
import type { Desired } from './desired.js';
import type { Capabilities } from './driver.js';
import { isKnown, type Copy, type Vm } from './inventory.js';
import { liveCopy } from './locate.js';
import type { Go, MigrationRecord } from './record.js';
import { isOpen, parseShutdown, shownGo, shutdownAnnotation, type ShutdownValue } from './shutdown-annotation.js';

export interface GoInput {
  readonly desired: Pick<Desired, 'shutdown' | 'goFrom' | 'allowShutdown'>;
  readonly vm: Vm;
  readonly record: MigrationRecord | null;
  readonly nowMs: number;
  /** How far the clock of the source's host, which tells when a shutdown began, is ahead of `nowMs`. Only for what is told to people. */
  readonly sourceAheadMs: number;
  /** From the shutdown being sent until the VM is back; null = not known, then no window is ever open. */
  readonly estimateMs: number | null;
  readonly capabilities: Pick<Capabilities, 'holdsCutover'>;
}

export interface EffectiveGo {
  /** What permits the cutover now; null = wait. */
  readonly go: Go | null;
  /** Power the VM off when it does not obey. */
  readonly force: boolean;
  /** No shutdown may be sent, and a guest that is off stays off. */
  readonly hold: boolean;
  /** Whose hold it is and how to take it away, for a message; null without one. */
  readonly heldBy: string | null;
  /** Start of a time or window that is still to come, ms since the epoch. */
  readonly waitingUntil: number | null;
  /** The same for a message; a declared time is not repeated. */
  readonly waitingFor: string | null;
  readonly warnings: readonly string[];
  /** The VM is off, and nothing permits the cutover: to be reported loudly. */
  readonly offWithoutGo: boolean;
}

/**
 * `hold` from anywhere > what stands on the VM > what is declared; beside these a clean guest shutdown that began after the pause did.
 * A recorded go counts by itself only once the source is off: until then whoever gave it may take it back.
 */
export function effectiveGo(input: GoInput): EffectiveGo {
  const { vm, record } = input;
  const live = liveCopy(vm);
  const off = live?.power === 'off' || live?.power === 'crashed';
  const values = readValues(input);
  const warnings = [...values.warnings];
  const end = (result: Partial<EffectiveGo>): EffectiveGo => {
    const go = result.go ?? null;
    const hold = values.hold;
    return {
      go,
      force: false,
      hold,
      heldBy: values.heldBy,
      waitingUntil: null,
      waitingFor: null,
      warnings,
      offWithoutGo: off && go === null,
      ...result,
    };
  };

  // The shutdown was ours (or was seen) under a go: it stays given, whatever the annotations say now.
  if (off && record?.stoppedByMove === true && record.go !== null) return end({ go: record.go, force: record.go.value === 'force' });

  const guest = off && live !== null ? guestShutdown(live, input, values.hold) : null;
  if (guest !== null && typeof guest === 'object') return end({ go: guest });
  if (guest !== null) warnings.push(guest);

  if (values.hold) return end({});
  const given = values.onVm ?? values.declared;
  if (given === null) {
    if (record?.go !== null && record?.go !== undefined && !off)
      warnings.push(`the go ${shownGo(record.go)} (${record.go.place}: ${record.go.giver}) was taken back before the shutdown was sent`);
    return end({});
  }
  const state = openness(given.value, input);
  if (state === 'open') return end({ go: given.go, force: given.value.kind === 'force' });
  if (state === 'not-yet') {
    const from = startOf(given.value);
    const waitingFor = given.go.place === 'vm' && from !== null ? `from ${iso(from)} on` : 'once the declared time has come';
    return end({ waitingUntil: from, waitingFor });
  }
  warnings.push(
    input.estimateMs === null
      ? `the window ${shownGo(given.go)} cannot be used: how long the cutover takes is not known`
      : `the window ${shownGo(given.go)} was missed or is too short: now + estimate is after its end; the move waits for another go`,
  );
  return end({});
}

export interface StopInput {
  readonly desired: Pick<Desired, 'shutdown' | 'goFrom' | 'allowShutdown' | 'onPending'>;
  readonly vm: Vm;
  readonly record: MigrationRecord | null;
  readonly method: 'hot' | 'cold' | 'staged';
  readonly running: boolean;
  readonly nowMs: number;
}

/**
 * Why *this* run may stop the running VM (`will-stop-vm`); null = it does not. Does not depend on how long the copying takes: a time
 * that is still to come may come while it copies.
 */
export function whyStops(input: StopInput): string | null {
  const { desired, record, method } = input;
  if (!input.running || method === 'hot') return null;
  const values = readValues(input);
  if (method === 'cold') return desired.allowShutdown && !values.hold ? 'allowShutdown permits it' : null;
  // A hold on the VM can be lifted there while a run waits, a declared one cannot.
  const mayStillCome = desired.onPending === 'wait' && desired.goFrom !== 'declared' && !values.declaredHold;
  if (!values.hold) {
    const given = values.onVm ?? values.declared;
    if (given !== null && !isPast(given.value, input.nowMs))
      return `${isToCome(given.value, input.nowMs) ? 'its time may come during this run: ' : ''}the go ${shownGo(given.go)} is given (${given.go.place === 'vm' ? `on the VM by ${given.go.giver}` : 'declared'})`;
    if (record?.go !== null && record?.go !== undefined && record.stoppedByMove) return `the go ${shownGo(record.go)} is recorded`;
  }
  return mayStillCome ? 'with onPending: wait this run waits for a go at the VM' : null;
}

/** What stops every shutdown by this provider; also what `cold` with `allowShutdown` obeys. */
export const isHeld = (input: Pick<GoInput, 'desired' | 'vm' | 'record'>): boolean => readValues({ ...input, nowMs: 0 }).hold;

/** What stands on the VM when its move gives way to another one: the go was for that move; a hold is for the VM, and stays. */
export const annotationAfterRetarget = (vm: Vm): Vm['annotation'] =>
  isHeld({ desired: { shutdown: null, goFrom: 'both', allowShutdown: false }, vm, record: null }) ? vm.annotation : [];

/** The declared value that an earlier move used up; the same value is ignored until it changes. */
export const spentGo = (vm: Vm): string | null => (vm.claim === null ? (vm.record?.spentGo ?? null) : vm.claim.spentGo);

interface Given {
  readonly value: ShutdownValue;
  readonly go: Go;
}

interface Values {
  readonly hold: boolean;
  readonly heldBy: string | null;
  readonly declaredHold: boolean;
  readonly onVm: Given | null;
  readonly declared: Given | null;
  readonly warnings: readonly string[];
}

interface ValuesInput {
  readonly desired: Pick<Desired, 'shutdown' | 'goFrom'>;
  readonly vm: Vm;
  readonly record: MigrationRecord | null;
  readonly nowMs: number;
}

function readValues({ desired, vm, record, nowMs }: ValuesInput): Values {
  const warnings: string[] = [];
  const counts = desired.goFrom !== 'declared';
  let onVm: Given | null = null;
  let heldBy: string | null = null;
  const remove = `; ${command('annotate', vm.name, 'shutdown-')} removes it`;
  const [first] = vm.annotation;
  if (vm.annotation.length > 1 && (counts || vm.annotation.some(({ value }) => value === 'hold'))) {
    heldBy = `hold: several values stand on the VM${remove}`;
    warnings.push(
      `VM ${vm.name} carries ${shutdownAnnotation} more than once (${vm.annotation.map(({ value, giver }) => `"${value}" by ${giver}`).join(', ')}): taken as hold. ` +
        `Set it once: ${command('annotate', vm.name, 'shutdown=now|hold')}`,
    );
  } else if (first !== undefined) {
    const value = tryParse(first.value);
    if (value?.kind === 'hold') heldBy = `hold is set on the VM by ${first.giver}${remove}`;
    else if (counts && value === null) {
      heldBy = `hold: "${first.value}" on the VM cannot be read${remove}`;
      warnings.push(`${shutdownAnnotation}="${first.value}" on VM ${vm.name} (by ${first.giver}) cannot be read: taken as hold`);
    } else if (counts && value !== null) {
      onVm = { value, go: { value: first.value, place: 'vm', giver: first.giver, at: first.at } };
    }
  }

  let declared: Given | null = null;
  let declaredHold = false;
  if (desired.shutdown !== null) {
    const value = tryParse(desired.shutdown);
    // Check refuses an unreadable declaration; one that gets here from elsewhere brakes.
    if (value === null) warnings.push(`the declared ${shutdownAnnotation}="${desired.shutdown}" cannot be read: taken as hold`);
    if (value === null || value.kind === 'hold') declaredHold = true;
    else if (desired.goFrom !== 'vm' && desired.shutdown !== spentGo(vm)) {
      const giver = record?.stack ?? 'the declaration';
      declared = { value, go: { value: desired.shutdown, place: 'declared', giver, at: iso(nowMs) } };
    }
  }
  if (declaredHold) heldBy ??= 'hold is declared on the resource; change it there';
  return { hold: heldBy !== null, heldBy, declaredHold, onVm, declared, warnings };
}

function tryParse(text: string): ShutdownValue | null {
  try {
    return parseShutdown(text);
  } catch {
    return null; // The caller says what an unreadable value means where it stands.
  }
}

/** 5c: a go, why it is none, or null when there is nothing to say. */
function guestShutdown(live: Copy, input: GoInput, hold: boolean): Go | string | null {
  const { vm, record } = input;
  if (record === null || record.method !== 'staged') return null;
  const change = live.lastChange;
  const platformAt = (told: string): string => iso(Date.parse(told) - input.sourceAheadMs);
  if (!input.capabilities.holdsCutover && live.power === 'off') {
    // The platform starts its cutover at any power-off: neither the cause nor a hold stops it.
    const at = isKnown(change) ? platformAt(change.at) : iso(input.nowMs);
    return { value: 'shutdown', place: 'guest', giver: `VM ${vm.name}`, at };
  }
  const stays = `VM ${vm.name} is off, and this is not taken as a go`;
  const wayOut = `start it again, or let it be cut over: ${command('annotate', vm.name, 'shutdown=now')}`;
  // The bitmaps of a VM that did not stop cleanly are not trusted: a last increment alone would not do.
  const wayBack =
    live.power === 'off'
      ? `start it again (it is then copied in full again), or allow a full copy while it is off: ${command('annotate', vm.name, 'shutdown=force')}`
      : 'start it again: it is then copied in full again';
  if (!isKnown(change)) return `${stays}: why it stopped could not be read (${change.unknown}); ${wayOut}`;
  if (live.power !== 'off' || change.cause !== 'guest-shutdown') return `${stays}: ${causeText(live, change.cause)}; ${wayBack}`;
  if (record.awaitingSince === null) return `${stays}: it was shut down before the full copy was complete; ${wayOut}`;
  if (change.began === undefined) return `${stays}: when its shutdown began is not known; ${wayOut}`;
  // Both by the clock of its host. The reading at `awaitingSince` saw it running: what began in that very millisecond began after it.
  if (Date.parse(change.began) < Date.parse(record.awaitingSince))
    return `${stays}: its shutdown began at ${platformAt(change.began)}, before the move began to wait (${platformAt(record.awaitingSince)}); ${wayOut}`;
  if (hold) return `VM ${vm.name} was shut down, but hold is set: it stays off until hold is removed or it is started again`;
  return { value: 'shutdown', place: 'guest', giver: `VM ${vm.name}`, at: platformAt(change.began) };
}

function causeText(live: Copy, cause: string): string {
  if (live.power === 'crashed' || cause === 'crashed') return 'it crashed';
  switch (cause) {
    case 'destroyed':
      return 'it was powered off';
    case 'host-failed':
      return 'its host failed';
    case 'saved':
      return 'its state was saved';
    default:
      return `it stopped for another reason than a shutdown of the guest (${cause})`;
  }
}

function openness(value: ShutdownValue, input: GoInput): 'open' | 'not-yet' | 'missed' {
  return isOpen(value, input.nowMs, input.estimateMs ?? Infinity);
}

const startOf = (value: ShutdownValue): number | null => (value.kind === 'at' ? value.at : value.kind === 'window' ? value.start : null);
const isToCome = (value: ShutdownValue, nowMs: number): boolean => (startOf(value) ?? nowMs) > nowMs;
const isPast = (value: ShutdownValue, nowMs: number): boolean => value.kind === 'window' && nowMs > value.end;
