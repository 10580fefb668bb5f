/**
 * A shell on a host that stays open, and a virsh beside it: each start of virsh costs ten times what it is asked. Scripts run in it one
 * after the other, each to its end, whatever becomes of the connection meanwhile; shell and virsh end with the connection. One that takes
 * long does not hold up the others: they get a shell of their own.
 */
import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import { PlacementError } from '../../core/errors.js';
import type { AskOptions, Executed } from './connection.js';
import { ENDED_BY_SIGNAL } from './held-command.js';
import { oneWord } from './quote.js';

/** A command of virsh in a script; its answer is in `$out`, with what it says of errors. */
export const ask = (words: string): string => `v ${oneWord(words)}`;
/** Prints it. */
export const tell = `printf '%s' "$out"`;
/** Ends the script where it tells an error. */
export const orFail = `case $nl$out in *"$nl"error:*) ${tell}; exit 1 ;; esac`;
/** The same for texts of others, which may have such a line. */
export const orNone = `case $out in error:*) ${tell}; exit 1 ;; esac`;

/** What a shell needs of its connection. */
export interface ShellHost {
  readonly sudo: boolean;
  readonly timeoutMs: number;
  /** Starts a command line whose input stays open. @param listen is called at once; `free` says that the channel is not used any more. */
  open(line: string, signal: AbortSignal | undefined, listen: (channel: ClientChannel, free: () => void) => void): Promise<void>;
  failed(cause: Error): PlacementError;
  stopped(): PlacementError;
}

export class HostShell {
  private shells: OpenShell[] = [];
  private waiting: (() => void)[] = [];
  /** How many have been opened. */
  opened = 0;

  constructor(private readonly host: ShellHost) {}

  /**
   * Runs a script, in which virsh is asked by `ask`, or started by `start` where it is fed. What it prints on both outputs is `stdout`, and
   * `stderr` too where it fails.
   *
   * @throws PlacementError as `exec` of the connection.
   */
  async run(script: string, { signal, stdin = '', repeatable = false }: AskOptions = {}): Promise<Executed> {
    for (;;) {
      const shell = await this.take(signal);
      const wasKept = shell.hasRun;
      const [done] = await Promise.allSettled([this.use(shell, script, stdin, signal)]);
      if (repeatable && wasKept && shell.isLost && !isAborted(signal)) continue;
      if (done.status === 'rejected') throw done.reason;
      return done.value;
    }
  }

  private async use(shell: OpenShell, script: string, stdin: string, signal: AbortSignal | undefined): Promise<Executed> {
    try {
      return await shell.run(script, stdin, signal);
    } finally {
      shell.rest();
      this.waiting.shift()?.();
    }
  }

  /** One that is idle; where all are busy for long, another one. */
  private async take(signal: AbortSignal | undefined): Promise<OpenShell> {
    for (;;) {
      if (isAborted(signal)) throw this.host.stopped();
      this.shells = this.shells.filter((shell) => !shell.isOver);
      const shell = this.shells.find(({ busyMs }) => busyMs === null) ?? this.another();
      if (shell !== null) {
        shell.begin();
        return shell;
      }
      await this.turn(signal);
    }
  }

  private another(): OpenShell | null {
    const areBusy = this.shells.every(({ busyMs }) => busyMs !== null && busyMs >= patienceMs);
    if (!areBusy || this.shells.length >= most) return null;
    const shell = new OpenShell(this.host);
    this.opened += 1;
    this.shells.push(shell);
    return shell;
  }

  /** Until one is idle, or it is worth looking again. */
  private turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(late);
        signal?.removeEventListener('abort', settle);
        this.waiting = this.waiting.filter((one) => one !== settle);
        resolve();
      };
      const late = setTimeout(settle, patienceMs + 10);
      signal?.addEventListener('abort', settle, { once: true });
      this.waiting.push(settle);
    });
  }
}

const patienceMs = 1000;
const most = 3;

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** One such shell, from its start to its end. */
class OpenShell {
  /** Nothing more is asked of it. */
  isOver = false;
  /** It, or its virsh, has ended by itself. */
  isLost = false;
  private busySinceMs: number | null = null;
  private readonly nonce = randomBytes(9).toString('hex');
  private channel: ClientChannel | null = null;
  private free: () => void = () => undefined;
  private printed = '';
  private asked = 0;
  private heard: () => void = () => undefined;
  private code: number | null = null;
  private hasEnded = false;

  constructor(private readonly host: ShellHost) {}

  get hasRun(): boolean {
    return this.asked > 0;
  }

