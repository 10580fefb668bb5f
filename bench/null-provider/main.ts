#!/usr/bin/env node
/**
 * The least provider that speaks the engine's protocol: the same schema, the same gRPC library and the same messages as ours, and
 * nothing behind it. What a command takes with it is what the engine, the YAML host and gRPC take.
 */
import process from 'node:process';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { countersTo } from '../../provider/pulumi/counters.js';
import { messageLimits } from '../../provider/pulumi/limits.js';
import {
  CheckResponse,
  ConfigureResponse,
  CreateResponse,
  DiffResponse,
  Empty,
  GetSchemaResponse,
  PluginInfo,
  ProviderHandshakeResponse,
  ReadResponse,
  ResourceProviderService,
  UpdateResponse,
  type provider,
} from '../../provider/pulumi/proto.js';

const folder = process.env['VMPLACEMENT_COUNTERS'] ?? '';
const counters = folder === '' ? null : countersTo(folder);

const server = new Server(messageLimits);
server.addService(ResourceProviderService, {
  handshake: answer('Handshake', () =>
    new ProviderHandshakeResponse().setAcceptSecrets(false).setAcceptResources(false).setAcceptOutputs(false),
  ),
  getPluginInfo: answer('GetPluginInfo', () => new PluginInfo().setVersion('0.0.0')),
  getSchema: answer('GetSchema', async () => {
    const { pulumiSchema } = await import('../../schema/generated/pulumi-schema.js');
    return new GetSchemaResponse().setSchema(JSON.stringify(pulumiSchema));
  }),
  cancel: answer('Cancel', () => new Empty()),
  checkConfig: answer('CheckConfig', (request: provider.CheckRequest) => new CheckResponse().setInputs(request.getNews())),
  diffConfig: answer('DiffConfig', unchanged),
  configure: answer('Configure', () =>
    new ConfigureResponse().setAcceptsecrets(false).setAcceptresources(false).setAcceptoutputs(false).setSupportspreview(true),
  ),
  check: answer('Check', (request: provider.CheckRequest) => new CheckResponse().setInputs(request.getNews())),
  diff: answer('Diff', unchanged),
  create: answer('Create', (request: provider.CreateRequest) =>
    new CreateResponse().setId(request.getPreview() ? '' : request.getUrn()).setProperties(request.getProperties()),
  ),
  read: answer('Read', (request: provider.ReadRequest) =>
    new ReadResponse().setId(request.getId()).setProperties(request.getProperties()).setInputs(request.getInputs()),
  ),
  update: answer('Update', (request: provider.UpdateRequest) => new UpdateResponse().setProperties(request.getNews())),
  delete: answer('Delete', () => new Empty()),
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(0));
  process.stdin.on('end', () => process.exit(0)).resume();
  counters?.listening();
  process.stdout.write(`${port}\n`);
});

function unchanged(): provider.DiffResponse {
  return new DiffResponse().setChanges(DiffResponse.DiffChanges.DIFF_NONE).setHasdetaileddiff(true);
}

function answer<Request, Response>(name: string, handler: (request: Request) => Response | Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    const work = async (): Promise<Response> => handler(call.request);
    (counters === null ? work() : counters.call(name, work)).then(
      (response) => callback(null, response),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
    );
  };
}
