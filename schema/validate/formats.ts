/** The formats of our schema: durations, sizes, rates, times. */
import { PlacementError } from '../../provider/core/errors.js';
import { parseTimestamp } from '../../provider/core/timestamp.js';
import { parseDuration, parseRate, parseSize } from '../../provider/core/units.js';

/** Why a text is not of a format of ours, or null. */
export function formatProblem(format: string, text: string): string | null {
  if (format === 'timestamp')
    return parseTimestamp(text) === null ? `must be a time with offset (RFC 3339), not ${JSON.stringify(text)}` : null;
  const parse = parsers[format];
  if (parse === undefined) throw new Error(`no such format: ${format}`);
  try {
    parse(text);
    return null;
  } catch (error) {
    if (PlacementError.isInstance(error)) return error.message;
    throw error;
  }
}

const parsers: Readonly<Record<string, (text: string) => number>> = { duration: parseDuration, size: parseSize, rate: parseRate };

const isOf =
  (format: string) =>
  (text: string): boolean =>
    formatProblem(format, text) === null;

/** As the compiled validators ask for them. */
export const formats = { duration: isOf('duration'), size: isOf('size'), rate: isOf('rate'), timestamp: isOf('timestamp') };
