/** A unix socket on a host, through its sshd. */
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { PlacementError } from '../../core/errors.js';

/**
 * Its bytes, which end with the connection; not one of the channels that are counted. Whoever gets it must read it to its end.
 * @throws PlacementError `platform`: what `failed` makes of a lost connection, else why sshd opens none.
 */
export async function openSocket(
  client: Client,
  path: string,
  { host, failed }: { readonly host: string; readonly failed: (cause: Error) => PlacementError },
): Promise<Duplex> {
  return new Promise<Duplex>((resolve, reject) => {
    client.openssh_forwardOutStreamLocal(path, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
  }).catch((cause: unknown) => {
    if (!('reason' in (cause as Error))) throw failed(cause as Error);
    throw new PlacementError('platform', `sshd of host ${host} opens no socket there for us: ${(cause as Error).message}.`, {
      next: 'look at AllowStreamLocalForwarding and DisableForwarding in its sshd_config (man sshd_config)',
      cause,
    });
  });
}
