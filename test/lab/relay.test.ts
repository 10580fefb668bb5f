/** The content of disks from one host to another through this machine: real qemu-nbd over real SSH, between clusters without a route. */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PlacementError } from '../../provider/core/errors.js';
import { Connection } from '../../provider/drivers/libvirt/connection.js';
import { copyDisk, type DiskCopy } from '../../provider/drivers/libvirt/copy-disk.js';
import { copyInProcess } from '../../provider/drivers/libvirt/copy-process.js';
import type { ImageCopy } from '../../provider/drivers/libvirt/image-copy.js';
import { serveImage, type ImageToServe, type ServedImage } from '../../provider/drivers/libvirt/served-image.js';
import type { LibvirtSsh } from '../../schema/generated/types.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { datacenter } from './datacenter.js';
import { clearLab, lab, login } from './kit.js';

const MiB = 1024 ** 2;
const folder = '/var/lib/libvirt/images';
const connections: Connection[] = [];

function connect(host: string, own: LibvirtSsh = {}): Connection {
  const target = resolveLibvirt(datacenter(own))
    .clusters.flatMap(({ hosts }) => hosts)
    .find(({ name }) => name === host)!;
  const connection = new Connection(target, { baseDir: '/', timeoutMs: 6000 }, null);
  connections.push(connection);
  return connection;
}

const serve = (connection: Connection, name: string, access: 'read' | 'write', more: Partial<ImageToServe> = {}): Promise<ServedImage> =>
  serveImage(connection, { id: `move-1 ${name}`, path: `${folder}/${name}`, format: 'qcow2', access, ...more });

/** What a shell of root there says; its arguments are $1, $2 ... */
const sh = (host: string, script: string, ...args: readonly string[]): string => lab('exec', host, 'sh', '-euc', script, 'sh', ...args);

/** A sparse image with 1 MiB of random data at these offsets in MiB. */
const makeImage = (host: string, name: string, sizeMiB: number, ...data: readonly number[]): string =>
  sh(
    host,
    `cd ${folder}; name=$1; truncate -s $2M raw; shift 2
     for at; do dd if=/dev/urandom of=raw bs=1M count=1 seek=$at conv=notrunc status=none; done
     qemu-img convert -q -f raw -O qcow2 raw "./$name"; rm raw`,
    name,
    `${sizeMiB}`,
    ...data.map(String),
  );
const makeTarget = (host: string, name: string, sizeMiB: number): string =>
  sh(host, `qemu-img create -q -f qcow2 "${folder}/$1" $2M`, name, `${sizeMiB}`);

const compare = (name: string): string => lab('compare', lab('disk', 'host-a', name), lab('disk', 'host-c', name));
const allocated = (host: string, name: string): number => statSync(lab('disk', host, name)).blocks * 512;

const servers = (host: string): number => Number(sh(host, 'cat /proc/[0-9]*/comm 2> /dev/null | grep -c qemu-nbd || true'));
const left = (host: string): string =>
  sh(host, 'ls /tmp/vmplacement-*/ 2> /dev/null || true')
    .replaceAll(/^\/tmp.*$/gm, '')
    .trim();
const nothingIsLeft = async (...hosts: readonly string[]): Promise<void> => {
  for (const host of hosts)
    await vi.waitFor(() => expect([host, servers(host), left(host)]).toEqual([host, 0, '']), { timeout: 5000, interval: 200 });
};

const copy = (source: ServedImage, target: ServedImage, more: Partial<DiskCopy> = {}): Promise<number> =>
  copyDisk({
    source: source.client,
    target: target.client,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onDurable: () => Promise.resolve(),
    ...more,
  });

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  clearLab();
});

const everyThird = Array.from({ length: 100 }, (_, index) => 3 * index);

