/** Create, Update and Delete. Create adopts; all three move a VM only as the plan of this run's Check said. */
import { MoveFailed, applyPlacement, readPlacement, releasePlacement, type PlacementRun, type Session } from '../core/placement.js';
import { PlacementError } from '../core/errors.js';
import type { Desired } from '../core/desired.js';
import { locate } from '../core/locate.js';
import type { Plan } from '../core/plan.js';
import type { PlacementState } from '../core/state.js';
import { announce } from './announce.js';
import { acts, declared, promiseOf } from './check.js';
import { fromStruct, isUnknownValue, toStruct, type Properties } from './codec.js';
import { InitFailed } from './errors.js';
import { isUnsettled, outputsOf, outputsToCome, storedOutputs } from './outputs.js';
import { memoryOf, sessionOf, type Plugin } from './plugin.js';
import { CreateResponse, Empty, UpdateResponse, type provider } from './proto.js';
import { refusal } from './refusal.js';
import { reporter } from './reporter.js';
import type { Stop } from './running.js';
import { naming } from './text.js';
import { isOfOtherDoor } from './urn.js';

export async function create(plugin: Plugin, request: provider.CreateRequest, stop: Stop): Promise<provider.CreateResponse> {
  const [urn, news] = [request.getUrn(), fromStruct(request.getProperties())];
  if (request.getPreview()) {
    const properties = await previewed(plugin, urn, news, null);
    return new CreateResponse().setId('').setProperties(toStruct(properties));
  }
  await tellOfEarlierCreate(plugin, urn, news);
  const { session, state } = await carried(plugin, urn, news, request.getTimeout(), stop);
  return new CreateResponse()
    .setId(state.vmId)
    .setProperties(toStruct(outputsOf(state)))
    .setRefreshBeforeUpdate(needsRefresh(session, state));
}

export async function update(plugin: Plugin, request: provider.UpdateRequest, stop: Stop): Promise<provider.UpdateResponse> {
  const [urn, news] = [request.getUrn(), fromStruct(request.getNews())];
  if (request.getPreview()) {
    return new UpdateResponse().setProperties(toStruct(await previewed(plugin, urn, news, fromStruct(request.getOlds()))));
  }
  const { session, state } = await carried(plugin, urn, news, request.getTimeout(), stop);
  return new UpdateResponse().setProperties(toStruct(outputsOf(state))).setRefreshBeforeUpdate(needsRefresh(session, state));
}

/** Deletes the resource, never the VM. */
export async function remove(plugin: Plugin, request: provider.DeleteRequest, stop: Stop): Promise<InstanceType<typeof Empty>> {
  const urn = request.getUrn();
  const { vm, phase } = storedOutputs(fromStruct(request.getProperties()));
  const report = reporter(plugin.log, urn, vm, null, null);
  const run = { ...signalsOf(stop), emit: report.emit, log: report.log, timeoutMs: timeoutOf(request.getTimeout()) };
  // One of the other door is declared in another process: a program that changes doors creates first, which takes the claim.
  const message = await releasePlacement(
    await sessionOf(plugin, urn),
    urn,
    request.getId(),
    run,
    (other) => isOfOtherDoor(other, urn) || [...plugin.declaredBy.values()].includes(other),
  );
  if (message !== '') plugin.log.say(isUnsettled(phase) ? 'warning' : 'info', urn, naming(vm, message));
  return new Empty();
}

/** One that was killed: the engine goes on warning of it, also when this one ends well, and names no command that works in a pipeline. */
async function tellOfEarlierCreate(plugin: Plugin, urn: string, news: Properties): Promise<void> {
  const session = await sessionOf(plugin, urn);
  const found = locate(await session.inventory(), agreed(plugin, urn, news).desired.vm);
  // A VM that is not found, or not the only one of its name, is what the update itself refuses, in its own words.
  if (found.kind !== 'found') return;
  const owner = found.vm.record ?? found.vm.claim;
  if (owner?.urn !== urn || owner.stack !== session.stack) return;
  const text =
    'this resource was created before, and the engine does not know. If it warns of a pending create, then after this update run';
  plugin.log.say('info', urn, naming(found.vm.name, `${text}: pulumi refresh --clear-pending-creates --yes`));
}

