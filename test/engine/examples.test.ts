/** The examples, run as their READMEs say: compiled, on the real engine, with the installed package. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { example, type Example } from './example.js';

async function started(name: string): Promise<Example> {
  const made = await example(name);
  await made.runs('npm run build');
  await made.runs('pulumi stack init dev');
  return made;
}

/** `asked`: what the functions of the plugin answer. */
const fleets = [
  {
    name: 'typescript-plugin',
    resources: 9,
    asked: { backupHost: 'b1', ifDbMoved: expect.stringContaining('VM db-01 moves hot from a/a1 to b/b1') as unknown },
  },
  { name: 'typescript-dynamic', resources: 7, asked: {} },
];

test.each(fleets)('$name previews, adopts, moves hot and staged, accepts what was moved by hand, and is destroyed', async (fleet) => {
  const { name, resources, asked } = fleet;
  const program = await started(name);
  expect(await program.runs('node bin/run.js preview')).toContain(`+ ${resources} to create`);
  expect(await program.runs('node bin/run.js up')).toContain(`+ ${resources} created`);
  expect(await program.outputs()).toMatchObject({ dbHost: 'a1', dbPhase: 'Settled', webHosts: ['web-01 on a1', 'web-02 on a2'] });

  await program.runs("pulumi config set --path 'web.web-01' b1");
  await program.runs('pulumi config set dbHost c1');
  if (name === 'typescript-plugin') await program.runs('pulumi config set dbCandidate b1');
  const preview = await program.runs('node bin/run.js preview');
  expect(preview).toContain('VM web-01 moves hot from a/a1 to b/b1');
  expect(preview).toContain('VM db-01 moves staged from a/a1 to c/c1');
  await program.runs('node bin/run.js up');
  expect(await program.outputs()).toMatchObject({
    dbHost: 'a1',
    dbPhase: 'AwaitingShutdown',
    dbMessage: expect.stringContaining('waits for its shutdown') as unknown,
    webHosts: ['web-01 on b1', 'web-02 on a2'],
    ...asked,
  });

  await program.runs('pulumi config set dbShutdown now');
  await program.runs('node bin/run.js up');
  expect(await program.outputs()).toMatchObject({ dbHost: 'c1', dbPhase: 'AwaitingConfirmation' });
  await program.runs('npx vmplacement confirm db-01 --datacenter datacenter.yaml');

  const byHand = await program.tries('npx vmplacement embedded move tools-01 a/a2 --datacenter datacenter.yaml');
  expect(byHand.code, byHand.text).toBe(0);
  expect(await program.runs('node bin/run.js preview')).not.toContain('tools-01 moves');

  const end = await program.tries('node bin/run.js destroy');
  expect(end.code, end.text).toBe(0);
  expect(end.text).toContain(`- ${resources} deleted`);
  expect(await program.places()).toMatchObject({ 'db-01': 'c/c1', 'web-01': 'b/b1', 'web-02': 'a/a2', 'tools-01': 'a/a2' });
});

test('to change doors is to change the import', async () => {
  const source = async (name: string): Promise<string> =>
    (await readFile(join(import.meta.dirname, '../../examples', name, 'index.ts'), 'utf8')).replace(
      /^import .* from 'pulumi-vmplacement';$/m,
      '',
    );
  expect((await source('typescript-plugin')).startsWith(await source('typescript-dynamic'))).toBe(true);
});

describe('typescript-tested', () => {
  test('has unit tests that pass, and that fail when the program is wrong', async () => {
    const program = await example('typescript-tested');
    expect(await program.runs('npm test')).toMatch(/Tests +\d+ passed/);
    const file = join(program.dir, 'fleet.ts');
    const right = await readFile(file, 'utf8');
    const wrong = right.replace("protect: environment === 'production'", 'protect: false');
    expect(wrong).not.toBe(right);
    await writeFile(file, wrong);
    const { code, text } = await program.tries('npm test');
    expect(code).not.toBe(0);
    expect(text).toMatch(/Tests +2 failed/);
    expect(text).toContain('a fleet of DynamicPlacement > protects every VM of production');
  });

  test('moves from one environment to the other', async () => {
    const program = await example('typescript-tested');
    const up = async (): Promise<string> => {
      const { code, text } = await program.tries('node bin/run.js up');
      expect(code, text).toBe(0);
      return text;
    };
    expect((await program.tries('npm run build')).code).toBe(0);
    await program.runs('pulumi stack init dev');
    expect(await up()).toContain('+ 5 created');
    await program.runs('pulumi config set environment production');
    expect(await up()).toContain('web-02: moved hot a/a1 -> a/a2');
    expect(await program.outputs()).toMatchObject({ hosts: { 'db-01': 'a1', 'web-02': 'a2' }, waiting: ['db-01'] });
    await program.tries('pulumi config set dbShutdown now');
    await up();
    expect(await program.outputs()).toMatchObject({ hosts: { 'db-01': 'c1' }, waiting: [] });

    const refused = await program.tries('node bin/run.js destroy');
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain('protected');
    expect((await program.tries('pulumi state unprotect --all --yes')).code).toBe(0);
    expect((await program.tries('node bin/run.js destroy')).text).toContain('- 5 deleted');
    expect(await program.places()).toMatchObject({ 'db-01': 'c/c1' });
  });
});
