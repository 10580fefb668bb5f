/**
 * A process that carries pieces of a disk from one served image to another, over connections of its own, as its parent says. It ends with
 * its parent. Ciphers and copies of buffers keep a core busy, and would hold up what else the parent does.
 */
import process from 'node:process';
import { PlacementError } from '../../core/errors.js';
import { Connection } from './connection.js';
import { largest, through, type Carrier } from './copy-disk.js';
import { NbdClient } from './nbd.js';
import type { Answer, Asked, End } from './relay-messages.js';
import { joinImage } from './served-image.js';

interface Pair<T> {
  readonly source: T;
  readonly target: T;
}

let hosts: Pair<Connection> | null = null;
let images: Pair<NbdClient> | null = null;
let carrier: Carrier | null = null;

const connect = async (connection: Connection, { socket, about }: End): Promise<NbdClient> =>
  NbdClient.connect(await joinImage(connection, socket), { about, timeoutMs: connection.timeoutMs });

async function carryOut(asked: Asked): Promise<void> {
  switch (asked.kind) {
    case 'reach':
      hosts = { source: Connection.along(asked.source), target: Connection.along(asked.target) };
      await Promise.all([hosts.source.reach(), hosts.target.reach()]);
      return;
    case 'open': {
      const { source, target } = told(hosts);
      const [from, to] = await Promise.all([connect(source, asked.source), connect(target, asked.target)]);
      images = { source: from, target: to };
      carrier = through(from, to, largest);
      return;
    }
    case 'carry':
      return told(carrier).carry(asked.offset, asked.bytes);
    case 'flush':
      return told(images).target.flush();
  }
}

function told<T>(before: T | null): T {
  if (before === null) throw new PlacementError('internal', 'The process that carries a disk was asked out of turn.');
  return before;
}

/** Without a parent there is nobody to tell. */
const answer = (said: Answer): void => void process.send?.(said, undefined, undefined, () => undefined);

process.on('message', (asked: Asked) => {
  const { id } = asked;
  carryOut(asked).then(
    () => answer({ id }),
    (error: unknown) => {
      const { code, said, next } = PlacementError.isInstance(error) ? error : new PlacementError('internal', String(error));
      answer({ id, error: { code, said, next } });
    },
  );
});
// It is the parent that stops, at a safe point.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
