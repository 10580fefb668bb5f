import { expect, test } from 'vitest';
import { didYouMean, suggest } from '../../../provider/cli/suggest.js';

const names = ['web-01', 'web-02', 'db-01', 'batch-01'];

test.each([
  ['wbe-01', ['web-01']],
  ['WEB-01', ['web-01']],
  ['web-03', ['web-01', 'web-02']],
  ['btach-01', ['batch-01']],
  ['mail', []],
  ['', []],
])('given %j, then %j may be meant', (wrong, expected) => {
  expect(suggest(wrong, names)).toEqual(expected);
});

test('given nothing near, then nothing is said', () => {
  expect(didYouMean('mail', names)).toBe('');
  expect(didYouMean('db-1', names)).toBe(' Did you mean db-01?');
});
