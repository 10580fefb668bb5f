/** Laying text out for a terminal of a given width; colour only where the caller says so. */
export interface Look {
  readonly color: boolean;
  readonly columns: number;
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], cyan: [36, 39] } as const;
export type Style = keyof typeof codes;

export function paint(look: Look, style: Style, text: string): string {
  const [on, off] = codes[style];
  return look.color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

/**
 * Breaks at spaces so that no line is longer than `width`; every line after the first begins with `hanging` spaces.
 * A word longer than the line stays whole: a cut command cannot be copied.
 */
export function wrap(text: string, width: number, hanging = 0): string {
  const room = Math.max(20, width);
  return text
    .split('\n')
    .map((paragraph) => {
      const indent = /^ */.exec(paragraph)?.[0] ?? '';
      const lines: string[] = [];
      let line = indent;
      for (const word of paragraph.trim().split(/ +/)) {
        const start = line.trim() === '';
        if (!start && line.length + 1 + word.length > room) {
          lines.push(line);
          line = `${indent}${' '.repeat(hanging)}${word}`;
        } else line += start ? word : ` ${word}`;
      }
      return [...lines, line].join('\n').trimEnd();
    })
    .join('\n');
}

/** `label: text` with the text beginning in one column and wrapped below itself. */
export function field(label: string, text: string, look: Look, labelWidth = 12): string {
  return `  ${(label === '' ? '' : `${label}:`).padEnd(labelWidth)}${wrapBehind(text, look.columns, labelWidth + 2)}`.trimEnd();
}

function wrapBehind(text: string, columns: number, indent: number): string {
  const lines = wrap(text, columns - indent).split('\n');
  return lines.map((line, index) => (index === 0 ? line : `${' '.repeat(indent)}${line}`)).join('\n');
}

/** Columns as wide as their widest cell, two spaces between. The last column is not padded; it is wrapped when it is too wide. */
export function table(header: readonly string[], rows: readonly (readonly string[])[], look: Look): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const indent = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  return all
    .map((row, index) => {
      const cells = row.slice(0, -1).map((cell, column) => `${cell.padEnd(widths[column] ?? 0)}  `);
      const last = row.at(-1) ?? '';
      const text = `${cells.join('')}${indent + last.length > look.columns && look.columns - indent >= 20 ? wrapBehind(last, look.columns, indent) : last}`;
      return index === 0 ? paint(look, 'bold', text.trimEnd()) : text.trimEnd();
    })
    .join('\n');
}

/** "1 placement", "2 placements". */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
