/**
 * One SSH connection to a host: opened when first needed, kept, opened again after it was lost; never more than 8 channels at once. What
 * copies a disk has one of its own (`along`).
 */
import { userInfo } from 'node:os';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2, { type Client, type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2';
import type { ResolvedSshTarget } from '../../../schema/libvirt.js';
import { PlacementError } from '../../core/errors.js';
import { loginOf } from './credentials.js';
import { ENDED_BY_SIGNAL, HeldCommand, socketOf, type HoldOptions } from './held-command.js';
import { hostKeyCheck } from './host-key.js';
import { HostShell } from './host-shell.js';
import { Slots } from '../../core/slots.js';

export interface Executed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecOptions {
  readonly signal?: AbortSignal | undefined;
  readonly stdin?: string;
}

export interface AskOptions extends ExecOptions {
  /** It only reads: done once more where what was kept turns out to be gone, as after a reboot of the host. */
  readonly repeatable?: boolean;
}

interface Started {
  readonly client: Client;
  readonly channel: ClientChannel;
  /** Not used for anything else. */
  readonly forget: () => void;
}

/** How a host is reached, as another process can be told it: no secret is in it. */
export interface Route {
  /** Jump hosts, the first of them first, and the host itself. */
  readonly hosts: readonly ResolvedSshTarget[];
  readonly context: Context;
}

interface Context {
  readonly baseDir: string;
  readonly timeoutMs: number;
}

/** sshd allows 10 sessions a connection (MaxSessions); two are left to others of this process. */
const CHANNELS = 8;

export class Connection {
  private client: Promise<Client> | null = null;
  private readonly slots = new Slots(CHANNELS);
  private kept: HostShell | null = null;

  constructor(
    readonly target: ResolvedSshTarget,
    private readonly context: Context,
    /** The connection to the jump host that this one goes through. */
    private readonly via: Connection | null,
  ) {}

  /**
   * Runs a command line of the remote shell. @throws PlacementError `platform` where the host cannot be reached or does not answer in time.
   */
  exec(line: string, { repeatable = false, ...options }: AskOptions = {}): Promise<Executed> {
    const once = (): Promise<Executed> => this.once(line, options);
    return this.slots.use(() => (repeatable ? this.onceMore(once, options.signal) : once()));
  }

  /** Once more where the connection that was kept turns out to be gone. */
  private async onceMore<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const kept = this.client;
    try {
      return await work();
    } catch (error) {
      const isGone = kept !== null && this.client !== kept;
      if (!isGone || signal?.aborted === true) throw error;
      return work();
    }
  }

  /**
   * Starts a command line that goes on until its standard input is ended, and resolves with its first line. It has one of the channels
   * until then. @throws PlacementError: what `refused` makes of it where it ended before, `platform` where the host does not answer.
   */
  hold(line: string, options: HoldOptions): Promise<{ readonly held: HeldCommand; readonly firstLine: string }> {
    return new Promise((resolve, reject) => {
      this.slots
        .use(async () => {
          const held = await this.start(
            line,
            options.signal,
            ({ client, channel }) => new HeldCommand(this.target.name, client, channel, (cause) => this.failed(cause)),
          );
          held.ready(options).then((firstLine) => resolve({ held, firstLine }), reject);
          await held.ended;
        })
        // Who holds it is told the same by `ended`; the promise that was kept stays kept.
        .catch(reject);
    });
  }

  /** For what is asked often. It has one of the channels from its first use on. */
  get shell(): HostShell {
    return (this.kept ??= new HostShell({
      sudo: this.target.sudo,
      timeoutMs: this.timeoutMs,
      open: (line, signal, listen) => this.keep(line, signal, listen),
      failed: (cause) => this.failed(cause),
      stopped: () => this.stopped(),
    }));
  }

  /** @param listen is called at once. The channel is one of those that are counted until it is closed or told to be free. */
  private keep(line: string, signal: AbortSignal | undefined, listen: (channel: ClientChannel, free: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): Promise<void> =>
        this.start(line, signal, async ({ channel }) => {
          const closed = new Promise<void>((over) => {
            channel.once('close', over);
            listen(channel, over);
          });
          resolve();
          await closed;
        });
      // Nothing is done by it yet.
      this.slots.use(() => this.onceMore(begin, signal)).catch(reject);
    });
  }

  private once(line: string, { signal, stdin = '' }: ExecOptions): Promise<Executed> {
    return this.start(line, signal, ({ channel, forget }) => this.collect(channel, stdin, signal, forget));
  }

  /** @param take listens at once: the end of a quick command comes in the same breath as its channel. */
  private async start<T>(line: string, signal: AbortSignal | undefined, take: (started: Started) => T | Promise<T>): Promise<T> {
    const opened = this.connected();
    const client = await opened;
    // It may have waited for its turn, or for the connection.
    if (signal?.aborted === true) throw this.stopped();
    const forget = (): void => {
      this.drop(opened);
      client.end();
    };
    return new Promise((resolve, reject) => {
      client.exec(line, (error, channel) => {
        if (error === undefined) {
          resolve(take({ client, channel, forget }));
          return;
        }
        // A host that gives no further channel says a reason; the connection is as good as before.
        if (!('reason' in error)) forget();
        reject(this.failed(error));
      });
    });
  }

  /** The bytes of a unix socket on the host; not one of the channels that are counted. Whoever gets it must read it to its end. */
  async socket(path: string): Promise<Duplex> {
    return socketOf(await this.connected(), path, { host: this.target.name, failed: (cause) => this.failed(cause) });
  }

  get route(): Route {
    return { hosts: [...(this.via?.route.hosts ?? []), this.target], context: this.context };
  }

  /** For much data, with connections of its own. @param jumps those to jump hosts, which routes share; nobody closes them. */
  static along({ hosts, context }: Route, jumps = new Map<string, Connection>()): Connection {
    const [last, ...before] = hosts.toReversed();
    if (last === undefined) throw new PlacementError('internal', 'There is no host in the route.');
    const via = before.reduceRight<Connection | null>((through, host) => {
      const jump = jumps.get(host.name) ?? new Connection(host, context, through);
      jumps.set(host.name, jump);
      return jump;
    }, null);
    return new Connection(last, context, via);
  }

  /** In which a command has to be answered. */
  get timeoutMs(): number {
    return this.context.timeoutMs;
  }

  async close(): Promise<void> {
    const client = this.client;
    this.client = null;
    // One that could not be opened has told so already.
    const [opened] = await Promise.allSettled([client]);
    if (opened.status === 'fulfilled') opened.value?.end();
  }

  private connected(): Promise<Client> {
    if (this.client !== null) return this.client;
    const opened: Promise<Client> = this.opened(() => this.drop(opened));
    this.client = opened;
    opened.catch(() => this.drop(opened));
    return opened;
  }

  /** Another one that was opened meanwhile stays. */
  private drop(opened: Promise<Client>): void {
    if (this.client === opened) this.client = null;
  }

  private async opened(closed: () => void): Promise<Client> {
    for (let left = 3; ; left -= 1) {
      try {
        return await this.login(closed);
      } catch (error) {
        if (left === 0 || !wasTurnedAway(error)) throw error;
        await sleep(300 + Math.random() * 900);
      }
    }
  }

  private async login(closed: () => void): Promise<Client> {
    const { target, context } = this;
    const [login, keys] = await Promise.all([loginOf(target.credential, context.baseDir), hostKeyCheck(target, context.baseDir)]);
    const sock = this.via === null ? undefined : await this.via.forward(target.address, target.port);
    const client = new ssh2.Client();
    let refused: PlacementError | null = null;
    const config: ConnectConfig = {
      ...login.config,
      ...(sock === undefined ? {} : { sock }),
      host: target.address,
      port: target.port,
      username: target.user ?? userInfo().username,
      readyTimeout: context.timeoutMs,
      keepaliveInterval: 5000,
      keepaliveCountMax: 4,
      hostVerifier: (key: Buffer) => (refused = keys.refuse(key)) === null,
      algorithms: {
        ...(keys.types.length === 0 ? {} : { serverHostKey: keys.types as ServerHostKeyAlgorithm[] }),
        cipher: { prepend: ['aes128-gcm@openssh.com'], append: [], remove: [] },
      },
    };
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('close', () => reject(refused ?? this.failed(new Error('the connection was closed'))));
      client.on('error', (error: Error & { level?: string }) => {
        if (error.level === 'client-authentication')
          reject(
            new PlacementError('platform', `Host ${target.name} refuses the login ${config.username ?? ''} with ${login.text}.`, {
              next: `check the user and the credential: ssh -p ${target.port} ${config.username ?? ''}@${target.address}`,
              cause: error,
            }),
          );
        else reject(refused ?? this.failed(error));
      });
      client.connect(config);
    });
    // Many small requests go back and forth: without this each waits for the acknowledgement of the one before.
    client.setNoDelay(true);
    client.on('close', closed);
    return client;
  }

  private async forward(address: string, port: number): Promise<ClientChannel> {
    const client = await this.connected();
    return new Promise((resolve, reject) => {
      // The jump host tries as long as its system does.
      const late = setTimeout(
        () => reject(this.failed(new Error(`no way to ${address} within ${this.timeoutMs / 1000} s`))),
        this.timeoutMs,
      );
      client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        clearTimeout(late);
        if (error === undefined) resolve(channel);
        else reject(this.failed(error));
      });
    });
  }

  private collect(channel: ClientChannel, stdin: string, signal: AbortSignal | undefined, forget: () => void): Promise<Executed> {
    return new Promise((resolve, reject) => {
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      let code: number | null = null;
      let isGivenUp = false;
      const end = (): void => {
        clearTimeout(late);
        signal?.removeEventListener('abort', stop);
      };
      const give = (error: Error): void => {
        isGivenUp = true;
        end();
        channel.close();
        reject(error);
      };
      const stop = (): void => give(this.stopped());
      const late = setTimeout(
        () => give(this.failed(new Error(`no answer within ${this.context.timeoutMs / 1000} s`))),
        this.context.timeoutMs,
      );
      signal?.addEventListener('abort', stop, { once: true });
      channel.on('data', (data: Buffer) => out.push(data));
      channel.stderr.on('data', (data: Buffer) => err.push(data));
      channel.on('exit', (status: number | null) => (code = status ?? ENDED_BY_SIGNAL));
      channel.on('error', (error: Error) => give(this.failed(error)));
      channel.on('close', () => {
        end();
        if (isGivenUp) return;
        if (code === null) {
          forget();
          reject(this.failed(new Error('the connection was lost before the command ended')));
        } else resolve({ code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
      });
      if (signal?.aborted === true) stop();
      else channel.end(stdin);
    });
  }

  private stopped(): PlacementError {
    return new PlacementError('interrupted', `Stopped as asked, before host ${this.target.name} answered.`);
  }

  private failed(cause: Error & { code?: string; level?: string }): PlacementError {
    const { name, address, port } = this.target;
    const at = `${address} port ${port}`;
    const [why, next] = reasons[cause.code ?? cause.level ?? ''] ?? [cause.message, 'ssh there by hand'];
    return new PlacementError('platform', `Host ${name} (${at}) does not answer: ${why}.`, { next, cause });
  }
}

/** Where many log in at once, sshd hangs up on some before it says a word (MaxStartups). */
function wasTurnedAway(error: unknown): boolean {
  if (!PlacementError.isInstance(error) || !(error.cause instanceof Error)) return false;
  const { message, code }: NodeJS.ErrnoException = error.cause;
  return message === 'Connection lost before handshake' || code === 'ECONNRESET';
}

const reasons: Readonly<Record<string, readonly [why: string, next: string]>> = {
  ENOTFOUND: ['its address is no known name', 'correct `address`, or the name service'],
  EAI_AGAIN: ['the name service does not answer', 'give its address as numbers, or repair the name service'],
  ECONNREFUSED: ['nothing listens there', 'start sshd, or correct `address` and `port`'],
  EHOSTUNREACH: ['there is no way to it', 'bring it up, or correct `address`'],
  ENETUNREACH: ['there is no way to its network', 'correct the route, or reach it `via` a jump host'],
  ETIMEDOUT: ['it is silent', 'bring it up, or open the way through the firewall'],
  'client-timeout': ['it is silent', 'bring it up, or open the way through the firewall'],
};
