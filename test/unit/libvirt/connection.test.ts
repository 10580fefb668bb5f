import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connect, createServer } from 'node:net';
import ssh2, { type Connection as Served, type ServerChannel } from 'ssh2';
import { Connection } from '../../../provider/drivers/libvirt/connection.js';
import { openLibvirt } from '../../../provider/drivers/libvirt/open.js';
import { resolveLibvirt } from '../../../schema/libvirt.js';

const keys = ssh2.utils.generateKeyPairSync('ed25519');
const parsed = ssh2.utils.parseKey(keys.private);
if (parsed instanceof Error) throw parsed;
const hostKey = `SHA256:${createHash('sha256').update(parsed.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;

/** What the host does with the next command. */
let answer: (channel: ServerChannel) => void = () => undefined;
let opened: { client: Served; closed: Promise<void> }[] = [];
let server: ssh2.Server;
let port: number;
let connection: Connection;

beforeEach(async () => {
  vi.stubEnv('VMP_TEST_PASSWORD', 'secret');
  opened = [];
  server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    opened.push({ client, closed: new Promise((resolve) => client.on('close', resolve)) });
    client.on('error', () => undefined);
    client.on('authentication', (context) => (context.method === 'password' ? context.accept() : context.reject(['password'])));
    client.on('tcpip', (accept) => {
      const through = accept();
      const there = connect(port, '127.0.0.1', () => through.pipe(there).pipe(through));
      there.on('error', () => undefined);
    });
    client.on('session', (accept) => accept().on('exec', (take) => answer(take())));
  });
  port = await new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)));
  const ssh = { user: 'some', hostKey, port, passwordEnv: 'VMP_TEST_PASSWORD' };
  const [cluster] = resolveLibvirt({ ssh, clusters: { blue: { hosts: { 'blue-1': { address: '127.0.0.1' } } } } }).clusters;
  connection = new Connection(cluster!.hosts[0]!, { baseDir: '/', timeoutMs: 5000 }, null);
});

afterEach(async () => {
  await connection.close();
  await new Promise((resolve) => server.close(resolve));
  vi.unstubAllEnvs();
});

const ends = (code: number) => (channel: ServerChannel) => {
  channel.exit(code);
  channel.end();
};

test('a command that ends at once has its status, and the connection stays', async () => {
  answer = ends(77);
  for (let round = 0; round < 20; round += 1)
    expect(await Promise.all([connection.exec('one'), connection.exec('two')])).toMatchObject([{ code: 77 }, { code: 77 }]);
  expect(opened).toHaveLength(1);
});

test('one that is held and ends at once is refused with its status', async () => {
  answer = ends(76);
  const refused = (ended: { code: number }): never => {
    throw new Error(`ended with ${ended.code}`);
  };
  await expect(connection.hold('serve', { readyMs: 5000, refused })).rejects.toThrow('ended with 76');
  expect(opened).toHaveLength(1);
});

test('a connection that is given up gives way to another one, and ends after it began; all are closed at the end', async () => {
  answer = ends(0);
  await connection.exec('first');
  answer = (channel) => {
    answer = ends(0);
    channel.close();
  };
  expect(await connection.exec('reads', { repeatable: true })).toMatchObject({ code: 0 });
  await opened[0]!.closed;
  await connection.exec('last');
  expect(opened).toHaveLength(2);
  await connection.close();
  await opened[1]!.closed;
});

test('a command that a signal ended, and one that is given up, leave the connection to others', async () => {
  answer = (channel) => {
    channel.exit('KILL');
    channel.end();
  };
  expect(await connection.exec('killed')).toMatchObject({ code: 128 });
  const stop = new AbortController();
  answer = () => stop.abort();
  await expect(connection.exec('slow', { signal: stop.signal })).rejects.toMatchObject({ code: 'interrupted' });
  answer = ends(0);
  await connection.exec('last');
  expect(opened).toHaveLength(1);
});

test('what is stopped before its turn is not begun', async () => {
  const begun: string[] = [];
  answer = (channel) => {
    begun.push('one');
    ends(0)(channel);
  };
  const stop = new AbortController();
  const waiting = connection.exec('effect', { signal: stop.signal });
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  await connection.exec('another');
  expect(begun).toEqual(['one']);
});

test('the connections to jump hosts end with the driver', async () => {
  answer = ends(1);
  const ssh = { user: 'some', hostKey, port, passwordEnv: 'VMP_TEST_PASSWORD' };
  const config = resolveLibvirt({
    jumpHosts: { gate: { address: '127.0.0.1', ssh } },
    clusters: { blue: { hosts: { inner: { address: '127.0.0.1', ssh: { ...ssh, via: 'gate' } } } } },
  });
  const driver = await openLibvirt(config, { baseDir: '/' });
  await driver.survey({});
  expect(opened).toHaveLength(2);
  await driver.close();
  await Promise.all(opened.map(({ closed }) => closed));
});

test('one that sshd hangs up on before it says a word, as it does with many at once, is tried again; not for ever', async () => {
  answer = ends(0);
  let [reached, turnedAway] = [0, 2];
  const front = createServer((socket) => {
    reached += 1;
    const there = reached <= turnedAway ? null : connect(port, '127.0.0.1');
    for (const one of [socket, there]) one?.on('error', () => undefined);
    if (there === null) socket.destroy();
    else socket.pipe(there).pipe(socket);
  });
  const at = await new Promise<number>((resolve) =>
    front.listen(0, '127.0.0.1', () => resolve((front.address() as { port: number }).port)),
  );
  const behind = new Connection({ ...connection.target, port: at }, { baseDir: '/', timeoutMs: 5000 }, null);
  expect(await behind.exec('one')).toMatchObject({ code: 0 });
  expect(reached).toBe(3);
  await behind.close();
  [reached, turnedAway] = [0, Infinity];
  await expect(behind.exec('one')).rejects.toMatchObject({ code: 'platform' });
  expect(reached).toBe(4);
  await new Promise((resolve) => front.close(resolve));
});

test('routes through the same jump host share the connection to it', async () => {
  answer = ends(0);
  const jump = { ...connection.target, name: 'jump' };
  const context = { baseDir: '/', timeoutMs: 5000 };
  const jumps = new Map<string, Connection>();
  const both = ['blue-1', 'blue-2'].map((name) => Connection.along({ hosts: [jump, { ...connection.target, name }], context }, jumps));
  for (const one of both) expect(await one.exec('one')).toMatchObject({ code: 0 });
  expect(opened).toHaveLength(3);
  expect(both[0]!.route.hosts.map(({ name }) => name)).toEqual(['jump', 'blue-1']);
  await Promise.all([...both, ...jumps.values()].map((one) => one.close()));
});
