/**
 * The generated messages of the engine's protocol. They are CommonJS without names that an ES module could import, hence the
 * default imports, once, here.
 */
import engineService from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engineMessages from '@pulumi/pulumi/proto/engine_pb.js';
import pluginMessages from '@pulumi/pulumi/proto/plugin_pb.js';
import providerService from '@pulumi/pulumi/proto/provider_grpc_pb.js';
import providerMessages from '@pulumi/pulumi/proto/provider_pb.js';
import statusMessages from '@pulumi/pulumi/proto/status_pb.js';
import anyMessages from 'google-protobuf/google/protobuf/any_pb.js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import structMessages from 'google-protobuf/google/protobuf/struct_pb.js';

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
  CheckResponse,
  ConfigureResponse,
  CreateResponse,
  DiffResponse,
  ErrorResourceInitFailed,
  GetSchemaResponse,
  InvokeResponse,
  PropertyDiff,
  ProviderHandshakeResponse,
  ReadResponse,
  UpdateResponse,
} = providerMessages;