describe('a copy', () => {
  test.each(['web-01.qcow2', `-it's "$(touch pwned)" größe, a:b %41`])(
    'of %s is identical and as sparse, and both images are free after it',
    async (name) => {
      makeImage('host-a', name, 1000, ...everyThird, 999);
      makeTarget('host-c', name, 1000);
      const [source, target] = [await serve(connect('host-a'), name, 'read'), await serve(connect('host-c'), name, 'write')];
      const durable: number[] = [];
      const seen = vi.fn<DiskCopy['onProgress']>();
      const sent = await copy(source, target, { onProgress: seen, onDurable: async (offset) => void durable.push(offset) });
      await Promise.all([source.close(), target.close()]);
      expect(sent).toBe(101 * MiB);
      expect(durable.at(-1)).toBe(1000 * MiB);
      expect(seen).toHaveBeenLastCalledWith({ bytes: 101 * MiB, total: 101 * MiB, rate: expect.any(Number) });
      expect(compare(name)).toBe('Images are identical.');
      expect(allocated('host-c', name)).toBeLessThan(allocated('host-a', name) * 1.05);
      for (const host of ['host-a', 'host-c']) expect([servers(host), left(host)]).toEqual([0, '']);
      expect(sh('host-a', 'ls -a /root /tmp /')).not.toContain('pwned');
    },
  );

  test('that was stopped goes on in another run, and nothing that was durable is sent again', async () => {
    makeImage('host-a', 'web-01', 400, ...everyThird);
    makeTarget('host-c', 'web-01', 400);
    const stop = new AbortController();
    const durable: number[] = [];
    const run = async (more: Partial<DiskCopy>): Promise<number> => {
      const [source, target] = [await serve(connect('host-a'), 'web-01', 'read'), await serve(connect('host-c'), 'web-01', 'write')];
      const read = vi.spyOn(source.client, 'read');
      try {
        return await copy(source, target, { onDurable: async (offset) => void durable.push(offset), ...more });
      } finally {
        for (const [offset] of read.mock.calls) expect(offset).toBeGreaterThanOrEqual(more.start ?? 0);
        await Promise.all([source.close(), target.close()]);
      }
    };
    let first = 0;
    const onProgress: DiskCopy['onProgress'] = ({ bytes }) => {
      first = bytes;
      if (bytes > 40 * MiB) stop.abort();
    };
    await expect(run({ signal: stop.signal, onProgress, bytesPerSecond: 60 * MiB })).rejects.toMatchObject({ code: 'interrupted' });
    const from = durable.at(-1)!;
    expect(from).toBeGreaterThan(100 * MiB);
    expect(from).toBeLessThan(300 * MiB);
    const second = await run({ start: from });
    expect(second).toBe(everyThird.filter((at) => at * MiB >= from).length * MiB);
    expect(first + second).toBeLessThanOrEqual(100 * MiB);
    expect(compare('web-01')).toBe('Images are identical.');
  });

  test('over what an earlier one left makes zero what is zero at the source', async () => {
    makeImage('host-a', 'web-01', 100, 1);
    makeImage('host-c', 'web-01', 100, 0, 50, 99);
    const [source, target] = [await serve(connect('host-a'), 'web-01', 'read'), await serve(connect('host-c'), 'web-01', 'write')];
    expect(await copy(source, target)).toBe(MiB);
    await Promise.all([source.close(), target.close()]);
    expect(compare('web-01')).toBe('Images are identical.');
  });
});

test('what is written does not fill the memory of the host; a file system that cannot do without is served too', async () => {
  makeImage('host-a', 'web-01', 400, ...everyThird);
  makeTarget('host-c', 'web-01', 400);
  const cached = (): number => Number(sh('host-c', `fincore -bnro RES ${folder}/web-01`));
  const copied = async (path: string): Promise<void> => {
    const target = await serve(connect('host-c'), 'web-01', 'write', { path });
    const source = await serve(connect('host-a'), 'web-01', 'read');
    await copy(source, target);
    await Promise.all([source.close(), target.close()]);
  };
  await copied(`${folder}/web-01`);
  expect(cached()).toBeLessThan(5 * MiB);
  expect(compare('web-01')).toBe('Images are identical.');

  sh('host-c', 'mkdir -p /srv/memory; mount -t ramfs none /srv/memory; qemu-img create -q -f qcow2 /srv/memory/web-01 400M');
  try {
    await copied('/srv/memory/web-01');
    expect(await nothingIsLeft('host-a', 'host-c')).toBeUndefined();
    sh('host-c', `cp /srv/memory/web-01 ${folder}/web-01`);
    expect(compare('web-01')).toBe('Images are identical.');
  } finally {
    sh('host-c', 'umount /srv/memory');
  }
});

