/** The gRPC server of the provider: which call goes where. */
import { Server, ServerCredentials, type UntypedServiceImplementation, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { PlacementError } from '../core/errors.js';
import { serviceError } from './errors.js';
import { messageLimits } from './limits.js';
import { newPlugin, type Plugin } from './plugin.js';
import { Empty, GetSchemaResponse, PluginInfo, ProviderHandshakeResponse, ResourceProviderService, type provider } from './proto.js';

export interface RunningServer {
  readonly port: number;
  readonly plugin: Plugin;
  /** Takes no more calls and ends the open ones at once. */
  stop(): void;
}

/** Listens on a free port of this machine only. */
export async function serve(engineAddress: string, version: string): Promise<RunningServer> {
  const plugin = newPlugin();
  plugin.log.connect(engineAddress);
  const server = new Server(messageLimits);
  server.addService(ResourceProviderService, handlers(plugin, version));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, plugin, stop: () => server.forceShutdown() };
}

type Handler<Request, Response> = (request: Request, signal: AbortSignal) => Promise<Response>;

/** What a plugin process is started for is often only its schema: each group of calls is loaded when it is first used. */
function handlers(plugin: Plugin, version: string): UntypedServiceImplementation {
  /** Has effects: told to stop, it ends by itself at a safe point. */
  const effect = <Request, Response>(name: string, handler: Handler<Request, Response>) => unary(plugin, name, handler);
  /** Only reads: told to stop, nobody waits for it. */
  const call = <Request, Response>(name: string, handler: Handler<Request, Response>) =>
    unary<Request, Response>(plugin, name, (request, signal) => Promise.race([handler(request, signal), stopped(signal)]));
  const config = () => import('./config.js');
  const lifecycle = () => import('./lifecycle.js');
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
      plugin.running.abort('The update was cancelled.');
      return new Empty();
    }),
    checkConfig: call('CheckConfig', async (request: provider.CheckRequest) => (await config()).checkConfig(request)),
    diffConfig: call('DiffConfig', async (request: provider.DiffRequest) => (await config()).diffConfig(request)),
    configure: call('Configure', async (request: provider.ConfigureRequest) => (await config()).configure(plugin, request)),
    check: call('Check', async (request: provider.CheckRequest) => (await import('./check.js')).check(plugin, request)),
    diff: call('Diff', async (request: provider.DiffRequest) => (await import('./check.js')).diff(plugin, request)),
    create: effect('Create', async (request: provider.CreateRequest, signal) => (await lifecycle()).create(plugin, request, signal)),
    update: effect('Update', async (request: provider.UpdateRequest, signal) => (await lifecycle()).update(plugin, request, signal)),
    delete: effect('Delete', async (request: provider.DeleteRequest, signal) => (await lifecycle()).remove(plugin, request, signal)),
    read: call('Read', async (request: provider.ReadRequest) => (await import('./read.js')).read(plugin, request)),
    invoke: call('Invoke', async (request: provider.InvokeRequest) => (await import('./invoke.js')).invoke(plugin, request)),
  };
}

const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

function unary<Request, Response>(plugin: Plugin, name: string, handler: Handler<Request, Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    let working = true;
    const watched = (controller: AbortController) => {
      // The engine died, or its connection; grpc says so also a moment after every normal end.
      call.on('cancelled', () => {
        if (working) controller.abort(new PlacementError('interrupted', 'The engine is gone.'));
      });
    };
    plugin.running
      .run((signal) => handler(call.request, signal), watched)
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
