import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectWithPackage, type Project } from './project.js';

let project: Project;
beforeAll(() => {
  project = projectWithPackage();
});
afterAll(() => project.remove());

describe('in a project that has it installed', () => {
  it.each(['registered.mjs', 'registered.cjs'])('both doors work, and the state holds a mere reference to the provider: %s', (script) => {
    project.write(script, project.fixture(script));
    const registered = project.run(script) as { type: string; inputs: Record<string, unknown> }[];
    expect(registered.map(({ type }) => type)).toEqual(['vmplacement:index:Placement', 'pulumi-nodejs:dynamic/vmplacement:Placement']);
    const [web, db] = registered.map(({ inputs }) => inputs);
    expect(web).toEqual({ vm: 'web-01', method: 'hot' });
    const { __provider: provider, ...others } = db!;
    expect(others).toEqual({
      vm: 'db-01',
      host: 'h1',
      __urn: 'urn:pulumi:prod::shop::pulumi-nodejs:dynamic/vmplacement:Placement::db',
    });
    expect(provider).toContain('require("pulumi-vmplacement/dynamic.cjs")');
    expect(String(provider).length).toBeLessThan(600);
  });

  it('tells Pulumi which plugin it needs', () => {
    project.write('manifest.cjs', `process.stdout.write(JSON.stringify(require('pulumi-vmplacement/package.json')));`);
    expect(project.run('manifest.cjs')).toMatchObject({ pulumi: { resource: true, name: 'vmplacement' } });
  });

  it('shows nothing else of the package', () => {
    project.write(
      'inside.cjs',
      `try { require('pulumi-vmplacement/dist/sdk/nodejs/placement.js'); } catch (e) { process.stdout.write(JSON.stringify(e.code)); }`,
    );
    expect(project.run('inside.cjs')).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

it('what the package exports is in what npm packs', () => {
  const { exports, files } = JSON.parse(readFileSync(join(project.installed, 'package.json'), 'utf8')) as {
    exports: Record<string, string | Record<string, string>>;
    files: string[];
  };
  const targets = Object.values(exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)));
  const packed = (target: string) =>
    target === './package.json' || files.some((file) => target === `./${file}` || target.startsWith(`./${file}/`));
  expect(targets.filter((target) => !packed(target))).toEqual([]);
});
