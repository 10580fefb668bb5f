/** What users see, kept in files and compared; what differs from run to run is written in its general form. */
import { expect } from 'vitest';
import type { Result, Stack } from './harness.js';

/** `test/engine/golden/<name>.txt`; written when missing, rewritten by `vitest -u`. */
export async function expectGolden(name: string, stack: Stack, result: Result): Promise<void> {
  // Apart, since which of the two comes first is chance.
  const said = result.stderr.trim() === '' ? '' : `\nstderr:\n${normal(result.stderr, stack)}`;
  const text = `exit code ${result.code}\n\n${normal(result.stdout, stack)}${said}`;
  expect(ownLines(text).filter((line) => line.length > 80)).toEqual([]);
  await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
}

function normal(text: string, stack: Stack): string {
  const general = text
    .replaceAll(stack.dir, '<project>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, '<time>')
    .replace(/ \((\d+m)?\d+(\.\d+)?s\)/g, ' (<n>s)')
    .replace(/Duration: .*/g, 'Duration: <n>s')
    // How often progress is spoken of depends on the machine, and so does what the stack's own row says meanwhile.
    .replace(/^(@ .*|.*; \d+%.*| .{3}pulumi:pulumi:Stack .*)\n/gm, '')
    .replace(/[ \t]+$/gm, '');
  return `${inOrder(general).trim()}\n`;
}

/** Resources are worked on at the same time: their rows and their diagnostics are put in the order of their names. */
function inOrder(text: string): string {
  const [rows, rest] = split(text, 'Diagnostics:\n');
  const sorted = rows
    .split('\n')
    .map((line, index) => ({ line, index, key: /^ .{3}(\S+:\S+ \S+)/.exec(line)?.[1] }))
    .sort((a, b) => (a.key === undefined || b.key === undefined || a.key === b.key ? a.index - b.index : a.key < b.key ? -1 : 1))
    .map(({ line }) => line)
    .join('\n');
  if (rest === undefined) return sorted;
  const [blocks, after = ''] = split(rest, /^(?=Resources:|Outputs:)/m);
  return `${sorted}Diagnostics:\n${blocks.trimEnd().split('\n\n').sort().join('\n\n')}\n\n${after}`;
}

function split(text: string, at: string | RegExp): [string, string?] {
  const [first = '', ...others] = text.split(at);
  return others.length === 0 ? [first] : [first, others.join('')];
}

/** Lines of messages that we wrote: below `Diagnostics:` those of our resources, and everything that `--diff` has on stderr. */
function ownLines(text: string): string[] {
  const [out, said = ''] = split(text, 'stderr:\n');
  const diagnostics = (split(out, 'Diagnostics:\n')[1] ?? '').split(/^(?=Resources:|Outputs:)/m)[0] ?? '';
  const ours = diagnostics.split('\n\n').filter((block) => block.trimStart().startsWith('vmplacement:index:Placement'));
  return [...ours, said].flatMap((block) => block.split('\n'));
}
