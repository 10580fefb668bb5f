/** Reads what the generator starts from, out of a checkout. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Sources } from './all.js';
import type { Package } from './pulumi.js';

/** Files of the rules folder that hold no rule. */
const noRule = new Set(['all.ts', 'index.ts', 'rule.ts']);

export function readSources(root: string): Sources {
  const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
  const rules = readdirSync(path.join(root, 'provider/core/rules')).filter((file) => !noRule.has(file));
  return {
    model: read('schema/vmplacement.yaml'),
    package: JSON.parse(read('package.json')) as Package,
    example: read('schema/generate/example.datacenter.yaml'),
    libvirtExample: read('schema/generate/example.libvirt.yaml'),
    rules: rules.sort().map((file) => ({ file, text: read(`provider/core/rules/${file}`) })),
    root,
  };
}
