#!/usr/bin/env node
/** `pulumi-resource-vmplacement`: started by the engine with its address, answers with a port on the first line of stdout. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Counters } from './counters.js';
import { engineAddress } from './engine-address.js';
import { serve } from './server.js';
import { endWithParent } from './shutdown.js';

const version = packageVersion(dirname(fileURLToPath(import.meta.url)));
const counters = await countersOf(process.env['VMPLACEMENT_COUNTERS'] ?? '');
const server = await serve(engineAddress(process.argv.slice(2)), version, counters);
endWithParent(server);
counters?.listening();
process.stdout.write(`${server.port}\n`);

/** For benchmarks; see counters.ts. */
async function countersOf(folder: string): Promise<Counters | null> {
  if (folder === '') return null;
  const { countersTo } = await import('./counters.js');
  return countersTo(folder);
}

/** The package's own, whether run from dist/ or from the sources. */
function packageVersion(folder: string): string {
  const file = join(folder, 'package.json');
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  const parent = dirname(folder);
  return parent === folder ? '0.0.0' : packageVersion(parent);
}
