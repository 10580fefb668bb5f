/**
 * The generated messages of the engine's protocol. They are CommonJS without names that an ES module could import, and large: required,
 * they load in half the time that `import` takes, which first searches them for names. Every command starts this two or three times.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
const engineService = load('@pulumi/pulumi/proto/engine_grpc_pb.js') as typeof import('@pulumi/pulumi/proto/engine_grpc_pb.js');
const engineMessages = load('@pulumi/pulumi/proto/engine_pb.js') as typeof import('@pulumi/pulumi/proto/engine_pb.js');
const pluginMessages = load('@pulumi/pulumi/proto/plugin_pb.js') as typeof import('@pulumi/pulumi/proto/plugin_pb.js');
const providerService = load('@pulumi/pulumi/proto/provider_grpc_pb.js') as typeof import('@pulumi/pulumi/proto/provider_grpc_pb.js');
const providerMessages = load('@pulumi/pulumi/proto/provider_pb.js') as typeof import('@pulumi/pulumi/proto/provider_pb.js');
const statusMessages = load('@pulumi/pulumi/proto/status_pb.js') as typeof import('@pulumi/pulumi/proto/status_pb.js');
const anyMessages = load('google-protobuf/google/protobuf/any_pb.js') as typeof import('google-protobuf/google/protobuf/any_pb.js');
const emptyMessages = load('google-protobuf/google/protobuf/empty_pb.js') as typeof import('google-protobuf/google/protobuf/empty_pb.js');
const structMessages = load(
  'google-protobuf/google/protobuf/struct_pb.js',
) as typeof import('google-protobuf/google/protobuf/struct_pb.js');

export type * as provider from '@pulumi/pulumi/proto/provider_pb.js';
export type { EngineClient as EngineClientType } from '@pulumi/pulumi/proto/engine_grpc_pb.js';
export type { Struct as StructType, Value as ValueType } from 'google-protobuf/google/protobuf/struct_pb.js';

export const { ResourceProviderService } = providerService;
export const { EngineClient } = engineService;
export const { LogRequest, LogSeverity } = engineMessages;
export const { PluginInfo } = pluginMessages;
export const { Status } = statusMessages;
export const { Any } = anyMessages;
export const { Empty } = emptyMessages;
export const { Struct, Value, ListValue, NullValue } = structMessages;
export const {
  CheckFailure,
  CheckRequest,
  CheckResponse,
  ConfigureRequest,
  ConfigureResponse,
  CreateRequest,
  CreateResponse,
  DeleteRequest,
  DiffRequest,
  DiffResponse,
  ErrorResourceInitFailed,
  GetSchemaResponse,
  InvokeResponse,
  PropertyDiff,
  ProviderHandshakeResponse,
  ReadRequest,
  ReadResponse,
  UpdateRequest,
  UpdateResponse,
} = providerMessages;
