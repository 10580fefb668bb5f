/** The process that carries a disk, without hosts: what it says when it cannot reach them, and that it is gone after it. */
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Route } from '../../../provider/drivers/libvirt/connection.js';
import { Relay } from '../../../provider/drivers/libvirt/relay.js';

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const routeTo = (name: string, port: number): Route => ({
  hosts: [
    {
      ...{ name, address: '127.0.0.1', port, user: 'nobody', sudo: false, migrationUser: null, knownHosts: null, via: null },
      ...{ credential: { kind: 'passwordEnv', variable: 'PATH' }, hostKey: 'SHA256:none' },
    },
  ],
  context: { baseDir: '/', timeoutMs: 10_000 },
});
const end = { socket: '/nowhere', about: 'The image /a on host-a' };

test('given a host that nothing listens on, then it says which, and what to do', async () => {
  const port = await closedPort();
  const relay = new Relay(routeTo('host-a', port), routeTo('host-a', port));
  await expect(relay.open(end, end, new AbortController().signal)).rejects.toMatchObject({
    code: 'platform',
    said: `Host host-a (127.0.0.1 port ${port}) does not answer: nothing listens there.`,
    next: 'start sshd, or correct `address` and `port`',
  });
  await relay.close();
  await expect(relay.carry(0, 512)).rejects.toMatchObject({ code: 'platform', message: expect.stringMatching(/has ended .*goes on/) });
});

test('given a signal, then it is stopped', async () => {
  const port = await closedPort();
  const relay = new Relay(routeTo('host-a', port), routeTo('host-a', port));
  await expect(relay.open(end, end, AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' });
  await relay.close();
});
