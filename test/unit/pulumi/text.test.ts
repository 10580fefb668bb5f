import { describe, expect, test } from 'vitest';
import { lines, naming, sentences } from '../../../provider/pulumi/text.js';

describe('the VM is named', () => {
  test.each([
    ['web-01', 'VM web-01 moves', 'VM web-01 moves'],
    ['web-01', 'it moves', 'web-01: it moves'],
    ['b-01', 'VM db-01 moves', 'b-01: VM db-01 moves'],
    ['web', 'VM web-01 moves', 'web: VM web-01 moves'],
    ['a.b', 'VM axb moves', 'a.b: VM axb moves'],
    ['a(b', 'VM a(b moves', 'VM a(b moves'],
    ['web-01', `${'far '.repeat(30)}vmplacement cancel web-01`, `web-01: ${'far '.repeat(30)}vmplacement cancel web-01`],
  ])('%s in "%s"', (vm, text, expected) => {
    expect(naming(vm, text)).toBe(expected);
  });
});

test('lines leave room for what the engine writes before the first of them', () => {
  const [first, second] = lines('word '.repeat(40), 'warning: '.length).split('\n');
  expect(first!.length).toBeLessThanOrEqual(65);
  expect(second).toMatch(/^ {2}word/);
  expect(second!.length).toBeLessThanOrEqual(74);
});

test('a suggestion is a sentence of its own', () => {
  expect(sentences('It is so', 'Do that.')).toBe('It is so. Do that.');
  expect(sentences('It is so.', 'Do that.')).toBe('It is so. Do that.');
  expect(sentences('It is so', '')).toBe('It is so');
});