/** Decided by Check in this process, from the one survey; nothing is touched. */
async function previewed(plugin: Plugin, urn: string, news: Properties, olds: Properties | null): Promise<Properties> {
  const { checked } = memoryOf(plugin, urn);
  if (checked === null) return outputsToCome(olds === null || isUnknownValue(news['vm']) ? {} : identity(olds), null);
  const { plan, desired } = checked;
  if (plan.action === 'blocked' || plan.action === 'error') throw refusal(plan);
  announce(plugin.log, urn, plan);
  const found = await readPlacement(await sessionOf(plugin, urn), desired.vm);
  if (found === null) return outputsToCome({}, null);
  if (acts(plan)) return outputsToCome({ vm: found.state.vm, vmId: found.state.vmId }, certainEnd(plan));
  return outputsOf({ ...found.state, findings: plan.findings });
}

function identity(olds: Properties): Properties {
  const { vm, vmId } = storedOutputs(olds);
  return { vm, vmId };
}

/** Where the VM is when this `up` ends well; a staged move may pause before its end. */
function certainEnd(plan: Plan): Plan['to'] {
  if (plan.action === 'cancel' || plan.action === 'settle') return plan.from;
  return plan.method === 'staged' || plan.action === 'retarget' ? null : plan.to;
}

interface Carried {
  readonly session: Session;
  readonly state: PlacementState;
}

async function carried(plugin: Plugin, urn: string, news: Properties, timeout: number, stop: Stop): Promise<Carried> {
  const session = await sessionOf(plugin, urn);
  const { desired, promised, plan } = agreed(plugin, urn, news);
  const report = reporter(plugin.log, urn, plan?.vm ?? desired.vm, plan, desired);
  try {
    const run = { ...signalsOf(stop), emit: report.emit, log: report.log, timeoutMs: timeoutOf(timeout) };
    const state = await applyPlacement(session, urn, desired, promised, run);
    if (desired.onPending === 'fail' && state.phase === 'AwaitingShutdown') {
      report.fail(state.message);
      throw new InitFailed(state.vmId, outputsOf(state), naming(state.vm, state.message), true);
    }
    report.end(state);
    return { session, state };
  } catch (error) {
    if (error instanceof Error) report.fail(error.message);
    if (!MoveFailed.isMoveFailed(error)) throw error;
    const { state } = error;
    // The state's message says the same, whether the VM runs, and what to do.
    const isParked = state.phase === 'Parked' && error.code === 'interrupted';
    const hasFailed = state.phase === 'Failed' && state.message.includes(error.message);
    const reason = isParked || hasFailed ? state.message : error.message;
    throw new InitFailed(state.vmId, outputsOf(state), naming(state.vm, reason), true);
  } finally {
    plugin.acted = true;
  }
}

/** The declaration, and what Check promised in this run; no plan in the inputs means that Check saw nothing to do. */
function agreed(plugin: Plugin, urn: string, news: Properties): { desired: Desired; promised: string; plan: Plan | null } {
  const { checked } = memoryOf(plugin, urn);
  const plan = checked?.plan ?? null;
  const desired = checked?.desired ?? declared(news).desired;
  if (desired === null) throw new PlacementError('internal', 'The inputs of an update are not all known.');
  const text = checked?.stays === true ? promiseOf(checked.plan) : news['plan'];
  if (typeof text === 'string') return { desired, promised: text, plan };
  // A refusal was seen, e.g. a VM that is locked by others: an `up` may wait for its end.
  return { desired, promised: plan?.action === 'blocked' ? plan.summary : '', plan };
}

const needsRefresh = (session: Session, state: PlacementState): boolean => isUnsettled(state.phase) || session.settings.alwaysRefresh;

const signalsOf = ({ interrupt, halt }: Stop): Pick<PlacementRun, 'signal' | 'halt'> => ({ signal: interrupt, halt });

/** Custom timeouts come in seconds, 0 when none was declared. */
const timeoutOf = (seconds: number): number | null => (seconds > 0 ? seconds * 1000 : null);
