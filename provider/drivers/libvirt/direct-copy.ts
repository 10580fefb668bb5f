/**
 * The content of a disk straight from host to host: qemu-img of the source writes into the server of the target, through an ssh of the
 * source's login. This process says which stretch is next, makes durable what has arrived, and can stop and go on like the relayed copy.
 */
import { userInfo } from 'node:os';
import { PlacementError } from '../../core/errors.js';
import type { Connection, Executed } from './connection.js';
import type { DiskCopy } from './copy-disk.js';
import { stretches } from './disk-map.js';
import { Meter } from './meter.js';
import { privateFolder } from './private-folder.js';
import { command, quote, script } from './quote.js';
import { fileName } from './served-image.js';

export interface Tunnel {
  /** A socket on the source that leads to the one on the target. */
  readonly socket: string;
  close(): Promise<void>;
}

/** As one for the login of the source. @throws PlacementError `platform`: why there is no way. */
export async function openTunnel(
  from: Connection,
  to: Connection,
  { id, socket, signal }: { readonly id: string; readonly socket: string; readonly signal: AbortSignal },
): Promise<Tunnel> {
  const { user, address, port, name } = to.target;
  const ssh = command(
    'ssh',
    ...['-N', '-T', '-o', 'BatchMode=yes', '-o', 'ExitOnForwardFailure=yes', '-o', 'ConnectTimeout=10', '-o', 'ServerAliveInterval=5'],
    ...['-o', 'Ciphers=^aes128-gcm@openssh.com', '-p', String(port), '-l', user ?? userInfo().username],
  );
  const { held, firstLine } = await from.hold(
    script(`
export LC_ALL=C
${privateFolder}
s=$d/${fileName(id)}.direct
rm -f "$s"
exec 3<&0
${ssh} -L "$s":${quote(socket)} -- ${quote(address)} < /dev/null > /dev/null 3<&- &
t=$!
until [ -S "$s" ]; do kill -0 $t 2> /dev/null || { wait $t; exit; }; sleep 0.05; done
(read -r _ <&3; kill $t 2> /dev/null) &
echo "$s"
wait $t
code=$?
kill $! 2> /dev/null
rm -f "$s"
exit $code`),
    {
      readyMs: 20_000,
      signal,
      refused: ({ code, stderr }) =>
        new PlacementError(
          'platform',
          `Host ${from.target.name} does not reach ${name} (${address} port ${port}) by ssh: ${lastLine(stderr) || `ssh ended with ${code}`}.`,
          {
            next: `give ${from.target.user ?? 'the login'} of ${from.target.name} a key that ${name} takes, and its host key; then disks are copied directly`,
          },
        ),
    },
  );
  return {
    socket: firstLine,
    async close() {
      await held.end();
    },
  };
}

export interface DirectCopy extends DiskCopy {
  readonly host: Connection;
  readonly tunnel: Tunnel;
  /** On the source. */
  readonly path: string;
  readonly format: string;
}

/** @returns the bytes of data that were sent. @throws as `copyDisk` does. */
export async function copyDirectly(copy: DirectCopy): Promise<number> {
  const { source, target, signal, host, tunnel } = copy;
  const size = source.exported.bytes;
  const meter = new Meter(copy.onProgress);
  for await (const { kind, bytes } of stretches(source, { from: copy.start ?? 0, to: size })) if (kind === 'data') meter.found(bytes);
  // With a limit no more than goes in that time either.
  const most = (copy.bytesPerSecond ?? Infinity) * aimSeconds;
  let [offset, wanted] = [copy.start ?? 0, Math.min(firstBytes, most)];
  // Dropped when it is stopped: what qemu-img does then ends with an error.
  const stop = (): void => void tunnel.close().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (offset < size) {
      if (signal.aborted) throw stopped(copy, offset);
      const stretch = await nextStretch(copy, offset, wanted);
      const begun = performance.now();
      const done = await convert(copy, offset, stretch.end - offset);
      if (signal.aborted) throw stopped(copy, offset);
      if (done.code !== 0)
        throw new PlacementError(
          'platform',
          `${source.about} is not copied to ${target.about}: ${lastLine(done.stderr) || `qemu-img ended with ${done.code}`}.`,
          {
            next: `look at both, and at the way between them; ssh from ${host.target.name} by hand; then pulumi up goes on from byte ${offset}`,
          },
        );
      await target.flush();
      offset = stretch.end;
      meter.sent(stretch.data);
      await copy.onDurable(offset);
      const seconds = Math.max(0.01, (performance.now() - begun) / 1000);
      wanted = Math.min(mostBytes, most, Math.max(leastBytes, (stretch.data / seconds) * aimSeconds));
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  meter.report();
  return meter.bytes;
}

/** As much as takes some seconds: each costs the start of a program, and is what is sent again after a fault. */
const aimSeconds = 5;
const MiB = 2 ** 20;
const [firstBytes, leastBytes, mostBytes] = [256 * MiB, 64 * MiB, 8192 * MiB];

/** Up to where about so much data lies, and how much it is. */
async function nextStretch({ source }: DirectCopy, from: number, wanted: number): Promise<{ readonly end: number; readonly data: number }> {
  const size = source.exported.bytes;
  let [end, data] = [from, 0];
  for await (const { offset, bytes, kind } of stretches(source, { from, to: size })) {
    if (kind === 'zero') end = offset + bytes;
    else {
      const part = Math.min(bytes, wanted - data);
      [end, data] = [offset + part, data + part];
      if (data >= wanted) break;
    }
  }
  // Images are whole blocks.
  const whole = Math.min(size, Math.ceil(end / block) * block);
  return { end: whole, data };
}

const block = 64 * 1024;

/** Zeroes are written as zeroes, so that what an attempt before left there goes. */
function convert({ host, tunnel, path, format, bytesPerSecond = null }: DirectCopy, offset: number, bytes: number): Promise<Executed> {
  const window = `driver=raw,offset=${offset},size=${bytes}`;
  const comma = (text: string): string => text.replaceAll(',', ',,');
  const limit = bytesPerSecond === null ? [] : ['-r', String(Math.max(1, Math.floor(bytesPerSecond)))];
  const line = command(
    ...['qemu-img', 'convert', '-n', '-W', '-m', '16', '-t', 'writeback', ...limit, '--image-opts', '--target-image-opts'],
    `${window},file.driver=${format},file.file.driver=file,file.file.filename=${comma(path)}`,
    `${window},file.driver=nbd,file.server.type=unix,file.server.path=${comma(tunnel.socket)}`,
  );
  const asRoot = host.target.sudo ? 'sudo -n ' : '';
  return host
    .hold(script(`export LC_ALL=C; echo begun; ${asRoot}${line} < /dev/null > /dev/null`), {
      readyMs: 20_000,
      refused: ({ code, stderr }) => new PlacementError('platform', `qemu-img ended with ${code}: ${lastLine(stderr)}.`),
    })
    .then(({ held }) => held.ended);
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const stopped = ({ source }: DirectCopy, offset: number): PlacementError =>
  new PlacementError('interrupted', `The copy of ${source.about} was stopped as asked, at byte ${offset}.`, {
    next: 'run again: it goes on from there',
  });
