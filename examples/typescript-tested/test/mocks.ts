import * as pulumi from '@pulumi/pulumi';

/** What a program registered: the inputs of a placement, by the name of the resource. */
export interface Registered {
  type: string;
  inputs: Record<string, unknown>;
}

/**
 * Takes the engine's place. Mocks run no provider: there is no plan and no check, and a placement's outputs are what is returned here.
 * `outputs` are those of single VMs, e.g. one whose staged move waits.
 */
export async function mockEngine(outputs: Record<string, Record<string, unknown>> = {}): Promise<Map<string, Registered>> {
  const registered = new Map<string, Registered>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        // `__provider`, `__urn`: what a dynamic resource keeps for itself.
        const declared = Object.entries(inputs as Record<string, unknown>).filter(([key]) => !key.startsWith('__'));
        registered.set(name, { type, inputs: Object.fromEntries(declared) });
        return { id: `id of ${name}`, state: { phase: 'Settled', power: 'running', ...inputs, ...outputs[name] } };
      },
      call: ({ token }) => {
        throw new Error(`no answer to ${token} in this test`);
      },
    },
    'fleet',
    'test',
    false,
  );
  return registered;
}

/** Resolves when it is known. */
export const valueOf = <T>(output: pulumi.Output<T>): Promise<T> => new Promise((resolve) => void output.apply(resolve));
