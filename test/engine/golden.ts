/** What users see, kept in files and compared; what differs from run to run is written in its general form. */
import { expect } from 'vitest';
import type { Result, Stack } from './harness.js';

/** `test/engine/golden/<name>.txt`; written when missing, rewritten by `vitest -u`. */
export async function expectGolden(name: string, stack: Stack, result: Result): Promise<void> {
  // Apart, since which of the two comes first is chance.
  const said = result.stderr.trim() === '' ? '' : `\nstderr:\n${normal(result.stderr, stack)}`;
  const text = `exit code ${result.code}\n\n${normal(result.stdout, stack)}${said}`;
  await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
}

export function normal(text: string, stack: Stack): string {
  return (
    text
      .replaceAll(stack.dir, '<project>')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>')
      .replace(/ \((\d+m)?\d+(\.\d+)?s\)/g, ' (<n>s)')
      .replace(/Duration: .*/g, 'Duration: <n>s')
      // How often progress is spoken of depends on the machine.
      .replace(/^(@ .*|.*; \d+%.*)\n/gm, '')
      .replace(/[ \t]+$/gm, '')
      .trim()
      .concat('\n')
  );
}

/** Lines that we wrote, not the engine: they stay legible at 80 columns. */
export function ownLines(text: string, vm: string): string[] {
  return text.split('\n').filter((line) => line.includes(vm) && /^ {2,}/.test(line) && !line.includes('vmplacement:index'));
}
