/** What the generated classes have in common. */
import * as pulumi from '@pulumi/pulumi';

/** @throws when a required property was not given. TypeScript says so earlier, JavaScript does not. */
export function requireProperties(args: object | undefined, ...names: string[]): void {
  const given = new Map<string, unknown>(Object.entries(args ?? {}));
  for (const name of names) if (given.get(name) === undefined) throw new Error(`Missing required property '${name}'`);
}

/** Hidden in all that Pulumi prints, and encrypted in the state. */
export function secret<T>(value: pulumi.Input<T>): pulumi.Output<pulumi.Unwrap<T>> | undefined {
  return value === undefined ? undefined : pulumi.secret(value);
}

/** The engine takes only strings as configuration of a provider. */
export function json(value: pulumi.Input<unknown>): pulumi.Output<string> | undefined {
  return value === undefined ? undefined : pulumi.output(value).apply((known) => JSON.stringify(known));
}

/** By its type token and not by its class: several copies of this package may be loaded. */
export function isOfType(obj: unknown, type: string): boolean {
  return typeof obj === 'object' && obj !== null && '__pulumiType' in obj && obj.__pulumiType === type;
}