  /** With the script that it has now; null: with none. */
  get busyMs(): number | null {
    return this.busySinceMs === null ? null : performance.now() - this.busySinceMs;
  }

  begin(): void {
    this.busySinceMs = performance.now();
  }

  rest(): void {
    this.busySinceMs = null;
  }

  /** The script before has ended. */
  async run(script: string, stdin: string, signal: AbortSignal | undefined): Promise<Executed> {
    const channel = this.channel ?? (await this.start(signal));
    this.asked += 1;
    this.printed = '';
    const mark = `${this.nonce}-${this.asked}`;
    const end = new RegExp(`@@${mark}@@\\n([^]*)\\n@@${mark}@(\\d+)@@\\n$`);
    const feed = stdin === '' ? '' : `printf '%s' ${oneWord(stdin)} | `;
    // Whatever the shell printed at its start comes before the first mark.
    channel.write(`s=${this.asked}
printf '@@%s@@\\n' ${mark}
${feed}(
${script}
) 2>&1${stdin === '' ? ' < /dev/null' : ''}
printf '\\n@@%s@%s@@\\n' ${mark} "$?"
`);
    const found = await this.answer(end, signal);
    if (found === null) return this.ended();
    const [stdout = '', status = ''] = found.slice(1);
    const code = Number(status);
    // A script that was killed may have left a question half asked.
    const isVirshLost = code === VIRSH_ENDED || code >= KILLED;
    if (isVirshLost) {
      this.isLost = true;
      this.end();
    }
    return { code: isVirshLost ? 1 : code, stdout, stderr: code === 0 ? '' : stdout };
  }

  private async start(signal: AbortSignal | undefined): Promise<ClientChannel> {
    try {
      await this.host.open('exec sh', signal, (channel, free) => {
        [this.channel, this.free] = [channel, free];
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
    [this.isOver, this.isLost, this.hasEnded] = [true, true, true];
    this.heard();
  }

  /** sshd keeps the channel until the script has ended. */
  private end(): void {
    this.isOver = true;
    this.channel?.close();
    this.free();
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
/** By a signal: as by that of a pipe to a virsh that is gone already. */
const KILLED = 128;

/**
 * virsh says nothing at the end of an answer, so it is told to say something before and after, in words that do not stand so in its echo of
 * what it reads. A line that it does not understand it does not carry out at all, so the last word is a line of its own. When virsh ends by
 * itself it writes what it read into its history: it ends by writing to nobody. One that is not linked with readline takes short lines only,
 * and is started for each question.
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
s=0 q=0
${openVirsh(nonce)}`;

const openVirsh = (nonce: string): string => `
ask() {
  q=$((q + 1)) n=0 out= begun= isOver= echoed=
  m=${nonce}.$s.$q
  printf 'echo "@@"%sb@@; pwd; %s; echo "@@"%se@@; pwd\necho "@@"%sz@@; pwd\n' "$m" "$1" "$m" "$m" >&3
  while IFS= read -r l <&4; do
    case $l in
    "@@\${m}b@@"*) out= begun=yes ;;
    *"@@\${m}e@@"*) out=$out\${l%%"@@\${m}e@@"*} isOver=yes ;;
    *"@@\${m}z@@"*) return ;;
    'error: Reconnected to the hypervisor') ;;
    *)
      [ -z "$isOver" ] || continue
      case $begun$l in *'echo "@@"'*) [ -n "$begun" ] || { echoed=yes; continue; } ;; esac
      out=$out$l$nl n=$((n + 1))
      # Line by line, much takes long.
      [ $n -lt 300 ] && continue
      out=$out$(sed "/@@\${m}z@@/q" <&4)
      case $out in *"@@\${m}z@@"*) ;; *) break ;; esac
      out=\${out%%"@@\${m}e@@"*}
      return
      ;;
    esac
  done
  # It prints why when it ends.
  printf '%s' "$out" >&2
  exit ${VIRSH_ENDED}
}
if d=$(mktemp -d) && { mkfifo "$d/i" "$d/o" || { rm -r "$d"; false; }; }; then
  start < "$d/i" > "$d/o" &
  exec 3> "$d/i" 4< "$d/o"
  rm -r "$d"
  trap '' PIPE
  ask pwd
  trap 'exec 4<&-; trap "" PIPE; echo pwd >&3' EXIT
  trap 'exec 4<&-; trap "" PIPE; echo pwd >&3; exit 1' HUP INT TERM
  trap - PIPE
  [ -z "$echoed" ] && exec 3>&- 4<&- || v() { ask "$1"; }
fi
`;
