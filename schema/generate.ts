/** `npm run generate`: writes everything that derives from vmplacement.yaml. The results are in git; a test compares them. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateAll } from './generate/all.js';
import type { Package } from './generate/pulumi.js';

const root = path.resolve(import.meta.dirname, '..');
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

const texts = await generateAll({
  model: await read('schema/vmplacement.yaml'),
  package: JSON.parse(await read('package.json')) as Package,
  example: await read('schema/generate/example.datacenter.yaml'),
  root,
});
for (const [file, text] of texts) {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
}
console.log(`wrote ${[...texts.keys()].join(', ')}`);
