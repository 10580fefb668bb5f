/** The one place where words from outside become part of a command on a host. */
import { PlacementError } from '../../core/errors.js';

/**
 * One argument for a POSIX shell, whatever is in it. Line breaks and NUL are refused: no name or path that we use may hold them,
 * and a line break would end the line in what tools print.
 */
export function quote(argument: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(argument))
    throw new PlacementError(
      'input',
      `${JSON.stringify(argument)} holds a line break or another control character, which no command takes.`,
      {
        next: 'rename it',
      },
    );
  return oneWord(argument);
}

/** A program with its arguments. A value that may begin with a dash belongs to its option: `option('--domain', name)`. */
export const command = (program: string, ...args: readonly string[]): string => [program, ...args].map(quote).join(' ');

export const option = (name: `--${string}`, value: string): string => `${name}=${value}`;

/** A script of ours, which may have lines; what comes from outside is quoted in it already. */
export const script = (text: string): string => `exec sh -c ${oneWord(text)}`;

/** Also of many lines. What comes from outside goes through `quote`. */
export const oneWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
