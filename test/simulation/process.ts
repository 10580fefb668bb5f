/**
 * One process of a controller on a file store: `node process.js '{"config":...}'`. It carries out one declaration and ends; SIGINT is
 * its Ctrl-C, the end of its standard input the death of its parent. Killed and stopped it is from outside.
 */
import process from 'node:process';
import { randomUUID } from 'node:crypto';
import { applyPlacement, openSession, previewPlacement } from '../../provider/core/placement.js';
import { embeddedDriver, openModel } from '../../provider/drivers/embedded/index.js';
import { resolveEmbedded } from '../../schema/embedded.js';
import type { EmbeddedDatacenter } from '../../schema/generated/types.js';
import { settings, want } from '../unit/itinerary/lab.js';
import { lease } from './lease.js';
import type { Declared } from './scenario.js';

export interface Task {
  readonly datacenter: EmbeddedDatacenter;
  readonly folder: string;
  readonly declared: Declared;
}

const { datacenter, folder, declared } = JSON.parse(process.argv[2] ?? '{}') as Task;
const interrupt = new AbortController();
const halt = new AbortController();
process.on('SIGINT', () => interrupt.abort(new Error('Ctrl-C')));
process.stdin.on('end', () => (interrupt.abort(new Error('no parent')), halt.abort(new Error('no parent'))));
process.stdin.resume();

const driver = embeddedDriver(openModel(resolveEmbedded(datacenter), { folder }));
const holder = `${process.pid}@${randomUUID()}`;
const session = openSession(driver, { ...settings, ...lease }, { stack: 'org/project/dev', holder, newId: randomUUID });
const { host, ...more } = declared;
const desired = want(host, { dropSnapshots: true, shutdownGraceMs: 60_000, lateShutdownMs: 60_000, noProgressTimeoutMs: 120_000, ...more });
const told = (text: string): void => void process.stdout.write(`${text}\n`);
try {
  const plan = await previewPlacement(session, 'urn:web-01', desired);
  const run = { signal: interrupt.signal, halt: halt.signal, emit: () => undefined, log: () => undefined, timeoutMs: 60_000 };
  const { phase, place, power } = await applyPlacement(session, 'urn:web-01', desired, plan.summary, run);
  told(`${phase} on ${place.host}, ${power}`);
} catch (error) {
  told(`fails: ${error instanceof Error ? error.message : String(error)}`);
}
process.exit(0);
