import { describe, expect, test } from 'vitest';
import { containsUnknown, fromStruct, sameValue, toStruct, unknownValue } from '../../../provider/pulumi/codec.js';
import { ListValue, Struct, Value, type StructType } from '../../../provider/pulumi/proto.js';
import { PlacementError } from '../../../provider/core/errors.js';

const signature = '4dabf18193072939515e22adb298388d';
const secret = (value: unknown) => ({ [signature]: '1b47061264138c4ac30d75fd1eb44270', value });
const output = (rest: object) => ({ [signature]: 'd0e6a833031e9bbcd3f4e8bde6ca49a4', ...rest });
/** Through the bytes, as it comes from the engine. */
const received = (value: object): StructType => Struct.deserializeBinary(Struct.fromJavaScript(value as never).serializeBinary());
const decoded = (value: object) => fromStruct(received(value));

describe('from the engine', () => {
  test('plain values of every kind', () => {
    const value = {
      text: 'a',
      empty: '',
      number: 1.5,
      zero: 0,
      yes: true,
      no: false,
      none: null,
      list: [1, 'b', [], {}],
      map: { 'a.b/c': { d: 1 } },
    };
    expect(decoded(value)).toEqual(value);
  });
  test('nothing at all is no properties', () => {
    expect(fromStruct(undefined)).toEqual({});
  });
  test('a value whose kind was never set is null', () => {
    const struct = new Struct();
    struct.getFieldsMap().set('a', new Value());
    expect(fromStruct(struct)).toEqual({ a: null });
  });
  test('a key of any name is only a key', () => {
    expect(decoded({ constructor: 'x', toString: 'y', 'a.b/c': 1 })).toEqual({ constructor: 'x', toString: 'y', 'a.b/c': 1 });
  });
  test('secrets are unwrapped wherever they are, also inside each other', () => {
    expect(decoded({ a: secret('x'), b: [secret({ c: secret(2) })], d: { e: secret(null) } })).toEqual({
      a: 'x',
      b: [{ c: 2 }],
      d: { e: null },
    });
  });
  test('a secret without a value is null', () => {
    expect(decoded({ a: { [signature]: '1b47061264138c4ac30d75fd1eb44270' } })).toEqual({ a: null });
  });
  test('an output value is its value, or not known without one', () => {
    expect(decoded({ a: output({ value: 'x', secret: true, dependencies: ['urn'] }), b: output({}) })).toEqual({ a: 'x', b: unknownValue });
  });
  test.each([
    ['string', '04da6b54-80e4-46f7-96ec-b56ff0331ba9'],
    ['bool', '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7'],
    ['number', '3eeb2bf0-c639-47a8-9e75-3b44932eb421'],
    ['array', '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2'],
    ['asset', '030794c1-ac77-496b-92df-f27374a8bd58'],
    ['archive', 'e48ece36-62e2-4504-bad9-02848725956a'],
    ['object', 'dd056dcd-154b-4c76-9bd3-c8f88648b5ff'],
  ])('an unknown %s is the one unknown value', (_, sentinel) => {
    expect(decoded({ a: sentinel, b: [sentinel], c: secret(sentinel) })).toEqual({ a: unknownValue, b: [unknownValue], c: unknownValue });
  });
  test.each([
    ['an asset', 'c44067f5952c0a294b673a41bacd8c17'],
    ['an archive', '0def7320c3a5731c473e5ecbe6d01bc7'],
    ['a resource', '5cf8f73096256a8f31e491e813e4eb8e'],
    ['a value of a kind', 'something-new'],
  ])('%s is refused, naming the property', (what, kind) => {
    const error = failure(() => decoded({ annotations: { a: [{ [signature]: kind, text: 'x' }] } }));
    expect(error.code).toBe('input');
    expect(error.path).toBe('annotations.a[0]');
    expect(error.message).toContain(`annotations.a[0] is ${what}`);
  });
  test('a map with a key that only looks like a signature stays a map', () => {
    expect(decoded({ a: { [signature]: 1 } })).toEqual({ a: { [signature]: 1 } });
  });
});

describe('to the engine', () => {
  test('and back', () => {
    const value = { text: 'a', number: -1, yes: true, none: null, list: [{ a: [null] }], map: {}, later: unknownValue };
    expect(fromStruct(received(toStruct(value).toJavaScript()))).toEqual(value);
  });
  test('what is undefined is left out of a map and null in a list', () => {
    expect(toStruct({ a: undefined, b: { c: undefined }, d: [undefined] }).toJavaScript()).toEqual({ b: {}, d: [null] });
  });
  test('what is no property value is a fault of ours', () => {
    expect(() => toStruct({ a: 1n })).toThrow('a bigint cannot be a property value');
  });
  test('lists are lists', () => {
    expect(toStruct({ a: [] }).getFieldsMap().get('a')?.getListValue()).toBeInstanceOf(ListValue);
  });
});

describe('comparing', () => {
  test.each([
    [1, 1, true],
    [1, '1', false],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: undefined }, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [null, {}, false],
    [undefined, undefined, true],
    [unknownValue, unknownValue, false],
    [{ a: unknownValue }, { a: unknownValue }, false],
  ])('%j and %j: %s', (a, b, same) => {
    expect(sameValue(a, b)).toBe(same);
  });
  test('something unknown is found at any depth', () => {
    expect(containsUnknown({ a: [{ b: unknownValue }] })).toBe(true);
    expect(containsUnknown({ a: [{ b: 'x' }], c: null })).toBe(false);
  });
});

function failure(action: () => unknown): PlacementError {
  try {
    action();
  } catch (error) {
    if (PlacementError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
