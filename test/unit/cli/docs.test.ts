/** docs/cli.md lists what the command really has, and its examples are what the command really prints. `vitest -u` rewrites them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../../provider/cli/program.js';
import { world } from './io.js';

const page = join(import.meta.dirname, '../../../docs/cli.md');

test('docs/cli.md lists every command and option, with examples as they are printed', async () => {
  const program = buildProgram(world().io, async () => undefined);
  const text = readFileSync(page, 'utf8').replace(
    /<!-- (options|example): (\S+) -->\n(?:[\s\S]*?)<!-- end -->/g,
    (_whole, kind: string, name: string) =>
      `<!-- ${kind}: ${name} -->\n\n${kind === 'example' ? example(name) : options(program, name)}\n\n<!-- end -->`,
  );
  await expect(text).toMatchFileSnapshot(page);
});

test('every command has a section', () => {
  const headings = [...readFileSync(page, 'utf8').matchAll(/^## (\S+)$/gm)].map(([, name]) => name);
  const program = buildProgram(world().io, async () => undefined);
  expect(headings).toEqual(expect.arrayContaining(program.commands.map((command) => command.name())));
});

const example = (name: string): string => {
  const printed = readFileSync(join(import.meta.dirname, 'goldens', name), 'utf8').trimEnd();
  return `\`\`\`text\n${printed.replaceAll('<time>', '2026-12-01T20:15:00.000Z').replaceAll('<folder>', '/srv/shop')}\n\`\`\``;
};

function options(program: Command, name: string): string {
  const of = (command: Command): readonly Option[] => command.options;
  const plan = program.commands.find((command) => command.name() === 'plan');
  const common = of(plan!).filter((option) => commonNames.includes(option.long ?? ''));
  if (name === 'common') return common.map(item).join('\n');
  const command = program.commands.find((one) => one.name() === name)!;
  const entries = command.commands.length === 0 ? [command] : command.commands;
  return entries
    .flatMap((one) => [
      `- \`${usage(one)}\`: ${one.description()}`,
      ...one.registeredArguments
        .filter((argument) => argument.description !== '')
        .map((argument) => `  - \`${argument.name()}\`: ${argument.description}`),
      ...of(one)
        .filter((option) => !commonNames.includes(option.long ?? ''))
        .map((option) => `  ${item(option)}`),
    ])
    .join('\n');
}

const commonNames = ['--datacenter', '--stack', '--provider', '--cwd', '--json'];

const item = (option: Option): string => {
  const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
  return `- \`${option.flags}\`: ${option.description}${choices}`;
};

function usage(command: Command): string {
  const parent = command.parent?.name() === 'vmplacement' ? '' : `${command.parent?.name() ?? ''} `;
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return ['vmplacement', `${parent}${command.name()}`, ...words].join(' ');
}
