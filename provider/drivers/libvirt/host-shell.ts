/**
 * A shell on a host that stays open, and a virsh beside it: each start of virsh costs ten times what it is asked. Scripts run in it one
 * after the other, each to its end, whatever becomes of the connection meanwhile; shell and virsh end with the connection.
 */
import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import { PlacementError } from '../../core/errors.js';
import type { ExecOptions, Executed } from './connection.js';
import { ENDED_BY_SIGNAL } from './held-command.js';
import { oneWord } from './quote.js';

/** A command of virsh in a script; its answer is in `$out`, with what it says of errors. */
export const ask = (words: string): string => `v ${oneWord(words)}`;
/** Prints it. */
export const tell = `printf '%s' "$out"`;
/** Ends the script where it is an error. */
export const orFail = `case $nl$out in *"$nl"error:*) ${tell}; exit 1 ;; esac`;

/** What a shell needs of its connection. */
export interface ShellHost {
  readonly sudo: boolean;
  readonly timeoutMs: number;
  /** Starts a command line whose input stays open. @param listen is called at once. */
  open(line: string, signal: AbortSignal | undefined, listen: (channel: ClientChannel) => void): Promise<void>;
  failed(cause: Error): PlacementError;
  stopped(): PlacementError;
}

export class HostShell {
  private current: OpenShell | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly host: ShellHost) {}

  /**
   * Runs a script, in which virsh is asked by `ask`, or started by `start` where it is fed. What it prints on both outputs is `stdout`, and
   * `stderr` too where it fails.
   *
   * @throws PlacementError as `exec` of the connection.
   */
  run(script: string, { signal, stdin = '', repeatable = false }: ExecOptions & { readonly repeatable?: boolean } = {}): Promise<Executed> {
    const done = this.turn.then(async () => {
      if (isAborted(signal)) throw this.host.stopped();
      // It may have ended since.
      if (this.current?.isOver === true) this.current = null;
      const kept = this.current;
      const first = await settled(this.once(script, stdin, signal));
      // The shell that was kept, or its virsh, was gone, as after a reboot of the host.
      const again = repeatable && kept !== null && this.current !== kept && !isAborted(signal);
      if (again) return this.once(script, stdin, signal);
      if (first.error !== null) throw first.error;
      return first.value;
    });
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async once(script: string, stdin: string, signal: AbortSignal | undefined): Promise<Executed> {
    const shell = (this.current ??= new OpenShell(this.host));
    try {
      return await shell.run(script, stdin, signal);
    } finally {
      if (shell.isOver && this.current === shell) this.current = null;
    }
  }
}

type Settled<T> = { readonly value: T; readonly error: null } | { readonly error: Error };

const settled = async <T>(work: Promise<T>): Promise<Settled<T>> =>
  work.then(
    (value) => ({ value, error: null }),
    (error: unknown) => ({ error: error as Error }),
  );

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** One such shell, from its start to its end. */
class OpenShell {
  /** Nothing more is asked of it. */
  isOver = false;
  private readonly nonce = randomBytes(9).toString('hex');
  private channel: ClientChannel | null = null;
  private printed = '';
  private asked = 0;
  private heard: () => void = () => undefined;
  private code: number | null = null;
  private hasEnded = false;

  constructor(private readonly host: ShellHost) {}

  /** The script before has ended, or this shell is over. */
  async run(script: string, stdin: string, signal: AbortSignal | undefined): Promise<Executed> {
    const channel = this.channel ?? (await this.start(signal));
    this.asked += 1;
    this.printed = '';
    const mark = `${this.nonce}-${this.asked}`;
    const end = new RegExp(`\\n@@${mark}@(\\d+)@@\\n$`);
    const input = stdin === '' ? '< /dev/null' : `<<'${mark}'\n${stdin}\n${mark}`;
    channel.write(`(\n${script}\n) 2>&1 ${input}\nprintf '\\n@@%s@%s@@\\n' ${mark} "$?"\n`);
    const found = await this.answer(end, signal);
    if (found === null) return this.ended();
    const [all, status] = [found[0], Number(found[1])];
    const stdout = this.printed.slice(0, -all.length);
    const isVirshGone = status === VIRSH_ENDED || status === SIGPIPE;
    if (isVirshGone) this.end();
    return { code: isVirshGone ? 1 : status, stdout, stderr: status === 0 ? '' : stdout };
  }

