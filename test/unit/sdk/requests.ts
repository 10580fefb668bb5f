/** What a program sends to the engine, as it sends it: Pulumi's own mocks show neither secrets nor unknowns, nor the options. */
import * as pulumi from '@pulumi/pulumi';

export interface Sent {
  readonly type: string;
  readonly name: string;
  /** Secrets and unknowns in their wire form. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly additionalSecretOutputs: readonly string[];
  readonly version: string;
  readonly provider: string;
  readonly urn: string;
}

export const unknown = pulumi.runtime.unknownValue;
export const secretOf = (value: unknown): object => ({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialSecretSig, value });

export interface Engine {
  readonly mode: 'preview' | 'update';
  /** What the provider answers besides the inputs. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly call?: (token: string, inputs: Readonly<Record<string, unknown>>) => Record<string, unknown>;
}

/** The part of Pulumi's mock monitor that is watched here. */
interface Monitor {
  registerResource(request: Request, answer: (error: unknown, response?: { getUrn(): string }) => void): void;
}
interface Request {
  getType(): string;
  getName(): string;
  getVersion(): string;
  getProvider(): string;
  getAdditionalsecretoutputsList(): string[];
  getObject(): { toJavaScript(): Record<string, unknown> };
}

/** Runs a program and gives all that it registered, once everything has been answered. */
export async function requestsOf(program: () => unknown, engine: Engine = { mode: 'update' }): Promise<Sent[]> {
  const sent: Sent[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: { ...inputs, ...engine.outputs } }),
      call: ({ token, inputs }) => engine.call?.(token, inputs) ?? {},
    },
    'shop',
    'prod',
    engine.mode === 'preview',
  );
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, answer) =>
    register(request, (error, response) => {
      sent.push({
        type: request.getType(),
        name: request.getName(),
        inputs: request.getObject().toJavaScript(),
        additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
        version: request.getVersion(),
        provider: request.getProvider(),
        urn: response?.getUrn() ?? '',
      });
      answer(error, response);
    });
  await program();
  await pulumi.runtime.disconnect();
  return sent;
}

/** The value of an output, and whether it is a secret. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply(resolve));
}
