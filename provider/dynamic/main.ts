/**
 * The dynamic provider: the plugin's handlers behind the interface of `pulumi.dynamic.ResourceProvider`. Loaded by dynamic.cjs in the
 * process that Pulumi starts for dynamic resources; what that protocol cannot do stands in docs/programs.md.
 */
import process from 'node:process';
import { announce } from '../pulumi/announce.js';
import { check as checkInputs, diff as diffProperties, promiseOf, stay } from '../pulumi/check.js';
import { toStruct, type Properties } from '../pulumi/codec.js';
import { configure as configurePlugin } from '../pulumi/config.js';
import { staysWhereItIs } from '../pulumi/diff.js';
import { engineAddress } from '../pulumi/engine-address.js';
import { InitFailed, serviceError } from '../pulumi/errors.js';
import * as lifecycle from '../pulumi/lifecycle.js';
import { memoryOf, newPlugin, type Plugin } from '../pulumi/plugin.js';
import {
  CheckRequest,
  ConfigureRequest,
  CreateRequest,
  DeleteRequest,
  DiffRequest,
  DiffResponse,
  ReadRequest,
  UpdateRequest,
} from '../pulumi/proto.js';
import { read as readVm } from '../pulumi/read.js';
import { refusal } from '../pulumi/refusal.js';
import type { Stop } from '../pulumi/running.js';
import { endWithParent } from '../pulumi/shutdown.js';
import { configNames } from '../../schema/validate.js';
import { answered, declaredStruct, hiddenOf, keptOf, plain } from './values.js';

/** `get('vmplacement:NAME')`: of the stack's configuration, objects as JSON, secrets in clear. */
export interface Configuration {
  readonly config: { get(key: string): string | undefined };
}

export interface Checked {
  readonly inputs: Properties;
  readonly failures: readonly { readonly property: string; readonly reason: string }[];
}

const plugin = newPlugin(null);
plugin.log.connect(engineAddress(process.argv.slice(2)));
endWithParent({ plugin });

/** Settled by `configure`, which the server calls first but does not wait for before it lets other calls in. */
let settle: (opened: Promise<Plugin>) => void = () => undefined;
const opened = new Promise<Plugin>((resolve) => (settle = resolve));
/** Each call reports it as its own: one that nobody has made yet is not an unhandled one. */
opened.catch(() => undefined);

/** Old inputs by URN: Check gets them, Diff does not. */
const lastInputs = new Map<string, Properties>();
/** The engine asks Check more than once a command. */
const announced = new Set<string>();

