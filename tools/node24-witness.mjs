// Comes first in every Node process of a run (NODE_OPTIONS=--import): notes which Node it is and which Pulumi SDK its script would load.
import { appendFileSync, existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

const [, script] = process.argv;
if (isMainThread && script !== undefined && existsSync(script)) {
  const seen = { script: basename(script), node: process.versions.node, sdk: sdkOf(realpathSync(script)) };
  appendFileSync(process.env.VMPLACEMENT_WITNESS, `${JSON.stringify(seen)}\n`);
}

function sdkOf(file) {
  const manifests = (createRequire(file).resolve.paths('@pulumi/pulumi') ?? []).map((folder) =>
    join(folder, '@pulumi/pulumi/package.json'),
  );
  const found = manifests.find((manifest) => existsSync(manifest));
  return found === undefined ? 'none' : JSON.parse(readFileSync(found, 'utf8')).version;
}