describe('an image, copied by a process of its own,', () => {
  const carriers = (): readonly string[] => {
    const { stdout } = spawnSync('pgrep', ['-f', `-P${process.pid}`, 'libvirt/copier'], { encoding: 'utf8' });
    return stdout.split('\n').filter((pid) => pid !== '');
  };
  const run = (more: Partial<ImageCopy> = {}): Promise<void> =>
    copyInProcess(
      {
        ...{ id: 'move-1', path: `${folder}/web-01`, pathThere: `${folder}/web-01` },
        ...{ format: 'qcow2', direct: false, signal: new AbortController().signal },
        ...{ onRelayed: () => undefined, onProgress: () => undefined, onDurable: () => Promise.resolve() },
        ...more,
      },
      { from: connect('host-a'), to: connect('host-c') },
    );
  const ended = async (): Promise<void> => {
    await nothingIsLeft('host-a', 'host-c');
    expect(carriers()).toEqual([]);
  };
  beforeEach(() => {
    makeImage('host-a', 'web-01', 400, ...everyThird);
    makeTarget('host-c', 'web-01', 400);
  });

  test('is identical after it, and the process is gone', async () => {
    let most = 0;
    await run({ onProgress: () => void (most = Math.max(most, carriers().length)) });
    expect(most).toBe(1);
    expect(compare('web-01')).toBe('Images are identical.');
    await ended();
  });

  test('when it is killed, then that is told, and the next run goes on from what is durable', async () => {
    let durable = 0;
    const onDurable = async (offset: number): Promise<void> => {
      durable = offset;
      process.kill(Number(carriers()[0]), 'SIGKILL');
    };
    await expect(run({ onDurable, bytesPerSecond: 10 * MiB })).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringMatching(/process of this machine .*ended \(SIGKILL\)/),
    });
    await ended();
    expect(durable).toBeGreaterThan(100 * MiB);
    let sent = 0;
    await run({ start: durable, onProgress: ({ bytes }) => void (sent = bytes) });
    expect(sent).toBe(everyThird.filter((at) => at * MiB >= durable).length * MiB);
    expect(compare('web-01')).toBe('Images are identical.');
    await ended();
  });

  test('when what is durable cannot be written down, then the copy ends, and this is why', async () => {
    const lost = new PlacementError('lease-lost', 'Somebody else has it.');
    await expect(run({ onDurable: () => Promise.reject(lost), bytesPerSecond: 10 * MiB })).rejects.toBe(lost);
    await ended();
  });

  test('when that is so because it was stopped, then it was stopped', async () => {
    const stop = new AbortController();
    const busy = new PlacementError('platform', 'The host is busy.');
    const onDurable = (): Promise<void> => {
      stop.abort();
      return Promise.reject(busy);
    };
    await expect(run({ onDurable, signal: stop.signal, bytesPerSecond: 10 * MiB })).rejects.toMatchObject({
      code: 'interrupted',
      cause: busy,
    });
    await ended();
  });

  test.each([0, 30 * MiB])('when it is stopped after %d bytes, then it says so, and the process is gone', async (after) => {
    const stop = new AbortController();
    const onProgress: ImageCopy['onProgress'] = ({ bytes }) => bytes >= after && stop.abort();
    const stopped = run({ signal: stop.signal, onProgress, bytesPerSecond: 40 * MiB });
    if (after === 0) await vi.waitFor(() => expect(carriers()).toHaveLength(1));
    if (after === 0) stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    await ended();
  });

  test('when another run takes the image over, then nothing of the first one writes to it any more', async () => {
    let sent = 0;
    const first = run({ bytesPerSecond: 10 * MiB, onProgress: ({ bytes }) => void (sent = bytes) });
    const failed = expect(first).rejects.toMatchObject({ code: 'platform' });
    await vi.waitFor(() => expect(sent).toBeGreaterThan(5 * MiB), { timeout: 20_000 });
    await run();
    await failed;
    expect(compare('web-01')).toBe('Images are identical.');
    await ended();
  });
});

describe('given a run that is gone', () => {
  beforeEach(() => {
    makeImage('host-a', 'web-01', 400, ...everyThird);
    makeTarget('host-c', 'web-01', 400);
  });

  test('when its connections are cut in the middle, then all is rejected, nothing stays behind, and the next run serves the image', async () => {
    const [a, c] = [connect('host-a'), connect('host-c')];
    const [source, target] = [await serve(a, 'web-01', 'read'), await serve(c, 'web-01', 'write')];
    const running = copy(source, target, { bytesPerSecond: 10 * MiB });
    await expect(
      Promise.all([
        running,
        (async () => {
          await vi.waitFor(() => expect(servers('host-c')).toBe(1));
          for (const host of ['host-a', 'host-c']) sh(host, 'read -r pid since < "$(echo /tmp/vmplacement-0/*.owner)"; kill -9 $pid');
        })(),
      ]),
    ).rejects.toMatchObject({ code: 'platform', message: expect.stringContaining('its connection was lost') });
    await nothingIsLeft('host-a', 'host-c');
    await expect(source.close()).rejects.toMatchObject({ code: 'platform' });
    await (await serve(a, 'web-01', 'read')).close();
  });

  test('but whose sessions are still there, then the next one ends them', async () => {
    const old = await serve(connect('host-c'), 'web-01', 'write');
    const reading = old.client.read(0, Buffer.alloc(MiB)).then(() => old.client.read(MiB, Buffer.alloc(MiB)));
    await reading;
    const next = await serve(connect('host-c'), 'web-01', 'write');
    await expect(old.client.flush()).rejects.toMatchObject({ code: 'platform' });
    await next.client.write(0, Buffer.alloc(MiB, 1));
    await next.client.flush();
    await next.close();
    await nothingIsLeft('host-c');
  });

  test('and whose server never had a client, then the next one ends it', async () => {
    const connection = connect('host-c');
    const abandon = { refused: () => new Error('refused') as never, readyMs: 10_000 };
    const lines: string[] = [];
    const spied = vi.spyOn(connection, 'hold').mockImplementation(async (line) => {
      lines.push(line);
      throw new Error('not now');
    });
    await expect(serve(connection, 'web-01', 'write')).rejects.toThrow('not now');
    spied.mockRestore();
    const { held } = await connect('host-c').hold(lines[0]!, abandon);
    const next = await serve(connection, 'web-01', 'write');
    await expect(held.ended).rejects.toMatchObject({ code: 'platform' });
    await next.close();
    const { held: other } = await connection.hold(lines[0]!, abandon);
    expect(await other.end()).toMatchObject({ code: 0 });
    await nothingIsLeft('host-c');
  });
});