export function configure({ config }: Configuration): void {
  const args = Object.fromEntries(
    configNames.flatMap((name) => {
      const value = config.get(`vmplacement:${name}`);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  settle(configurePlugin(plugin, new ConfigureRequest().setArgs(toStruct(args))).then(() => plugin));
}

/** Here, and only here, a preview can be stopped: a plan that is refused is a failure. */
export async function check(olds: Properties, news: Properties): Promise<Checked> {
  const { urn, ignoreChanges } = hiddenOf(news);
  try {
    await opened;
    lastInputs.set(urn, olds);
    const response = await checkInputs(plugin, new CheckRequest().setUrn(urn).setNews(declaredStruct(news)));
    const failures = response.getFailuresList().map((one) => ({ property: one.getProperty(), reason: one.getReason() }));
    // A creation ignores nothing. What is pending is known only to Diff; a move under way is left alone either way.
    if (Object.keys(olds).length > 0 && staysWhereItIs({ pendingHost: null }, ignoreChanges)) await stay(plugin, urn);
    const checked = memoryOf(plugin, urn).checked;
    const { plan: said, ...own } = plain(response.getInputs());
    const promise = checked?.stays === true ? promiseOf(checked.plan) : said;
    const inputs = { ...own, ...(promise === undefined ? {} : { plan: promise }), ...keptOf(news) };
    const plan = checked?.plan;
    if (failures.length === 0 && plan !== undefined) {
      if (plan.action === 'blocked' || plan.action === 'error') failures.push({ property: placeOf(news), reason: refusal(plan).message });
      else if (!announced.has(urn)) announce(plugin.log, urn, plan);
      announced.add(urn);
    }
    return { inputs, failures };
  } catch (error) {
    return { inputs: news, failures: [{ property: '', reason: textOf(error, 'Check') }] };
  } finally {
    await plugin.log.flush();
  }
}

export async function diff(id: string, olds: Properties, news: Properties): Promise<{ changes: boolean; replaces: string[] }> {
  const { urn, ignoreChanges } = hiddenOf(news);
  return quietly('Diff', async () => {
    const request = new DiffRequest()
      .setId(id)
      .setUrn(urn)
      .setOldInputs(declaredStruct(lastInputs.get(urn) ?? {}))
      .setOlds(declaredStruct(olds))
      .setNews(declaredStruct(news))
      .setIgnorechangesList([...ignoreChanges]);
    const response = await diffProperties(plugin, request);
    // Of the plugin, under an alias: only an update stores the provider, without which there is no refresh and no delete.
    const lacksProvider = olds['__provider'] === undefined;
    return { changes: lacksProvider || response.getChanges() === DiffResponse.DiffChanges.DIFF_SOME, replaces: response.getReplacesList() };
  });
}

export async function create(inputs: Properties): Promise<{ id: string; outs: Properties }> {
  const { urn } = hiddenOf(inputs);
  const request = new CreateRequest().setUrn(urn).setProperties(declaredStruct(inputs));
  const response = await effect('Create', inputs, (stop) => lifecycle.create(plugin, request, stop));
  return { id: response.getId(), outs: answered(response.getProperties(), inputs) };
}

export async function update(id: string, olds: Properties, news: Properties): Promise<{ outs: Properties }> {
  const { urn } = hiddenOf(news);
  const request = new UpdateRequest().setId(id).setUrn(urn).setOlds(declaredStruct(olds)).setNews(declaredStruct(news));
  const response = await effect('Update', news, (stop) => lifecycle.update(plugin, request, stop));
  return { outs: answered(response.getProperties(), news) };
}

export async function remove(id: string, props: Properties): Promise<void> {
  const { urn } = hiddenOf(props);
  const request = new DeleteRequest().setId(id).setUrn(urn).setProperties(declaredStruct(props));
  await effect('Delete', props, (stop) => lifecycle.remove(plugin, request, stop));
}

/** The inputs stay as they are: this protocol does not tell them, and only all of them could be returned. */
export async function read(id: string, props: Properties): Promise<{ id: string; props: Properties }> {
  const { urn } = hiddenOf(props);
  return quietly('Read', async () => {
    await opened;
    const request = new ReadRequest()
      .setId(id)
      .setUrn(urn)
      .setProperties(declaredStruct(props))
      .setInputs(toStruct({ vm: props['vm'] }));
    try {
      const response = await readVm(plugin, request);
      return { id: response.getId(), props: answered(response.getProperties(), props) };
    } catch (error) {
      // A move that failed or was parked cannot be told as such by a reading; the next diff finds it in `phase`.
      if (error instanceof InitFailed) return { id: error.id, props: answered(toStruct(error.properties), props) };
      throw error;
    }
  });
}

/** What failed in part is kept with all that the next call needs: this protocol stores the properties as they are. */
function effect<T>(name: string, properties: Properties, work: (stop: Stop) => Promise<T>): Promise<T> {
  return quietly(
    name,
    async () => {
      await opened;
      return plugin.running.run(
        (stopper) => work(stopper.stop),
        () => undefined,
      );
    },
    (error) =>
      error instanceof InitFailed
        ? { id: error.id, properties: answered(toStruct(error.properties), properties), reasons: [textOf(error, name)] }
        : {},
  );
}

/** Errors in our words, after what was said before. The server prints stacks too, in which there is nothing for a person. */
async function quietly<T>(name: string, work: () => Promise<T>, details: (error: unknown) => object = () => ({})): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw Object.assign(new Error(textOf(error, name), { cause: error }), { stack: '', ...details(error) });
  } finally {
    await plugin.log.flush();
  }
}

const textOf = (error: unknown, where: string): string => serviceError(error, where).details;

const placeOf = (inputs: Properties): string => ['host', 'hosts', 'cluster'].find((name) => inputs[name] !== undefined) ?? 'vm';
