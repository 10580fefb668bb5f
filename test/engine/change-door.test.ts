/** A program that goes from the plugin to the dynamic provider, or back, while a staged move is pending: the move goes on. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { example, type Example } from './example.js';

/** In production, by the plugin: web-02 has moved, db-01 waits for its go. `edit` changes the component. */
async function waiting(edit: (source: string) => string): Promise<Example> {
  const program = await example('typescript-tested');
  const file = join(program.dir, 'fleet.ts');
  const source = await readFile(file, 'utf8');
  const edited = edit(source);
  expect(edited).not.toBe(source);
  await writeFile(file, edited);
  await done(program, 'npm run build');
  await done(program, 'pulumi stack init dev');
  await up(program);
  await done(program, 'pulumi config set environment production');
  await up(program);
  expect(await program.outputs()).toMatchObject({ waiting: ['db-01'] });
  return program;
}

async function done(program: Example, command: string): Promise<string> {
  const { code, text } = await program.tries(command);
  expect(code, `${command}\n${text}`).toBe(0);
  return text;
}
const up = (program: Example): Promise<string> => done(program, 'node bin/run.js up');
/** It exits with 3 where something waits. */
const placed = async (program: Example): Promise<string> =>
  (await program.tries('npx vmplacement status --datacenter datacenter.yaml')).text;

test('the deletion of the old resource leaves the VM to the new one', async () => {
  const program = await waiting((source) => source.replace("protect: environment === 'production'", 'protect: false'));
  await done(program, 'pulumi config set withoutPlugin true');
  const changed = await up(program);
  expect(changed).toContain('+ 3 created');
  expect(changed).toContain('- 3 deleted');
  expect(changed.replace(/\s+/g, ' ')).toContain('db-01: is claimed by another resource of this stack; nothing was touched.');
  const status = await placed(program);
  expect(status).toMatch(/db-01 +a\/a1 +running +AwaitingShutdown/);
  expect(status).toMatch(/web-01 +a\/a1 +running +Settled/);
  expect((await done(program, 'node bin/run.js destroy')).replace(/\s+/g, ' ')).toContain('its move to c/c1 was cancelled');
  expect(await placed(program)).toContain('No VM has a placement yet.');
});

test('an alias changes doors without a create or a delete, both ways', async () => {
  const types = `[{ type: 'vmplacement:index:Placement' }, { type: 'pulumi-nodejs:dynamic/vmplacement:Placement' }]`;
  const program = await waiting((source) =>
    source.replace('const common = { parent: this,', `const common = { parent: this, aliases: ${types},`),
  );
  for (const withoutPlugin of ['true', 'false']) {
    await done(program, `pulumi config set withoutPlugin ${withoutPlugin}`);
    const changed = await up(program);
    expect(changed).toContain('~ 3 updated');
    expect(changed).not.toMatch(/created|deleted|moved/);
    await done(program, 'node bin/run.js refresh');
    expect(await done(program, 'node bin/run.js preview')).toContain('~ 1 to update');
    expect(await program.outputs()).toMatchObject({ waiting: ['db-01'] });
  }
  await done(program, 'pulumi config set dbShutdown now');
  await up(program);
  expect(await program.places()).toMatchObject({ 'db-01': 'c/c1', 'web-02': 'a/a2' });
  await done(program, 'pulumi state unprotect --all --yes');
  await done(program, 'node bin/run.js destroy');
  expect(await placed(program)).not.toMatch(/web-0[12]/);
});
