/** The process that copies an image, without hosts: what it says when it cannot reach them, and that it is gone after it. */
import { createServer, type AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Connection } from '../../../provider/drivers/libvirt/connection.js';
import { copyInProcess } from '../../../provider/drivers/libvirt/copy-process.js';

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function copy(signal: AbortSignal): Promise<{ readonly port: number; readonly done: Promise<void> }> {
  const port = await closedPort();
  const host = (name: string): Connection =>
    new Connection(
      {
        ...{ name, address: '127.0.0.1', port, user: 'nobody', sudo: false, migrationUser: null, knownHosts: null, via: null },
        ...{ credential: { kind: 'passwordEnv', variable: 'PATH' }, hostKey: 'SHA256:none' },
      },
      { baseDir: '/', timeoutMs: 10_000 },
      null,
    );
  const told = { onProgress: vi.fn(), onRelayed: vi.fn(), onDurable: vi.fn() };
  const image = { id: 'move-1 vda', path: '/a', pathThere: '/b', format: 'raw', direct: false } as const;
  return { port, done: copyInProcess({ ...image, ...told, signal }, { from: host('host-a'), to: host('host-a') }) };
}

test('given a host that nothing listens on, then it says which, and what to do', async () => {
  const { port, done } = await copy(new AbortController().signal);
  await expect(done).rejects.toMatchObject({
    code: 'platform',
    said: `Host host-a (127.0.0.1 port ${port}) does not answer: nothing listens there.`,
    next: 'start sshd, or correct `address` and `port`',
  });
});

test('given a signal before it began, then nothing is begun', async () => {
  const { done } = await copy(AbortSignal.abort());
  await expect(done).rejects.toMatchObject({ code: 'interrupted' });
});
