/** Read: refresh and import. */
import { readPlacement } from '../core/placement.js';
import type { Inventory } from '../core/inventory.js';
import type { PlacementState } from '../core/state.js';
import { fromStruct, toStruct, type Properties } from './codec.js';
import { allows } from './diff.js';
import { InitFailed } from './errors.js';
import { isUnsettled, outputsOf, storedOutputs } from './outputs.js';
import { memoryOf, sessionOf, type Plugin } from './plugin.js';
import { ReadResponse, type provider } from './proto.js';
import { naming } from './text.js';

/** By UUID (a name on import). A VM that is known to be absent reads as deleted; one that may be on an unread host is an error. */
export async function read(plugin: Plugin, request: provider.ReadRequest): Promise<provider.ReadResponse> {
  const urn = request.getUrn();
  const session = await sessionOf(plugin, urn);
  const found = await readPlacement(session, request.getId());
  if (found === null) return new ReadResponse().setId('');
  const { state } = found;
  const [oldOutputs, oldInputs] = [fromStruct(request.getProperties()), fromStruct(request.getInputs())];
  const isImport = Object.keys(oldInputs).length === 0;
  const inputs = isImport ? importedInputs(state, await session.inventory()) : refreshedInputs(oldInputs, state);
  // Those of the last plan: a reading makes none.
  const outputs = { ...outputsOf(state), findings: oldOutputs['findings'] ?? [] };
  const stored = storedOutputs(oldOutputs);
  memoryOf(plugin, urn).read = { drifted: stored.host !== state.place.host || stored.cluster !== state.place.cluster };
  const refreshBeforeUpdate = isUnsettled(state.phase) || session.settings.alwaysRefresh;
  // Otherwise the engine would forget the failure with this reading, and never call Update.
  if (state.phase === 'Failed' || state.phase === 'Parked') {
    throw new InitFailed(state.vmId, outputs, naming(state.vm, state.message), true, inputs);
  }
  return new ReadResponse()
    .setId(state.vmId)
    .setProperties(toStruct(outputs))
    .setInputs(toStruct(inputs))
    .setRefreshBeforeUpdate(refreshBeforeUpdate);
}

/**
 * The inputs as if declared: unchanged where the VM is allowed to be, or a move to an allowed place is pending; else the actual
 * place, in the words the declaration uses, so that `ignoreChanges` accepts drift. `plan` was of an update that is over.
 */
export function refreshedInputs(inputs: Properties, state: PlacementState): Properties {
  const { plan: _plan, ...rest } = inputs;
  if (allows(rest, state.place) || (state.pending !== null && allows(rest, state.pending))) return rest;
  return {
    ...rest,
    ...(rest['cluster'] === undefined ? {} : { cluster: state.place.cluster }),
    ...(rest['host'] === undefined ? {} : { host: state.place.host }),
    ...(rest['hosts'] === undefined || allows({ hosts: rest['hosts'] }, state.place) ? {} : { hosts: [state.place.host] }),
  };
}

/** What `pulumi import` writes as the program: the host (with its cluster where two hosts share the name), and the VM's name unless two share it. */
export function importedInputs(state: PlacementState, inventory: Inventory): Properties {
  const ambiguous = inventory.vms.some((vm) => vm.name === state.vm && vm.uuid !== state.vmId);
  // In mid-move: where it is going, so that the imported declaration goes on with the move instead of cancelling it.
  const { cluster, host } = state.pending ?? state.place;
  const named = inventory.hosts.filter((one) => one.name === host).length > 1;
  return { vm: ambiguous ? state.vmId : state.vm, ...(named ? { cluster } : {}), host };
}
