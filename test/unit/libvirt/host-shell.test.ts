/** The shell that stays open, in a real shell behind a real SSH server; virsh is a program that speaks as it does. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import ssh2, { type Connection as Served } from 'ssh2';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Connection } from '../../../provider/drivers/libvirt/connection.js';
import { ask, orFail, tell } from '../../../provider/drivers/libvirt/host-shell.js';
import { resolveLibvirt } from '../../../schema/libvirt.js';

const keys = ssh2.utils.generateKeyPairSync('ed25519');
const parsed = ssh2.utils.parseKey(keys.private);
if (parsed instanceof Error) throw parsed;
const hostKey = `SHA256:${createHash('sha256').update(parsed.getPublicSSH()).digest('base64').replace(/=+$/, '')}`;

let folder: string;
let server: ssh2.Server;
let connection: Connection;
let clients: Served[];
let ended: Promise<void>[];
const log = (): string[] => readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(0, -1);
const starts = (): number => log().filter((line) => line.startsWith('start')).length;

/** @param echo as one that is linked with readline. */
function virshIs(echo: boolean): void {
  const program = `#!${process.execPath}
const fs = require('node:fs');
const log = (text) => fs.appendFileSync(${JSON.stringify(join(folder, 'log'))}, text + '\\n');
const words = (line) => [...line.matchAll(/(?:"[^"]*"|'[^']*'|\\\\.|[^\\s"'\\\\])+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'|\\\\(.)/g, '$1$2$3'));
const known = ['echo', 'pwd', 'show', 'many', 'fail', 'sleep', 'die', 'refuse'];
const commands = (line) => line.match(/(?:"[^"]*"|'[^']*'|\\\\.|[^;"'\\\\])+/g) ?? [];
function run(line) {
  for (const command of commands(line))
    if (!known.includes(words(command)[0])) return process.stderr.write("error: unknown command: '" + words(command)[0] + "'\\n");
  for (const command of commands(line)) {
    const [name, ...args] = words(command);
    if (name === 'echo') process.stdout.write(args.join(' '));
    else if (name === 'pwd') process.stdout.write(process.cwd() + '\\n');
    else if (name === 'show') process.stdout.write(args.join('|') + '\\n');
    else if (name === 'many') for (let n = 0; n < Number(args[0]); n += 1) process.stdout.write('line ' + n + '\\n');
    else if (name === 'fail') process.stderr.write('error: ' + args.join(' ') + '\\n');
    else if (name === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(args[0]));
    else if (name === 'die' && !fs.existsSync(args[0])) { fs.writeFileSync(args[0], ''); process.kill(process.pid, 'SIGKILL'); }
    else if (name === 'refuse') { process.stderr.write('error: failed to connect to the hypervisor\\n'); process.exit(1); }
  }
}
log('start ' + process.argv.slice(2).join(' '));
if (fs.existsSync(${JSON.stringify(join(folder, 'refuses'))})) run('refuse');
process.on('SIGPIPE', () => process.exit(9));
process.stdout.on('error', () => process.exit(9));
const [given] = process.argv.slice(5);
if (given !== undefined) { run(given); process.exit(0); }
process.stdout.write('virsh # ');
require('node:readline').createInterface({ input: process.stdin })
  .on('line', (line) => { if (${String(echo)}) process.stdout.write(line + '\\n'); run(line); process.stdout.write('virsh # '); })
  .on('close', () => log('history'));
`;
  writeFileSync(join(folder, 'virsh'), program);
  chmodSync(join(folder, 'virsh'), 0o755);
}

