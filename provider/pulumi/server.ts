/** The gRPC server of the provider: which call goes where. */
import { Server, ServerCredentials, type UntypedServiceImplementation, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { Counters } from './counters.js';
import { serviceError } from './errors.js';
import { messageLimits } from './limits.js';
import { newPlugin, type Plugin } from './plugin.js';
import { Empty, GetSchemaResponse, PluginInfo, ProviderHandshakeResponse, ResourceProviderService, type provider } from './proto.js';
import type { Stop, Stopper } from './running.js';
import type { ServingProcess } from './shutdown.js';

export interface RunningServer extends Required<ServingProcess> {
  readonly port: number;
}

/** Listens on a free port of this machine only. */
export async function serve(engineAddress: string, version: string, counters: Counters | null = null): Promise<RunningServer> {
  const plugin = newPlugin(counters);
  plugin.log.connect(engineAddress);
  const server = new Server(messageLimits);
  const abandoned = new AbortController();
  server.addService(ResourceProviderService, handlers({ plugin, version, abandoned: () => abandoned.abort() }));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, plugin, abandoned: abandoned.signal, stop: () => server.forceShutdown() };
}

type Handler<Request, Response> = (request: Request, stopper: Stopper) => Promise<Response>;

interface Serving {
  readonly plugin: Plugin;
  readonly version: string;
  readonly abandoned: () => void;
}

/** What a plugin process is started for is often only its schema: each group of calls is loaded when it is first used. */
function handlers(serving: Serving): UntypedServiceImplementation {
  const { plugin, version } = serving;
  /** Has effects: told to stop, it ends by itself at a safe point. */
  const effect = <Request, Response>(name: string, handler: (request: Request, stop: Stop) => Promise<Response>) =>
    unary<Request, Response>(serving, name, (request, stopper) => handler(request, stopper.stop));
  /** Only reads: told to stop, nobody waits for it. */
  const call = <Request, Response>(name: string, handler: (request: Request) => Promise<Response>) =>
    unary<Request, Response>(serving, name, (request, stopper) => stopper.orInterrupted(handler(request)));
  const config = once(() => import('./config.js'));
  const checks = once(() => import('./check.js'));
  const lifecycle = once(() => import('./lifecycle.js'));
  // A call that is not listed here answers UNIMPLEMENTED, which the engine knows how to take.
  return {
    handshake: call('Handshake', async (request: provider.ProviderHandshakeRequest) => {
      plugin.log.connect(request.getEngineAddress());
      // Not accepting secrets makes the engine mark again, by path, what was secret; see codec.ts.
      return new ProviderHandshakeResponse().setAcceptSecrets(false).setAcceptResources(false).setAcceptOutputs(false);
    }),
    getPluginInfo: call('GetPluginInfo', async () => new PluginInfo().setVersion(version)),
    getSchema: call('GetSchema', async () => {
      const { pulumiSchema } = await import('../../schema/generated/pulumi-schema.js');
      return new GetSchemaResponse().setSchema(JSON.stringify(pulumiSchema));
    }),
    attach: call('Attach', async (request: { getAddress(): string }) => {
      plugin.log.connect(request.getAddress());
      return new Empty();
    }),
    cancel: effect('Cancel', async () => {
      plugin.running.interrupt('The update was cancelled.');
      return new Empty();
    }),
    checkConfig: call('CheckConfig', async (request: provider.CheckRequest) => (await config()).checkConfig(request)),
    diffConfig: call('DiffConfig', async (request: provider.DiffRequest) => (await config()).diffConfig(request)),
    configure: call('Configure', async (request: provider.ConfigureRequest) => (await config()).configure(plugin, request)),
    check: call('Check', async (request: provider.CheckRequest) => (await checks()).check(plugin, request)),
    diff: call('Diff', async (request: provider.DiffRequest) => (await checks()).diff(plugin, request)),
    create: effect('Create', async (request: provider.CreateRequest, stop) => (await lifecycle()).create(plugin, request, stop)),
    update: effect('Update', async (request: provider.UpdateRequest, stop) => (await lifecycle()).update(plugin, request, stop)),
    delete: effect('Delete', async (request: provider.DeleteRequest, stop) => (await lifecycle()).remove(plugin, request, stop)),
    read: call('Read', async (request: provider.ReadRequest) => (await import('./read.js')).read(plugin, request)),
    invoke: call('Invoke', async (request: provider.InvokeRequest) => (await import('./invoke.js')).invoke(plugin, request)),
  };
}

/** To ask the loader each time, whose answer comes over many turns, would be a good part of a Check. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | null = null;
  return () => (loading ??= load());
}

function unary<Request, Response>({ plugin, abandoned }: Serving, name: string, uncounted: Handler<Request, Response>) {
  const { counters } = plugin;
  const handler: Handler<Request, Response> =
    counters === null ? uncounted : (request, stopper) => counters.call(name, () => uncounted(request, stopper));
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    let working = true;
    const watched = (stopper: Stopper) => {
      // The engine died, or its connection; grpc says so also a moment after every normal end.
      call.on('cancelled', () => {
        if (!working) return;
        stopper.halt('The engine is gone.');
        abandoned();
      });
    };
    plugin.running
      .run((stopper) => handler(call.request, stopper), watched)
      .then(
        async (response) => {
          await plugin.log.flush();
          working = false;
          callback(null, response);
        },
        async (error: unknown) => {
          await plugin.log.flush();
          working = false;
          callback(serviceError(error, name));
        },
      )
      .catch((error: unknown) => callback(serviceError(error, name)));
  };
}
