import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import services from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import type { PluginInfo } from '@pulumi/pulumi/proto/plugin_pb.js';
import type * as wire from '@pulumi/pulumi/proto/provider_pb.js';
import messages from '@pulumi/pulumi/proto/provider_pb.js';
import statusMessages from '@pulumi/pulumi/proto/status_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromStruct, toStruct, unknownValue, type Properties } from '../../../provider/pulumi/codec.js';
import { serviceError, InitFailed } from '../../../provider/pulumi/errors.js';
import { serve, type RunningServer } from '../../../provider/pulumi/server.js';
import { stackOf } from '../../../provider/pulumi/urn.js';

const urn = 'urn:pulumi:dev::fleet::vmplacement:index:Placement::web';
const providerUrn = 'urn:pulumi:dev::fleet::pulumi:providers:vmplacement::default';
const store = mkdtempSync(join(tmpdir(), 'vmplacement-server-'));
const embedded = {
  clock: 'manual',
  store,
  clusters: { a: { hosts: { a1: {}, a2: {} } } },
  vms: { 'web-01': { host: 'a1' } },
};

let server: RunningServer;
let client: InstanceType<typeof services.ResourceProviderClient>;

beforeAll(async () => {
  server = await serve('', '1.2.3');
  client = new services.ResourceProviderClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
});
afterAll(() => {
  client.close();
  server.stop();
  rmSync(store, { recursive: true, force: true });
});

type Call<Response> = (request: unknown, done: (error: ServiceError | null, response: Response) => void) => unknown;

