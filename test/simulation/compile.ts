/** The sources as JavaScript that plain Node starts at once: a process that is to be killed must not be a compiler. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The folder, laid out as the repository is; whoever asked removes it. */
export function compiled(folders: readonly string[]): string {
  const target = mkdtempSync(join(tmpdir(), 'vmplacement-compiled-'));
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'));
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  const options = { module: ts.ModuleKind.ES2022, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true };
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.ts') || entry.endsWith('.test.ts')) continue;
      const { outputText } = ts.transpileModule(readFileSync(join(root, folder, entry), 'utf8'), { compilerOptions: options });
      const path = join(target, folder, entry.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, outputText);
    }
  }
  return target;
}
