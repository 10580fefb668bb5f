/** A command on a host that goes on until its standard input ends, with streams to sockets there over the same connection. */
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { PlacementError } from '../../core/errors.js';
import type { Executed } from './connection.js';

export interface HoldOptions {
  /** What it means that the command ended before it printed a line. */
  readonly refused: (ended: Executed) => PlacementError;
  /** For the first line; then there is no limit. */
  readonly readyMs: number;
  /** Counts until the first line. */
  readonly signal?: AbortSignal | undefined;
}

export class HeldCommand {
  /** Its end, asked for or not. @throws PlacementError `platform` where the connection was lost before. */
  readonly ended: Promise<Executed>;
  private readonly firstLine: Promise<string | null>;

  constructor(
    readonly host: string,
    private readonly client: Client,
    private readonly channel: ClientChannel,
    readonly failed: (cause: Error) => PlacementError,
  ) {
    let [stdout, stderr, code] = ['', '', null as number | null];
    let toldLine: (line: string | null) => void;
    this.firstLine = new Promise((resolve) => (toldLine = resolve));
    channel.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(0, mostText);
      const end = stdout.indexOf('\n');
      if (end >= 0) toldLine(stdout.slice(0, end));
    });
    channel.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-mostText)));
    channel.on('exit', (status: number | null) => (code = status ?? ENDED_BY_SIGNAL));
    this.ended = new Promise((resolve, reject) => {
      channel.on('error', (error: Error) => reject(failed(error)));
      channel.on('close', () => {
        toldLine(null);
        if (code === null) reject(failed(new Error('the connection was lost')));
        else resolve({ code, stdout, stderr });
      });
    });
    this.ended.catch(() => toldLine(null));
  }

  /** The first line that it prints. What is given up ends by itself, since its input ends. */
  async ready({ refused, readyMs, signal }: HoldOptions): Promise<string> {
    const given = new AbortController();
    const limits = new Promise<never>((_, reject) => {
      const late = setTimeout(() => reject(this.failed(new Error(`no answer within ${readyMs / 1000} s`))), readyMs);
      const stop = (): void => reject(new PlacementError('interrupted', 'Stopped as asked, before the host was ready.'));
      signal?.addEventListener('abort', stop);
      if (signal?.aborted === true) stop();
      given.signal.addEventListener('abort', () => {
        clearTimeout(late);
        signal?.removeEventListener('abort', stop);
      });
    });
    try {
      const line = await Promise.race([this.firstLine, limits]);
      if (line !== null) return line;
    } catch (error) {
      this.channel.end();
      throw error;
    } finally {
      given.abort();
    }
    throw refused(await this.ended);
  }

  /** The bytes of a unix socket on the host, which end with this connection. As `Connection.socket`. */
  socket(path: string): Promise<Duplex> {
    return socketOf(this.client, path, this);
  }

  /** Ends its standard input and waits for what it does then. */
  end(): Promise<Executed> {
    this.channel.end();
    return this.ended;
  }
}

/** @throws PlacementError `platform`: why it does not open. */
export async function socketOf(
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

const mostText = 64 * 1024;
/** Which has no status. */
export const ENDED_BY_SIGNAL = 128;
