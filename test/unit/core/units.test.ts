import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { PlacementError } from '../../../provider/core/errors.js';
import {
  distinctDurations,
  exactDuration,
  exactRate,
  exactSize,
  formatBytes,
  formatDuration,
  formatRate,
  parseDuration,
  parseRate,
  parseSize,
} from '../../../provider/core/units.js';

const wholeNumber = fc.nat({ max: Number.MAX_SAFE_INTEGER });

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['5m20ms', 300_020],
    ['2d', 172_800_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['90m', 5_400_000],
    ['0s', 0],
  ])('reads %s', (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(['', '30', 's', '1m1h', '5s5s', '1s1m', '5m junk', ' 5m', '5m ', '5 m', '1.5h', '-5s', '+5s', '1mo', '1w', '1H', '1e3s', '٣s'])(
    'refuses %j, naming the forms',
    (text) => expect(() => parseDuration(text)).toThrow(/"30s", "1h30m" or "500ms"/),
  );

  it('says that the unit is missing', () => expect(() => parseDuration('30')).toThrow('not "30": the unit is missing'));
  it('refuses more than a safe integer', () => expect(() => parseDuration('999999999999999d')).toThrow(/too large/));
  it('throws input errors', () => expect(caught(() => parseDuration('x'))).toMatchObject({ code: 'input' }));
  it('shortens what was given', () => expect(() => parseDuration('x'.repeat(500))).toThrow(/^.{0,250}$/));

  test.prop([wholeNumber])('are written exactly', (milliseconds) => {
    expect(parseDuration(exactDuration(milliseconds))).toBe(milliseconds);
  });
  test.prop([fc.nat({ max: 2 ** 52 })])('are written shortly without being far off', (milliseconds) => {
    const text = formatDuration(milliseconds);
    const read = text.includes('.') ? Number(text.slice(0, -1)) * 1000 : parseDuration(text);
    expect(Math.abs(read - milliseconds)).toBeLessThanOrEqual(milliseconds * 0.051 + 0.5);
  });

  it.each([
    [0, '0s'],
    [0.2, '0s'],
    [350, '350ms'],
    [999.7, '1s'],
    [4234, '4.2s'],
    [9990, '10s'],
    [42_400, '42s'],
    [59_700, '1m'],
    [200_000, '3m20s'],
    [3_599_900, '1h'],
    [3_900_000, '1h5m'],
    [86_390_000, '1d'],
    [183_600_000, '2d3h'],
  ])('shows %d ms as %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

  it('two that look the same in short are shown exactly', () => {
    expect(distinctDurations(1020, 1000)).toEqual(['1s20ms', '1s']);
    expect(distinctDurations(1200, 1000)).toEqual(['1.2s', '1s']);
  });
});

describe('sizes', () => {
  it.each([
    ['100MiB', 104_857_600],
    ['1.5TiB', 1_649_267_441_664],
    ['10GB', 10_000_000_000],
    ['10GiB', 10_737_418_240],
    ['0B', 0],
    ['1kB', 1000],
    ['1KB', 1000],
    ['1KiB', 1024],
    ['0.1KiB', 102],
    ['1.1TiB', 1_209_462_790_554],
    ['1PB', 1e15],
  ])('reads %s', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each([
    '',
    '10',
    '10XB',
    'GiB',
    '10 GiB',
    '10gib',
    '10G',
    '10Gi',
    '1.GiB',
    '.5GiB',
    '-1GiB',
    '1.5B',
    '1e3B',
    '10GiBB',
    '10GiB/s',
    '1,5GiB',
  ])('refuses %j, naming the forms', (text) => expect(() => parseSize(text)).toThrow(/"100MiB", "1.5TiB" or "10GB"/));
  it('refuses more than a safe integer', () => expect(() => parseSize('9000PiB')).toThrow(/too large/));

  test.prop([wholeNumber])('are written exactly', (bytes) => {
    expect(parseSize(exactSize(bytes))).toBe(bytes);
  });
  test.prop([fc.nat({ max: 1_000_000 }), fc.constantFrom('B', 'KiB', 'MiB', 'GiB', 'kB', 'MB', 'GB')])(
    'are the number times the unit',
    (count, unit) => {
      expect(parseSize(`${count}${unit}`)).toBe(count * parseSize(`1${unit}`));
    },
  );
  test.prop([fc.nat({ max: 2 ** 52 })])('are written shortly without being far off', (bytes) => {
    expect(
      Math.abs(
        parseSize(
          formatBytes(bytes)
            .replace(' ', '')
            .replace(/\.\d+B$/, 'B'),
        ) - bytes,
      ),
    ).toBeLessThanOrEqual(bytes * 0.051);
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1_048_575, '1 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [20 * 1024 ** 3, '20 GiB'],
    [1536 * 1024 ** 3, '1.5 TiB'],
  ])('shows %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it('is exact in the largest unit that leaves a whole number', () => expect(exactSize(1.5 * 1024 ** 3)).toBe('1536MiB'));
});

describe('rates', () => {
  it('reads a size per second', () => expect(parseRate('100MiB/s')).toBe(104_857_600));
  it.each(['', '/s', '100MiB', '100/s', '100MiB/m', '100MiB/S', '100Mbit/s', '100MiB /s', '100MiB/s/s'])(
    'refuses %j, naming the form',
    (text) => expect(() => parseRate(text)).toThrow(/a rate such as "100MiB\/s"/),
  );
  test.prop([wholeNumber])('are written exactly', (rate) => {
    expect(parseRate(exactRate(rate))).toBe(rate);
  });
  it('shows them shortly', () => expect(formatRate(104_857_600)).toBe('100 MiB/s'));
});

function caught(action: () => unknown): PlacementError | null {
  try {
    action();
  } catch (error) {
    if (PlacementError.isInstance(error)) return error;
  }
  return null;
}
