import { execFileSync } from 'node:child_process';
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { command, option, script } from '../../../provider/drivers/libvirt/quote.js';

/** What a shell makes of a command line: its arguments, each on its own. */
const seenBy = (line: string): string[] => execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\u0001').slice(0, -1);
const asArguments = (...args: string[]): string[] => seenBy(command('printf', '%s\\001', ...args));

describe('a name from outside in a command', () => {
  test.each([
    'two words',
    "it's",
    '"quoted"',
    '$(touch pwned)',
    '`id`',
    '-rf',
    '--help',
    'größe 北京',
    'a;b|c&d>e',
    '*',
    '~',
    '\\',
    '!x',
    '',
  ])('arrives as it is: %s', (name) => expect(asArguments(name, option('--domain', name))).toEqual([name, `--domain=${name}`]));

  test.each(['a\nb', 'a\rb', 'a\u0000b', 'a\tb'])('is refused with a line break or control character: %j', (name) => {
    expect(() => command('virsh', name)).toThrow(/control character/);
  });

  // eslint-disable-next-line no-control-regex -- what is refused above
  property.prop([fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !/[\u0000-\u001f\u007f]/.test(text)))], { numRuns: 100 })(
    'arrives as it is, whatever it is',
    (names) => {
      expect(asArguments(...names)).toEqual(names.length === 0 ? [''] : names);
    },
  );

  test('a script keeps its lines and quotes', () => {
    expect(execFileSync('sh', ['-c', script("printf '%s' \"it's\nok\"")], { encoding: 'utf8' })).toBe("it's\nok");
  });
});