beforeEach(async () => {
  vi.stubEnv('VMP_TEST_PASSWORD', 'secret');
  folder = mkdtempSync(join(tmpdir(), 'vmp-shell-'));
  writeFileSync(join(folder, 'log'), '');
  virshIs(true);
  [clients, ended] = [[], []];
  server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    clients.push(client);
    client.on('error', () => undefined);
    client.on('authentication', (context) => (context.method === 'password' ? context.accept() : context.reject(['password'])));
    client.on('session', (accept) =>
      accept().on('exec', (take, _reject, { command }) => {
        const channel = take();
        // What stands for virsh is no program of ours, whatever is to be seen of those.
        const host = spawn('sh', ['-c', command], { env: { ...process.env, NODE_OPTIONS: '', PATH: `${folder}:/usr/bin:/bin` } });
        ended.push(new Promise((resolve) => host.on('close', () => resolve())));
        channel.pipe(host.stdin).on('error', () => undefined);
        host.stdout.pipe(channel, { end: false });
        host.stderr.pipe(channel.stderr, { end: false });
        channel.on('close', () => host.stdin.end());
        host.on('close', (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      }),
    );
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  const ssh = { user: 'some', hostKey, port, passwordEnv: 'VMP_TEST_PASSWORD' };
  const [cluster] = resolveLibvirt({ ssh, clusters: { blue: { hosts: { 'blue-1': { address: '127.0.0.1' } } } } }).clusters;
  connection = new Connection(cluster!.hosts[0]!, { baseDir: '/', timeoutMs: 3000 }, null);
});

afterEach(async () => {
  await connection.close();
  for (const client of clients) client.end();
  await new Promise((resolve) => server.close(resolve));
  await Promise.all(ended);
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

const shown = (words: string): string => `${ask(`show ${words}`)}; ${tell}`;

describe('one shell and one virsh for all scripts', () => {
  test('each gets its own answer, in turn', async () => {
    const told = await Promise.all(['one', 'two', 'three'].map((word) => connection.shell.run(shown(word))));
    expect(told).toEqual(['one', 'two', 'three'].map((word) => ({ code: 0, stdout: `${word}\n`, stderr: '' })));
    expect([starts(), ended.length]).toEqual([1, 1]);
  });

  test('whatever is in the words', async () => {
    const words = `'a "b" $(touch x) \`c\` ; d' "e'f" --g=\\;`;
    expect((await connection.shell.run(shown(words))).stdout).toBe(`a "b" $(touch x) \`c\` ; d|e'f|--g=;\n`);
  });

  test('an answer without an end of line, and several in one', async () => {
    expect((await connection.shell.run(`${ask('show a; echo @@x@@; show b; echo c')}; ${tell}`)).stdout).toBe('a\n@@x@@b\nc');
  });

  test('an answer of many lines, and one that looks like what was asked', async () => {
    const many = await connection.shell.run(`${ask('many 50000; show end')}; ${tell}; ${shown('after')}`);
    expect(many.stdout.split('\n')).toEqual([...Array.from({ length: 50_000 }, (_, index) => `line ${index}`), 'end', 'after', '']);
    expect((await connection.shell.run(shown(`'virsh # echo "@@"x'`))).stdout).toBe('virsh # echo "@@"x\n');
  });

  test('a script has what it is fed with, its status, and what it printed in both ways', async () => {
    const stdin = `it's "$HOME" \`x\`\n\nend`;
    expect(await connection.shell.run('cat; echo told >&2; exit 7', { stdin })).toEqual({
      code: 7,
      stdout: `${stdin}told\n`,
      stderr: `${stdin}told\n`,
    });
    expect((await connection.shell.run('cat')).stdout).toBe('');
  });

  test('what virsh refuses ends a script that says so', async () => {
    expect(await connection.shell.run(`${ask('fail no such domain')}\n${orFail}\necho on`)).toMatchObject({
      code: 1,
      stderr: 'error: no such domain\n',
    });
    expect((await connection.shell.run(`${ask('show no error:')}\n${orFail}\necho on`)).stdout).toBe('on\n');
  });

  test('a line that virsh does not understand is refused, and the next one is answered', async () => {
    expect(await connection.shell.run(`${ask('show a; unheard --of b')}\n${orFail}`)).toMatchObject({
      code: 1,
      stderr: "error: unknown command: 'unheard'\n",
    });
    expect((await connection.shell.run(shown('b'))).stdout).toBe('b\n');
    expect([starts(), ended.length]).toEqual([1, 1]);
  });

  test('a script that was killed while it asked leaves no answer to the next one', async () => {
    await connection.shell.run(shown('one'));
    const killed = `(sleep 0.2; kill -KILL $(cat ${folder}/pid)) & sh -c 'echo $PPID' > ${folder}/pid; ${ask('sleep 600; show old')}`;
    expect(await connection.shell.run(killed)).toMatchObject({ code: 1 });
    expect((await connection.shell.run(shown('new'))).stdout).toBe('new\n');
  });

  test('what the login prints at its start is in no answer', async () => {
    writeFileSync(join(folder, 'mktemp'), '#!/bin/sh\necho noise >&2\nexec /bin/mktemp "$@"\n', { mode: 0o755 });
    expect((await connection.shell.run(shown('one'))).stdout).toBe('one\n');
  });

  test('one that takes long does not hold up the others, and many are answered in turn', async () => {
    const long = connection.shell.run('sleep 1.6; echo long');
    const others = await Promise.all(Array.from({ length: 20 }, (_, index) => connection.shell.run(shown(String(index)))));
    expect(others.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`));
    expect(ended.length).toBe(2);
    expect((await long).stdout).toBe('long\n');
  });

  test('who is stopped while it waits for its turn is told so at once', async () => {
    const long = connection.shell.run('sleep 0.8; echo long');
    const stop = new AbortController();
    const waiting = connection.shell.run(shown('one'), { signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    expect((await long).stdout).toBe('long\n');
  });

  test('it ends with the connection, and virsh has no chance to write what it read into its history', async () => {
    await connection.shell.run(shown('one'));
    await connection.close();
    await Promise.all(ended);
    expect(log()).not.toContain('history');
  });
});

test('the same where sh is bash', async () => {
  if (!existsSync('/bin/bash')) throw new Error('This test needs bash.');
  symlinkSync('/bin/bash', join(folder, 'sh'));
  const words = `'a "b" $(touch x) \`c\` ; d' "e'f"`;
  expect((await connection.shell.run(`${shown(words)}; ${shown('two')}`)).stdout).toBe(`a "b" $(touch x) \`c\` ; d|e'f\ntwo\n`);
  expect(await connection.shell.run(`cat; ${ask('fail it')}; ${orFail}`, { stdin: 'fed' })).toMatchObject({
    code: 1,
    stderr: 'federror: it\n',
  });
  expect(await connection.shell.run(ask(`die ${folder}/dead`))).toMatchObject({ code: 1 });
  expect((await connection.shell.run(shown('three'))).stdout).toBe('three\n');
});

describe('what is lost', () => {
  test('a connection that was lost meanwhile is opened again, also for what is done once', async () => {
    await connection.shell.run(shown('one'));
    clients[0]!.end();
    await Promise.all(ended);
    await vi.waitFor(async () => expect((await connection.shell.run(shown('two'))).stdout).toBe('two\n'));
    expect(clients).toHaveLength(2);
  });

  test('in the middle: what only reads is asked again, anything else is told', async () => {
    await connection.shell.run(shown('one'));
    const script = (mark: string): string => `[ -e ${folder}/${mark} ] || { touch ${folder}/${mark}; sleep 1; }; echo on`;
    const cut = async (mark: string): Promise<void> => {
      await vi.waitFor(() => expect(existsSync(join(folder, mark))).toBe(true));
      clients.at(-1)!.end();
    };
    const reading = connection.shell.run(script('first'), { repeatable: true });
    await cut('first');
    expect(await reading).toMatchObject({ code: 0, stdout: 'on\n' });
    const doing = connection.shell.run(script('second'));
    const told = expect(doing).rejects.toThrow(/blue-1.*the connection was lost before the command ended/);
    await cut('second');
    await told;
    expect((await connection.shell.run(shown('three'))).stdout).toBe('three\n');
  });

  test('virsh alone: a script that asks it ends, and the next one has another', async () => {
    await connection.shell.run(shown('one'));
    const dies = (mark: string): string => `${ask(`die ${folder}/${mark}`)}; ${shown('two')}`;
    expect((await connection.shell.run(dies('first'), { repeatable: true })).stdout).toBe('two\n');
    expect(await connection.shell.run(dies('second'))).toMatchObject({ code: 1 });
    expect((await connection.shell.run(shown('three'))).stdout).toBe('three\n');
  });
});

describe('who does not wait', () => {
  test('is told that it was stopped, and the next one is not kept waiting', async () => {
    await connection.shell.run(shown('one'));
    const stop = new AbortController();
    const waiting = connection.shell.run(ask('sleep 2000'), { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    expect((await connection.shell.run(shown('two'))).stdout).toBe('two\n');
  });

  test('after the time that a host has, it does not answer, and is not asked again', async () => {
    await connection.shell.run(shown('one'));
    const slow = connection.shell.run(`echo asked >> ${folder}/slow; sleep 4`, { repeatable: true });
    await expect(slow).rejects.toThrow(/blue-1.*no answer within 3 s/);
    expect(readFileSync(join(folder, 'slow'), 'utf8')).toBe('asked\n');
    expect((await connection.shell.run(shown('two'))).stdout).toBe('two\n');
  });
});

describe('a host where virsh', () => {
  test('is not there', async () => {
    rmSync(join(folder, 'virsh'));
    if (existsSync('/usr/bin/virsh')) return;
    expect(await connection.shell.run(shown('one'))).toMatchObject({
      code: 127,
      stderr: expect.stringContaining('virsh: command not found'),
    });
  });

  test('cannot connect tells why, and is tried again by the next script', async () => {
    writeFileSync(join(folder, 'refuses'), '');
    expect(await connection.shell.run(shown('one'))).toMatchObject({ code: 1, stderr: 'error: failed to connect to the hypervisor' });
    rmSync(join(folder, 'refuses'));
    expect((await connection.shell.run(shown('one'))).stdout).toBe('one\n');
  });

  test('takes short lines only, for it is not linked with readline, is started for each question', async () => {
    virshIs(false);
    expect((await connection.shell.run(`${shown('one')}; ${shown('two')}`)).stdout).toBe('one\ntwo\n');
    expect(log()).toContainEqual(expect.stringMatching(/^start .*show two$/));
  });
});
