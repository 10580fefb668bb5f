/**
 * Property values of the engine (google.protobuf.Struct) <-> plain JavaScript.
 * Secrets and output values are unwrapped wherever they are: this provider tells the engine that it understands neither, yet
 * `Configure` wraps secrets always. What is secret is marked again by the engine, by path.
 */
import { PlacementError } from '../core/errors.js';
import { ListValue, NullValue, Struct, Value, type StructType, type ValueType } from './proto.js';

export type Properties = Readonly<Record<string, unknown>>;

/** A value that is not known in a preview. One object, so that it is compared by identity and cannot be mistaken for data. */
export const unknownValue: unique symbol = Symbol('unknown');

export const isUnknownValue = (value: unknown): value is typeof unknownValue => value === unknownValue;

/** Whether something in it is not known. */
export function containsUnknown(value: unknown): boolean {
  if (value === unknownValue) return true;
  if (Array.isArray(value)) return value.some(containsUnknown);
  return isRecord(value) && Object.values(value).some(containsUnknown);
}

/** Throws `input` for a value that cannot be a property of ours (an asset, an archive, a reference to a resource). */
export function fromStruct(struct: StructType | undefined): Properties {
  return struct === undefined ? {} : fields(struct, '');
}

/** A key whose value is `undefined` is left out. */
export function toStruct(properties: Properties): StructType {
  const struct = new Struct();
  const map = struct.getFieldsMap();
  for (const [key, value] of Object.entries(properties)) {
    if (value !== undefined) map.set(key, toValue(value));
  }
  return struct;
}

const signatureKey = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';
const outputSignature = 'd0e6a833031e9bbcd3f4e8bde6ca49a4';
/** Marks a value that the engine would not mark by itself, because it stands at another path than the input it came from. */
export const secret = (value: unknown): Properties => ({ [signatureKey]: secretSignature, value });

/** What no property of ours can be, by signature. */
const refused: Readonly<Record<string, string>> = {
  c44067f5952c0a294b673a41bacd8c17: 'an asset',
  '0def7320c3a5731c473e5ecbe6d01bc7': 'an archive',
  '5cf8f73096256a8f31e491e813e4eb8e': 'a resource',
};

/** The engine writes an unknown value as one of these strings, by the type that is expected; this one stands for any. */
export const unknownString = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const unknownStrings: ReadonlySet<string> = new Set([
  unknownString,
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7', // bool
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421', // number
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2', // array
  '030794c1-ac77-496b-92df-f27374a8bd58', // asset
  'e48ece36-62e2-4504-bad9-02848725956a', // archive
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff', // object
]);

function fields(struct: StructType, path: string): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  struct
    .getFieldsMap()
    .forEach((value: ValueType, key: string) => entries.push([key, fromValue(value, path === '' ? key : `${path}.${key}`)]));
  return Object.fromEntries(entries);
}

function fromValue(value: ValueType, path: string): unknown {
  switch (value.getKindCase()) {
    case Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case Value.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return unknownStrings.has(text) ? unknownValue : text;
    }
    case Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map((item, index) => fromValue(item, `${path}[${index}]`));
    case Value.KindCase.STRUCT_VALUE:
      return fromObject(value.getStructValue() ?? new Struct(), path);
    default:
      return null;
  }
}

function fromObject(struct: StructType, path: string): unknown {
  const signature = struct.getFieldsMap().get(signatureKey);
  if (signature === undefined || signature.getKindCase() !== Value.KindCase.STRING_VALUE) return fields(struct, path);
  const inner = struct.getFieldsMap().get('value');
  switch (signature.getStringValue()) {
    case secretSignature:
      return inner === undefined ? null : fromValue(inner, path);
    case outputSignature: // one without a value is not known yet
      return inner === undefined ? unknownValue : fromValue(inner, path);
    default: {
      const what = refused[signature.getStringValue()] ?? 'a value of a kind that this provider does not know';
      throw new PlacementError('input', `${path} is ${what}; a plain value is expected.`, { path });
    }
  }
}

function toValue(value: unknown): ValueType {
  const result = new Value();
  if (value === unknownValue) return result.setStringValue(unknownString);
  if (value === null || value === undefined) return result.setNullValue(NullValue.NULL_VALUE);
  if (Array.isArray(value)) return result.setListValue(new ListValue().setValuesList(value.map(toValue)));
  switch (typeof value) {
    case 'number':
      return result.setNumberValue(value);
    case 'boolean':
      return result.setBoolValue(value);
    case 'string':
      return result.setStringValue(value);
    case 'object':
      return result.setStructValue(toStruct(value as Properties));
    default:
      throw new TypeError(`a ${typeof value} cannot be a property value`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Equality of property values: order of keys does not count; what is not known equals nothing. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === unknownValue || b === unknownValue) return false;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
  if (isRecord(a) && isRecord(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameValue(a[key], b[key]));
  }
  return a === b;
}
