/** The functions of the package. */
import { PlacementError } from '../core/errors.js';
import { placeText } from '../core/inventory.js';
import { previewPlacement, readPlacement } from '../core/placement.js';
import type { Plan } from '../core/plan.js';
import { exactDuration } from '../core/units.js';
import { checkGetPlacement, checkGetPlan } from '../../schema/validate.js';
import { fromStruct, isUnknownValue, toStruct, type Properties } from './codec.js';
import { compact, findingOf, outputsOf } from './outputs.js';
import { functionSession, type Plugin } from './plugin.js';
import { CheckFailure, InvokeResponse, type provider } from './proto.js';

export async function invoke(plugin: Plugin, request: provider.InvokeRequest): Promise<provider.InvokeResponse> {
  const args = fromStruct(request.getArgs());
  switch (request.getTok()) {
    case 'vmplacement:index:getPlacement':
      return getPlacement(plugin, args);
    case 'vmplacement:index:getPlan':
      return getPlan(plugin, args);
    default:
      throw new PlacementError('input', `There is no function ${request.getTok()}.`);
  }
}

async function getPlacement(plugin: Plugin, args: Properties): Promise<provider.InvokeResponse> {
  const { inputs, failures } = checkGetPlacement(args, { isUnknown: isUnknownValue });
  if (inputs === null) return failed(failures);
  const found = await readPlacement(await functionSession(plugin), inputs.vm);
  if (found === null) return failed([{ path: 'vm', reason: `there is no VM ${JSON.stringify(inputs.vm)} in the datacenter` }]);
  return new InvokeResponse().setReturn(toStruct(outputsOf(found.state)));
}

async function getPlan(plugin: Plugin, args: Properties): Promise<provider.InvokeResponse> {
  const { desired, failures } = checkGetPlan(args, { isUnknown: isUnknownValue });
  if (desired === null) return failed(failures);
  const plan = await previewPlacement(await functionSession(plugin), `getPlan:${desired.vm}`, desired);
  return new InvokeResponse().setReturn(toStruct(planOf(plan)));
}

function planOf(plan: Plan): Properties {
  return compact({
    vm: plan.vm,
    action: plan.action,
    method: plan.method ?? undefined,
    from: plan.from === null ? undefined : placeText(plan.from),
    to: plan.to === null ? undefined : placeText(plan.to),
    summary: plan.summary,
    sentence: plan.sentence,
    willStopVm: plan.willStopVm,
    ...figures(plan),
    findings: plan.findings.map(findingOf),
    candidates: plan.candidates.map(({ place, method, findings }) =>
      compact({ place: placeText(place), method: method ?? undefined, findings: findings.map(findingOf) }),
    ),
  });
}

/** A cold move copies while the VM is off: of one that is off already that is no downtime of the move. */
function figures({ estimate, method, steps }: Plan): Properties {
  if (estimate === null) return {};
  const cold = method === 'cold';
  const [bytes, ms] = cold ? [estimate.downBytes, estimate.downtimeMs] : [estimate.copyBytes, estimate.copyMs];
  const downtimeMs = cold && !steps.includes('shutdown') ? 0 : estimate.downtimeMs;
  return { copyBytes: bytes, copyTime: exactDuration(Math.round(ms)), downtime: exactDuration(Math.round(downtimeMs)) };
}

const failed = (failures: readonly { readonly path: string; readonly reason: string }[]): provider.InvokeResponse =>
  new InvokeResponse().setFailuresList(failures.map(({ path, reason }) => new CheckFailure().setProperty(path).setReason(reason)));
