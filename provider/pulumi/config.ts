/** The provider's own configuration: CheckConfig, DiffConfig, Configure. */
import process from 'node:process';
import { PlacementError } from '../core/errors.js';
import { openDatacenter, type OpenDatacenter } from '../drivers/open.js';
import { checkConfig as checkDeclared } from '../../schema/validate.js';
import { diffResponse } from './check.js';
import { containsUnknown, fromStruct, isUnknownValue, sameValue, type Properties } from './codec.js';
import { change } from './diff.js';
import { sessionOf, type Plugin } from './plugin.js';
import { CheckFailure, CheckResponse, ConfigureResponse, type provider } from './proto.js';

export async function checkConfig(request: provider.CheckRequest): Promise<provider.CheckResponse> {
  const { failures } = checked(fromStruct(request.getNews()));
  return new CheckResponse()
    .setInputs(request.getNews())
    .setFailuresList(failures.map(({ path, reason }) => new CheckFailure().setProperty(path).setReason(reason)));
}

/**
 * A change is always "some", never "none": then the engine would go on with a process that has the old configuration. It never
 * replaces the provider: that would replace every placement.
 */
export async function diffConfig(request: provider.DiffRequest): Promise<provider.DiffResponse> {
  const [before, after] = [fromStruct(request.getOldInputs()), fromStruct(request.getNews())];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return diffResponse(names.filter((name) => !sameValue(before[name], after[name])).map((name) => change(name, before[name], after[name])));
}

/** Opens the datacenter and begins its one survey. Called by the engine once a process (again when it is attached to). */
export async function configure(plugin: Plugin, request: provider.ConfigureRequest): Promise<provider.ConfigureResponse> {
  const args = fromStruct(request.getArgs());
  const last = plugin.datacenter;
  plugin.providerUrn = request.getUrn() ?? '';
  plugin.sessions.clear();
  plugin.memory.clear();
  plugin.acted = false;
  plugin.declaredBy.clear();
  plugin.datacenter = containsUnknown(args) ? null : open(plugin, args);
  const [opened] = await Promise.allSettled([plugin.datacenter]);
  await closed(last);
  if (opened.status === 'rejected') throw opened.reason;
  if (plugin.datacenter !== null && plugin.providerUrn !== '') await sessionOf(plugin, plugin.providerUrn);
  return new ConfigureResponse().setAcceptsecrets(false).setAcceptresources(false).setAcceptoutputs(false).setSupportspreview(true);
}

/** The engine runs the plugin in the project's folder, where relative paths of a stack start. */
async function open({ counters }: Plugin, args: Properties): Promise<OpenDatacenter> {
  const { config, failures } = checked(args);
  if (config === null) throw new PlacementError('input', failures.map(({ path, reason }) => `vmplacement:${path} ${reason}`).join('\n'));
  const opened = await openDatacenter(config, process.cwd());
  counters?.watch(opened.driver);
  return opened;
}

const checked = (declared: Properties) => checkDeclared({ ...declared }, { isUnknown: isUnknownValue });

async function closed(last: Plugin['datacenter']): Promise<void> {
  const [opened] = await Promise.allSettled([last]);
  if (opened.status === 'fulfilled') await opened.value?.driver.close();
}
