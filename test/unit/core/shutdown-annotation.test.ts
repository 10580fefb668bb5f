import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { isOpen, parseShutdown } from '../../../provider/core/shutdown-annotation.js';
import { parseTimestamp } from '../../../provider/core/timestamp.js';

const ten = Date.UTC(2026, 4, 1, 10);
const minute = 60_000;

describe('times', () => {
  it.each([
    ['2026-05-01T10:00:00Z', ten],
    ['2026-05-01t10:00:00z', ten],
    ['2026-05-01T12:00:00+02:00', ten],
    ['2026-05-01T04:30:00-05:30', ten],
    ['2026-05-01T10:00:00.25Z', ten + 250],
    ['2026-05-01T10:00:00.123456789Z', ten + 123],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ])('reads %s', (text, milliseconds) => expect(parseTimestamp(text)).toBe(milliseconds));

  it.each([
    '',
    '2026-05-01',
    '2026-05-01T10:00:00',
    '2026-05-01 10:00:00Z',
    '2026-05-01T10:00Z',
    '2026-02-30T10:00:00Z',
    '2026-13-01T10:00:00Z',
    '2026-05-00T10:00:00Z',
    '2026-05-01T24:00:00Z',
    '2026-05-01T10:60:00Z',
    '2026-05-01T10:00:60Z',
    '2026-05-01T10:00:00+24:00',
    '2026-05-01T10:00:00+0200',
    '2026-05-01T10:00:00Zx',
  ])('refuses %j', (text) => expect(parseTimestamp(text)).toBeNull());

  test.prop([fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })])(
    'reads what toISOString writes',
    (date) => {
      expect(parseTimestamp(date.toISOString())).toBe(date.getTime());
    },
  );
});

describe('the value of the shutdown annotation', () => {
  it.each(['now', 'force', 'hold'] as const)('reads %s', (kind) => expect(parseShutdown(kind)).toEqual({ kind }));
  it('reads a time', () => expect(parseShutdown('2026-05-01T12:00:00+02:00')).toEqual({ kind: 'at', at: ten }));
  it('reads a window', () =>
    expect(parseShutdown('2026-05-01T10:00:00Z/2026-05-01T13:00:00+02:00')).toEqual({
      kind: 'window',
      start: ten,
      end: ten + 60 * minute,
    }));

  it.each([
    '',
    'Now',
    'yes',
    'true',
    'now ',
    '22:00',
    '2026-05-01T10:00:00',
    '2026-05-01T10:00:00Z/',
    '/2026-05-01T10:00:00Z',
    '2026-05-01T10:00:00Z/now',
    '2026-05-01T10:00:00Z/2026-05-01T11:00:00Z/2026-05-01T12:00:00Z',
  ])('refuses %j, naming the forms', (text) =>
    expect(() => parseShutdown(text)).toThrow(/must be "now", "force", "hold", a time with offset/),
  );
  it.each(['2026-05-01T11:00:00Z/2026-05-01T10:00:00Z', '2026-05-01T10:00:00Z/2026-05-01T12:00:00+02:00'])(
    'refuses the empty window %s',
    (text) => expect(() => parseShutdown(text)).toThrow(/^must be a window that ends after it starts, not "2026/),
  );
});

describe('a shutdown may be sent', () => {
  const at = { kind: 'at', at: ten } as const;
  const window = { kind: 'window', start: ten, end: ten + 10 * minute } as const;
  it.each([
    ['now: at once', { kind: 'now' } as const, 0, 'open'],
    ['force: at once', { kind: 'force' } as const, 0, 'open'],
    ['hold: never', { kind: 'hold' } as const, ten, 'not-yet'],
    ['at: not before it', at, ten - 1, 'not-yet'],
    ['at: from then on', at, ten, 'open'],
    ['at: also much later', at, ten + 1000 * minute, 'open'],
    ['window: not before it', window, ten - 1, 'not-yet'],
    ['window: from its start', window, ten, 'open'],
    ['window: as long as it can be over by its end', window, ten + 7 * minute, 'open'],
    ['window: missed when it would be over later', window, ten + 7 * minute + 1, 'missed'],
    ['window: missed after its end', window, ten + 11 * minute, 'missed'],
  ] as const)('%s', (_, value, now, expected) => expect(isOpen(value, now, 3 * minute)).toBe(expected));
});
