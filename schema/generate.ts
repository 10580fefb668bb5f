/** `npm run generate`: writes everything that derives from vmplacement.yaml and from the rules. The results are in git; a test compares them. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generateAll } from './generate/all.js';
import { readSources } from './generate/sources.js';

const root = path.resolve(import.meta.dirname, '..');
const texts = await generateAll(readSources(root));
for (const [file, text] of texts) {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), text);
}
console.log(`wrote ${[...texts.keys()].join(', ')}`);
