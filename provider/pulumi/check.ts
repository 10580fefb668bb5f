/**
 * Check and Diff: what is declared, what it leads to, what changes. The engine calls both one after another: no I/O per resource. Only what
 * a hot move between two hosts needs is asked of them, once for each pair.
 */
import type { Desired } from '../core/desired.js';
import { locate } from '../core/locate.js';
import { previewPlacement } from '../core/placement.js';
import type { Plan } from '../core/plan.js';
import { checkPlacement } from '../../schema/validate.js';
import { fromStruct, isUnknownValue, toStruct, unknownValue, type Properties } from './codec.js';
import { change, refreshChanges, staysWhereItIs, updateChanges, type Change } from './diff.js';
import { storedOutputs } from './outputs.js';
import { memoryOf, sessionOf, type Plugin } from './plugin.js';
import { nameOf } from './urn.js';
import { CheckFailure, CheckResponse, DiffResponse, PropertyDiff, type provider } from './proto.js';

/** Shown in the preview of a delete, where the engine asks the provider nothing. */
const onDestroy = 'leaves the VM as it is, where it is';

export async function check(plugin: Plugin, request: provider.CheckRequest): Promise<provider.CheckResponse> {
  const urn = request.getUrn();
  const memory = memoryOf(plugin, urn);
  memory.read = null;
  memory.checked = null;
  const { inputs, desired, failures } = declared(fromStruct(request.getNews()));
  const response = new CheckResponse();
  if (failures.length > 0) {
    return response
      .setInputs(toStruct(inputs))
      .setFailuresList(failures.map(({ path, reason }) => new CheckFailure().setProperty(path).setReason(reason)));
  }
  // A blocker is not a failure here: that would stop the engine before it moves the others.
  const session = desired === null || plugin.datacenter === null ? null : await sessionOf(plugin, urn);
  const plan = desired === null || session === null ? null : await previewPlacement(session, urn, desired);
  if (desired !== null && session !== null && plan !== null) {
    // A name that leads to no VM, or to several, is a finding of the plan.
    const located = locate(await session.inventory(), desired.vm);
    const found = located.kind === 'found' ? located.vm.uuid : undefined;
    const other = (found === undefined ? undefined : plugin.declaredBy.get(found)) ?? urn;
    if (other !== urn) {
      const reason = `names VM ${plan.vm}, which ${nameOf(other)} declares already: one VM has one placement`;
      return response.setInputs(toStruct(inputs)).setFailuresList([new CheckFailure().setProperty('vm').setReason(reason)]);
    }
    if (found !== undefined) plugin.declaredBy.set(found, urn);
    memory.checked = { desired, plan, stays: false };
  }
  // What is not known yet may lead to any plan: unknown, so that `up --strict` accepts the one that comes of it.
  const promise = plan === null ? unknownValue : promiseOf(plan);
  return response.setInputs(toStruct({ ...inputs, onDestroy, plan: promise }));
}

export async function diff(plugin: Plugin, request: provider.DiffRequest): Promise<provider.DiffResponse> {
  const { read } = memoryOf(plugin, request.getUrn());
  const [oldInputs, olds, news] = [request.getOldInputs(), request.getOlds(), request.getNews()].map(fromStruct) as [
    Properties,
    Properties,
    Properties,
  ];
  if (read !== null) return diffResponse(refreshChanges(oldInputs, olds, news, read.drifted));
  const ignored = request.getIgnorechangesList();
  if (staysWhereItIs(storedOutputs(olds), ignored)) await stay(plugin, request.getUrn());
  const changes = updateChanges(oldInputs, olds, news, ignored);
  // Of the dynamic provider, under an alias: only an update claims the VM under its URN of now.
  const { __provider: provider } = olds;
  return diffResponse(provider === undefined ? changes : [...changes, change('__provider', provider, undefined)]);
}

/** An update of another property must not move it either: what Check took for the declared place is only an old one. */
export async function stay(plugin: Plugin, urn: string): Promise<void> {
  const memory = memoryOf(plugin, urn);
  // A move under way was declared before, and is still carried out. Decided once: the dynamic provider asks for it in Check already.
  if (memory.checked === null || memory.checked.stays || memory.checked.plan.record !== null) return;
  const desired: Desired = { ...memory.checked.desired, cluster: null, scope: 'nowhere', hosts: [] };
  memory.checked = { desired, plan: await previewPlacement(await sessionOf(plugin, urn), urn, desired), stays: true };
}

/** A declaration without what Check itself adds (`ignoreChanges` puts it back in). */
export function declared(news: Properties): ReturnType<typeof checkPlacement> {
  const { plan: _plan, onDestroy: _onDestroy, ...raw } = news;
  return checkPlacement(raw, { isUnknown: isUnknownValue });
}

/** The checked input `plan`: none where nothing is done. */
export const promiseOf = (plan: Plan): string | undefined => (acts(plan) ? plan.summary : undefined);

/** An update would do something to this VM. */
export function acts(plan: Plan): boolean {
  switch (plan.action) {
    case 'move':
    case 'continue':
    case 'cancel':
    case 'retarget':
    case 'settle':
      return plan.summary !== '';
    case 'none':
    case 'blocked':
    case 'error':
      return false;
  }
}

export function diffResponse(changes: readonly Change[]): provider.DiffResponse {
  const { DIFF_SOME, DIFF_NONE } = DiffResponse.DiffChanges;
  const response = new DiffResponse();
  response.setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE);
  response.setDiffsList([...new Set(changes.map(({ path }) => topLevel(path)))]);
  response.setReplacesList(changes.filter(({ kind }) => kind === 'replace').map(({ path }) => topLevel(path)));
  response.setDeletebeforereplace(false);
  response.setHasdetaileddiff(true);
  for (const { path, kind, against } of changes) {
    response.getDetaileddiffMap().set(path, new PropertyDiff().setKind(kinds[kind]).setInputdiff(against === 'inputs'));
  }
  return response;
}

const kinds = {
  add: PropertyDiff.Kind.ADD,
  update: PropertyDiff.Kind.UPDATE,
  delete: PropertyDiff.Kind.DELETE,
  replace: PropertyDiff.Kind.UPDATE_REPLACE,
} as const;

const topLevel = (path: string): string => /^[^.[]+/.exec(path)?.[0] ?? path;