  private async start(signal: AbortSignal | undefined): Promise<ClientChannel> {
    try {
      await this.host.open('exec sh', signal, (channel) => {
        this.channel = channel;
        channel.setEncoding('utf8').on('data', (text: string) => this.hear(text));
        channel.stderr.setEncoding('utf8').on('data', (text: string) => this.hear(text));
        channel.on('exit', (status: number | null) => (this.code = status ?? ENDED_BY_SIGNAL));
        channel.on('error', () => this.close());
        channel.on('close', () => this.close());
        channel.write(setup(this.nonce, this.host.sudo));
      });
    } catch (error) {
      this.isOver = true;
      throw error;
    }
    if (this.channel === null) throw this.host.failed(new Error('it gives no channel'));
    return this.channel;
  }

  private hear(text: string): void {
    this.printed += text;
    this.heard();
  }

  private close(): void {
    [this.isOver, this.hasEnded] = [true, true];
    this.heard();
  }

  private end(): void {
    this.isOver = true;
    this.channel?.close();
  }

  /** null: it has ended before. */
  private answer(end: RegExp, signal: AbortSignal | undefined): Promise<RegExpExecArray | null> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(late);
        signal?.removeEventListener('abort', stop);
        this.heard = () => undefined;
      };
      // What it was asked it does to its end; nobody waits for it.
      const give = (error: PlacementError): void => {
        settle();
        this.end();
        reject(error);
      };
      const stop = (): void => give(this.host.stopped());
      const { timeoutMs } = this.host;
      const late = setTimeout(() => give(this.host.failed(new Error(`no answer within ${timeoutMs / 1000} s`))), timeoutMs);
      this.heard = () => {
        const found = this.printed.endsWith('@@\n') ? end.exec(this.printed) : null;
        if (found === null && !this.hasEnded) return;
        settle();
        resolve(found);
      };
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted === true) stop();
      else this.heard();
    });
  }

  /** Nothing of a script ran where it ended at once. */
  private ended(): Executed {
    if (this.code === null) throw this.host.failed(new Error('the connection was lost before the command ended'));
    const said = this.printed.trim();
    return { code: this.code === VIRSH_ENDED || this.code === 0 ? 1 : this.code, stdout: said, stderr: said };
  }
}

/** How a script ends whose virsh has ended. */
const VIRSH_ENDED = 79;
/** It was gone already when it was asked. */
const SIGPIPE = 141;

/**
 * virsh says nothing at the end of an answer, so it is told to say something before and after, in words that do not stand so in its echo of
 * what it reads. When it ends by itself it writes that into its history: it ends by writing to nobody. One that is not linked with readline
 * takes short lines only, and is started for each question.
 */
const setup = (nonce: string, sudo: boolean): string => `
given=$PATH
unset LANGUAGE
export LC_ALL=C.UTF-8 INPUTRC=/dev/null TERM=dumb PATH="$PATH:/usr/sbin:/sbin"
cd /
uid=$(id -u)
nl='
'
command -v virsh > /dev/null || { echo 'virsh: command not found' >&2; exit 127; }
start() { ${sudo ? 'sudo -n ' : ''}virsh -q -c qemu:///system "$@" 2>&1; }
v() { out=$(start "$1" < /dev/null; echo .); out=\${out%.}; }
ask() {
  out= echoed=
  printf '%s%s%s\n' 'echo "@@"${nonce}b@@; pwd; ' "$1" '; echo "@@"${nonce}e@@; pwd' >&3
  while IFS= read -r l <&4; do
    case $l in
    '@@${nonce}b@@'*) out= ;;
    *'@@${nonce}e@@'*) out=$out\${l%%'@@${nonce}e@@'*}; return ;;
    *'echo "@@"'*) echoed=yes ;;
    'error: Reconnected to the hypervisor') ;;
    *) out=$out$l$nl ;;
    esac
  done
  # It prints why when it ends.
  printf '%s' "$out" >&2
  exit ${VIRSH_ENDED}
}
if d=$(mktemp -d) && mkfifo "$d/i" "$d/o"; then
  start < "$d/i" > "$d/o" &
  exec 3> "$d/i" 4< "$d/o"
  rm -r "$d"
  trap '' PIPE
  ask pwd
  trap 'exec 4<&-; trap "" PIPE; echo pwd >&3' EXIT
  trap - PIPE
  [ -z "$echoed" ] && exec 3>&- 4<&- || v() { ask "$1"; }
fi
`;