describe('an image is refused', () => {
  beforeEach(() => void makeImage('host-a', 'web-01', 10, 1));

  test('to a second writer, and to a reader beside a writer', async () => {
    const first = await serve(connect('host-a'), 'web-01', 'write');
    for (const access of ['read', 'write'] as const)
      await expect(serve(connect('host-a'), 'web-01', access, { id: 'other' })).rejects.toThrow(
        /host-a .*web-01: another process has it open.*Next: fuser/,
      );
    await first.close();
    await nothingIsLeft('host-a');
  });

  test('for writing where it was asked for to read', async () => {
    const served = await serve(connect('host-a'), 'web-01', 'read');
    await expect(served.client.write(0, Buffer.alloc(512))).rejects.toThrow(/web-01 on host-a: it is served for reading only/);
    await expect(served.client.writeZeroes(0, 512)).rejects.toThrow(/for reading only/);
    await served.close();
  });

  test('that is not there, or of another format', async () => {
    const connection = connect('host-a');
    await expect(serve(connection, 'nowhere', 'read')).rejects.toThrow(/serve the image \/var\/.*nowhere: it does not exist.*Next/);
    sh('host-a', `echo text > ${folder}/text`);
    await expect(serve(connection, 'text', 'read')).rejects.toThrow(/not in qcow2 format/);
    await nothingIsLeft('host-a');
  });

  test('where the private folder belongs to somebody else, or leads elsewhere', async () => {
    for (const make of ['ln -s /tmp/elsewhere', 'mkdir -m 777']) {
      sh('host-a', `rm -rf /tmp/vmplacement-0; mkdir -p -m 700 /tmp/elsewhere; ${make} /tmp/vmplacement-0`);
      await expect(serve(connect('host-a'), 'web-01', 'read')).rejects.toThrow(/not a folder of root alone/);
    }
    sh('host-a', 'rm -rf /tmp/vmplacement-0 /tmp/elsewhere');
  });
});

describe('a login that is not root', () => {
  const tools = 'vmp ALL=(root) NOPASSWD: /usr/bin/virsh, /usr/bin/qemu-img, /usr/bin/qemu-nbd';
  const umask = 'Defaults!/usr/bin/qemu-nbd umask=0000, umask_override';
  const asVmp = (more: LibvirtSsh = { sudo: true }): Connection => connect('host-a', { user: 'vmp', ...more });
  beforeEach(() => {
    login('host-a', 'vmp', tools, umask);
    makeImage('host-a', 'web-01', 10, 1);
    sh('host-a', `chmod 600 ${folder}/web-01`);
  });

  test('serves an image of root by sudo, and the next run takes over', async () => {
    const old = await serve(asVmp(), 'web-01', 'write');
    const next = await serve(asVmp(), 'web-01', 'write');
    await expect(old.client.flush()).rejects.toMatchObject({ code: 'platform' });
    await next.client.write(0, Buffer.alloc(MiB, 1));
    await next.client.flush();
    await next.close();
    await nothingIsLeft('host-a');
    await serve(asVmp(), 'web-01', 'write');
    sh('host-a', 'read -r pid since < "$(echo /tmp/vmplacement-2*/*.owner)"; kill -9 $pid');
    await nothingIsLeft('host-a');
  });

  test('is told what it lacks', async () => {
    await expect(serve(asVmp({}), 'web-01', 'read')).rejects.toThrow(/vmp may not open it.*set ssh.sudo/);
    login('host-a', 'vmp', tools);
    await expect(serve(asVmp(), 'web-01', 'read')).rejects.toThrow(/cannot reach the socket of a qemu-nbd of root.*sudoers/);
    login('host-a', 'vmp');
    await expect(serve(asVmp(), 'web-01', 'read')).rejects.toThrow(/may not run qemu-nbd by sudo.*sudoers/);
    await nothingIsLeft('host-a');
  });
});
