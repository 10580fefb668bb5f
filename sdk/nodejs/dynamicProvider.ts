/** What a dynamic resource needs besides the inputs that it shares with the plugin's. */
import { createRequire } from 'node:module';
import * as pulumi from '@pulumi/pulumi';
import { Provider } from './provider.js';

/**
 * The exports of the CommonJS module itself: Pulumi writes the provider of a dynamic resource into the state, and this object alone as a
 * mere `require` of the package. Loaded when the first resource is made, since most programs make none.
 */
export function dynamicProvider(): pulumi.dynamic.ResourceProvider {
  return createRequire(import.meta.url)('pulumi-vmplacement/dynamic.cjs') as pulumi.dynamic.ResourceProvider;
}

/**
 * What the engine tells a plugin but no dynamic provider: which resource it is, and which changes are ignored. The display of Pulumi
 * leaves out names that begin with two underscores.
 */
export function hiddenInputs(name: string, type: string, opts: pulumi.CustomResourceOptions): pulumi.Inputs {
  return {
    __urn: urnOf(name, type, opts.parent),
    ...(opts.ignoreChanges === undefined ? {} : { __ignoreChanges: opts.ignoreChanges }),
  };
}

/**
 * A promise, because an output would carry a dependency on the parent. That means on all children of a component, of which this resource
 * is one: two of them would wait for each other for ever.
 */
function urnOf(name: string, type: string, parent: pulumi.Resource | undefined): Promise<string> {
  return new Promise((resolve) => {
    pulumi.createUrn(name, type, parent).apply(resolve);
  });
}

/** @throws where an option could only fail later, and say less: the protocol of dynamic providers knows neither. */
export function refuseOptions(name: string, opts: pulumi.CustomResourceOptions): void {
  if (opts.import !== undefined) {
    throw new Error(
      `DynamicPlacement '${name}' cannot be imported, and need not be: its creation adopts the VM that exists. Leave out the option 'import', or use Placement.`,
    );
  }
  if (opts.id !== undefined) {
    throw new Error(`DynamicPlacement '${name}' cannot be read by its id. Leave out the option 'id', or use Placement.get.`);
  }
  if (Provider.isInstance(opts.provider)) {
    throw new Error(
      `DynamicPlacement '${name}' cannot use a Provider: its configuration is the stack's ('pulumi config set vmplacement:...'). Leave out the option 'provider', or use Placement.`,
    );
  }
}
