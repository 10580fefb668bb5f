/**
 * A process that carries pieces of a disk from one served image to another, over connections of its own, as its parent says. It ends with
 * its parent. Ciphers and copies of buffers keep a core busy, and would hold up what else the parent does.
 */
import { exit, on, send } from 'node:process';
import { PlacementError } from '../../core/errors.js';
import { Connection } from './connection.js';
import { largest, through, type Carrier } from './copy-disk.js';
import { NbdClient } from './nbd.js';
import { joinImage } from './served-image.js';
import type { Answer, Asked, End } from './relay-messages.js';

let carrier: Carrier | null = null;
let flush = (): Promise<void> => Promise.resolve();

async function connect({ route, socket, about }: End): Promise<NbdClient> {
  const connection = Connection.along(route);
  return NbdClient.connect(await joinImage(connection, socket), { about, timeoutMs: route.context.timeoutMs });
}

async function carryOut(asked: Asked): Promise<void> {
  if (asked.kind === 'open') {
    const [source, target] = await Promise.all([connect(asked.source), connect(asked.target)]);
    carrier = through(source, target, largest);
    flush = () => target.flush();
  } else if (asked.kind === 'flush') await flush();
  else if (carrier === null) throw new PlacementError('internal', 'A piece was to be carried before there were connections.');
  else await carrier.carry(asked.offset, asked.bytes);
}

const answer = (said: Answer): void => void send?.(said);

on('message', (asked: Asked) => {
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
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) on(signal, () => undefined);
on('disconnect', () => exit(0));
