import { describe, expect, test } from 'vitest';
import { field, paint, table, wrap } from '../../../provider/report/text.js';

const look = { color: false, columns: 40 };

describe('laying out text', () => {
  test('given a long line, then it is broken at spaces and hangs', () => {
    expect(wrap('one two three four five six seven', 20, 2)).toBe('one two three four\n  five six seven');
  });

  test('given a word longer than the line, then it stays whole', () => {
    expect(wrap('see https://example.com/a/very/long/path/here', 20)).toBe('see\nhttps://example.com/a/very/long/path/here');
  });

  test('given several lines, then each is wrapped by itself', () => {
    expect(wrap('a\n\n  b', 20)).toBe('a\n\n  b');
  });

  test('given a field, then its text stands in one column', () => {
    expect(field('why', 'it runs, and a hot move is possible here', look)).toBe(
      '  why:        it runs, and a hot move is\n              possible here',
    );
  });

  test('given a table, then columns line up and the last one is wrapped', () => {
    const rows = [
      ['web-01', 'a/a1', 'source kept on b/b1 for 3m20s, 10 GiB'],
      ['db', 'b/b2', '-'],
    ];
    expect(table(['VM', 'PLACE', 'PROGRESS'], rows, look)).toBe(
      ['VM      PLACE  PROGRESS', 'web-01  a/a1   source kept on b/b1 for', '               3m20s, 10 GiB', 'db      b/b2   -'].join('\n'),
    );
  });

  test('given no colour, then no escape code is written', () => {
    expect(paint(look, 'red', 'x')).toBe('x');
    expect(paint({ ...look, color: true }, 'red', 'x')).toBe('\u001b[31mx\u001b[39m');
  });
});