/** One call, as a promise. The client's methods are overloaded beyond what can be inferred, so the answer's type is said. */
function asked<Response>(method: unknown, request: unknown): Promise<Response> {
  return new Promise((resolve, reject) => {
    (method as Call<Response>).call(client, request, (error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

const check = async (news: Properties, of = urn) => {
  const response = await asked<wire.CheckResponse>(client.check, new messages.CheckRequest().setUrn(of).setNews(toStruct(news)));
  return { inputs: fromStruct(response.getInputs()), failures: response.getFailuresList().map((failure) => failure.getProperty()) };
};

describe('before it is configured', () => {
  test('it introduces itself, with secrets left to the engine', async () => {
    const answer = await asked<wire.ProviderHandshakeResponse>(client.handshake, new messages.ProviderHandshakeRequest());
    expect([answer.getAcceptSecrets(), answer.getAcceptOutputs(), answer.getAcceptResources()]).toEqual([false, false, false]);
    expect((await asked<PluginInfo>(client.getPluginInfo, new empty.Empty())).getVersion()).toBe('1.2.3');
    const schema = await asked<wire.GetSchemaResponse>(client.getSchema, new messages.GetSchemaRequest());
    expect(JSON.parse(schema.getSchema())).toMatchObject({ name: 'vmplacement' });
  });
  test('what it does not do it says so', async () => {
    await expect(asked(client.getMapping, new messages.GetMappingRequest())).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });
  test('a configuration is checked, flat or as JSON text, and never asks for a replacement', async () => {
    const bad = new messages.CheckRequest().setNews(toStruct({ embedded: JSON.stringify({ clusters: { a: { hosts: [] } } }) }));
    const failures = (await asked<wire.CheckResponse>(client.checkConfig, bad)).getFailuresList();
    expect(failures.map((failure) => failure.getProperty())).toEqual(['embedded.clusters.a.hosts']);
    const changed = new messages.DiffRequest()
      .setOldInputs(toStruct({ memoryReserve: '1GiB', alwaysRefresh: 'true' }))
      .setNews(toStruct({ memoryReserve: '2GiB', datacenterFile: 'x' }));
    const diff = await asked<wire.DiffResponse>(client.diffConfig, changed);
    expect(diff.getChanges()).toBe(messages.DiffResponse.DiffChanges.DIFF_SOME);
    expect(diff.getDiffsList()).toEqual(['alwaysRefresh', 'datacenterFile', 'memoryReserve']);
    expect(diff.getReplacesList()).toEqual([]);
  });
  test('a configuration that is not all known is taken without reading, and nothing can be planned', async () => {
    await asked(client.configure, new messages.ConfigureRequest().setUrn(providerUrn).setArgs(toStruct({ datacenterFile: unknownValue })));
    expect((await check({ vm: 'web-01', host: 'a1' })).inputs['plan']).toBe(unknownValue);
  });
  test('a configuration that cannot be used is refused with the property', async () => {
    const request = new messages.ConfigureRequest().setUrn(providerUrn).setArgs(toStruct({ datacenterFile: '/nowhere.yaml' }));
    await expect(asked(client.configure, request)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('/nowhere.yaml') as string,
    });
  });
});

describe('configured', () => {
  beforeAll(async () => {
    const answer = await asked<wire.ConfigureResponse>(
      client.configure,
      new messages.ConfigureRequest().setUrn(providerUrn).setArgs(toStruct({ embedded })),
    );
    expect(answer.getSupportspreview()).toBe(true);
  });

  test('a declaration is checked with the path of what is wrong', async () => {
    expect((await check({ vm: 'web-01', host: 'a1', hosts: ['a1', 7] })).failures).toContain('hosts[1]');
  });
  test('one VM has one placement', async () => {
    await check({ vm: 'web-01', host: 'a1' });
    expect((await check({ vm: 'web-01', host: 'a2' }, 'urn:pulumi:dev::shop::vmplacement:index:Placement::twin')).failures).toEqual(['vm']);
  });
  test('a move is promised, a stay is not', async () => {
    const stays = await check({ vm: 'web-01', host: 'a1' });
    expect(stays.inputs).toEqual({ vm: 'web-01', host: 'a1', onDestroy: expect.any(String) as string });
    expect(stays.inputs).not.toHaveProperty('plan');
    expect((await check({ vm: 'web-01', host: 'a2' })).inputs['plan']).toMatch(/^hot: a\/a1 -> a\/a2; /);
    expect((await check({ vm: 'web-01', host: unknownValue })).inputs['plan']).toBe(unknownValue);
    expect((await check({ vm: 'web-01', host: 'a1', plan: 'of yesterday' })).inputs['plan']).toBeUndefined();
  });
  test('it is adopted, read, moved only as promised, and let go', async () => {
    const { inputs } = await check({ vm: 'web-01', host: 'a1' });
    const created = await asked<wire.CreateResponse>(
      client.create,
      new messages.CreateRequest().setUrn(urn).setProperties(toStruct(inputs)),
    );
    const olds = fromStruct(created.getProperties());
    expect(olds).toMatchObject({ host: 'a1', phase: 'Settled', vmId: created.getId() });

    const read = new messages.ReadRequest()
      .setUrn(urn)
      .setId(created.getId())
      .setInputs(toStruct({ ...inputs, plan: 'old' }))
      .setProperties(toStruct(olds));
    expect(fromStruct((await asked<wire.ReadResponse>(client.read, read)).getInputs())).toEqual(inputs);

    const update = new messages.UpdateRequest().setUrn(urn).setId(created.getId()).setOlds(toStruct(olds));
    const promisedNothing = update.clone().setNews(toStruct({ vm: 'web-01', host: 'a2' }));
    await check({ vm: 'web-01', host: 'a2' });
    await expect(asked<wire.UpdateResponse>(client.update, promisedNothing)).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('web-01: reality changed') as string,
    });
    const promised = update.clone().setNews(toStruct((await check({ vm: 'web-01', host: 'a2' })).inputs));
    const preview = await asked<wire.UpdateResponse>(client.update, promised.clone().setPreview(true));
    expect(fromStruct(preview.getProperties())).toMatchObject({ vm: 'web-01', host: 'a2', phase: unknownValue });
    const updated = await asked<wire.UpdateResponse>(client.update, promised);
    expect(fromStruct(updated.getProperties())).toMatchObject({ host: 'a2', phase: 'Settled' });

    await asked(client.delete, new messages.DeleteRequest().setUrn(urn).setId(created.getId()).setProperties(updated.getProperties()));
  });
  test('a VM that is absent reads as deleted', async () => {
    expect((await asked<wire.ReadResponse>(client.read, new messages.ReadRequest().setUrn(urn).setId('ghost-01'))).getId()).toBe('');
  });
  test('a function answers or says what is wrong', async () => {
    const invoke = (tok: string, args: Properties) =>
      asked<wire.InvokeResponse>(client.invoke, new messages.InvokeRequest().setTok(`vmplacement:index:${tok}`).setArgs(toStruct(args)));
    expect(fromStruct((await invoke('getPlan', { vm: 'web-01', host: 'a1' })).getReturn())).toMatchObject({
      action: 'move',
      method: 'hot',
      to: 'a/a1',
    });
    expect((await invoke('getPlacement', { vm: 'ghost-01' })).getFailuresList().map((failure) => failure.getProperty())).toEqual(['vm']);
    await expect(invoke('getWeather', {})).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
  test('cancelling when nothing is at work is nothing', async () => {
    await asked(client.cancel, new empty.Empty());
    expect((await check({ vm: 'web-01' })).failures).toEqual([]);
  });
});

test('a partial failure carries the true properties to the engine', () => {
  const error = serviceError(new InitFailed('id-1', { host: 'a1' }, 'web-01: half done', true), 'Update');
  const bytes = error.metadata.get('grpc-status-details-bin')[0] as Buffer;
  const [any] = statusMessages.Status.deserializeBinary(bytes).getDetailsList();
  expect(any!.getTypeUrl()).toBe('type.googleapis.com/pulumirpc.ErrorResourceInitFailed');
  const detail = messages.ErrorResourceInitFailed.deserializeBinary(any!.getValue_asU8());
  expect(detail.getReasonsList()).toEqual(['web-01: half done']);
  expect([detail.getId(), detail.getRefreshBeforeUpdate()]).toEqual(['id-1', true]);
  expect(fromStruct(detail.getProperties())).toEqual({ host: 'a1' });
});

test('a stack is named as claims name it', () => {
  expect(stackOf(urn)).toBe('organization/fleet/dev');
});
