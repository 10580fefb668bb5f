import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile, filesBelow, projectWithPackage, type Project } from './project.js';

let project: Project;
beforeAll(() => {
  project = projectWithPackage();
  const program = project.fixture('program.ts');
  project.write('src/program.ts', program);
  project.write('src/switched.ts', switched(program));
  project.write('src/refused.ts', project.fixture('refused.ts'));
  project.write('src/refused-dynamic.ts', switched(project.fixture('refused.ts')));
  project.write('src/commonjs.cts', project.fixture('commonjs.cts'));
});
afterAll(() => project.remove());

/** The other door: nothing but the import changes. */
const switched = (program: string): string => program.replace(/(import \{[^}]*)\bPlacement,/, '$1DynamicPlacement as Placement,');

const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, types: ['node'], target: 'es2022' };
const nodenext = { ...strict, module: 'nodenext', skipLibCheck: true };
/** The declarations of the package and of Pulumi are checked as well, not only used. */
const thorough = { ...nodenext, skipLibCheck: false };
/** What `pulumi new typescript` has long written: it knows no `exports` of packages. TypeScript 6 has given it up. */
const classic = { strict: true, module: 'commonjs', moduleResolution: 'node', target: 'es2020', types: ['node'], skipLibCheck: true };
const bundler = { ...strict, module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true };

describe('programs compile as they should', () => {
  it('in the test: the other door is another program', () => {
    expect(switched(project.fixture('program.ts'))).toContain('DynamicPlacement as Placement,');
    expect(switched(project.fixture('refused.ts'))).toContain('DynamicPlacement as Placement,');
  });

  it.each([
    ['typescript', 'as ES modules and CommonJS', thorough, ['src']],
    ['typescript-5.9', 'as ES modules and CommonJS', nodenext, ['src']],
    ['typescript-5.9', 'with the settings of older projects', classic, ['src/program.ts', 'src/switched.ts', 'src/refused.ts']],
    ['typescript', 'for a bundler', bundler, ['src/program.ts', 'src/refused.ts']],
  ] as const)('%s, %s', (compiler, name, compilerOptions, include) => {
    project.write('tsconfig.json', { compilerOptions, include });
    const { errors, files } = compile(compiler, project, 'tsconfig.json');
    expect(errors, name).toEqual([]);
    // Against the declarations of the package, and nothing else of it.
    const ofPackage = files.filter((file) => file.startsWith(`${project.installed}/`));
    expect(ofPackage).toContain(join(project.installed, 'dist/sdk/nodejs/index.d.ts'));
    expect(ofPackage.filter((file) => !file.startsWith(join(project.installed, 'dist/sdk/nodejs/')))).toEqual([]);
    expect(files).toContain(join(project.folder, 'src/program.ts'));
  });
});

describe('the declarations', () => {
  it('name no package but @pulumi/pulumi', () => {
    const folder = join(project.installed, 'dist/sdk/nodejs');
    const declarations = filesBelow(folder).filter((file) => file.endsWith('.d.ts'));
    expect(declarations).toContain('index.d.ts');
    const imported = declarations.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/(?:from|import\(|<reference \w+=) ?['"]([^'"]+)['"]/g)].map(
        ([, name]) => name!,
      ),
    );
    expect([...new Set(imported.filter((name) => !name.startsWith('.')))]).toEqual(['@pulumi/pulumi']);
  });
});
