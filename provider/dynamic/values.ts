/** Property values as the dynamic provider's server passes them (plain JavaScript) <-> as the handlers of the plugin take them. */
import process from 'node:process';
import { isRecord, isUnknownValue, fromStruct, toStruct, unknownString, type Properties } from '../pulumi/codec.js';
import type { StructType } from '../pulumi/proto.js';
import { dynamicType } from '../pulumi/urn.js';

/** What `DynamicPlacement` adds to the inputs, since this protocol does not tell it to the provider. */
export interface Hidden {
  readonly urn: string;
  readonly ignoreChanges: readonly string[];
}

export function hiddenOf(properties: Properties): Hidden {
  const [urn, ignored] = [properties['__urn'], properties['__ignoreChanges']];
  return {
    urn: typeof urn === 'string' && urn !== unknownString ? urn : unnamed(properties['vm']),
    ignoreChanges: Array.isArray(ignored) ? ignored.filter((path) => typeof path === 'string') : [],
  };
}

/** Of a resource whose parent is not known yet, or of a class that is not ours: unambiguous all the same, since one VM has one placement. */
const unnamed = (vm: unknown): string => {
  const { PULUMI_NODEJS_STACK: stack = 'stack', PULUMI_NODEJS_PROJECT: project = 'project' } = process.env;
  return `urn:pulumi:${stack}::${project}::${dynamicType}::${typeof vm === 'string' ? vm : 'unknown'}`;
};

/** Without the properties that Pulumi and `DynamicPlacement` keep for themselves. */
export const declaredStruct = (properties: Properties): StructType =>
  toStruct(Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith('__'))));

/** The answer of a handler, with what is kept beside it. */
export const answered = (struct: StructType | undefined, properties: Properties): Properties => ({
  ...plain(struct),
  ...keptOf(properties),
});

export const keptOf = (properties: Properties): Properties =>
  Object.fromEntries(Object.entries(properties).filter(([name]) => name.startsWith('__')));

export const plain = (struct: StructType | undefined): Record<string, unknown> => Object.fromEntries(entries(fromStruct(struct)));

const entries = (properties: Properties): [string, unknown][] =>
  Object.entries(properties).map(([name, value]) => [name, plainValue(value)]);

function plainValue(value: unknown): unknown {
  if (isUnknownValue(value)) return unknownString;
  if (Array.isArray(value)) return value.map(plainValue);
  return isRecord(value) ? Object.fromEntries(entries(value)) : value;
}
