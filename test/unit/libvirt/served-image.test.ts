import { describe, expect, test } from 'vitest';
import type { Connection, Executed } from '../../../provider/drivers/libvirt/connection.js';
import type { HoldOptions } from '../../../provider/drivers/libvirt/held-command.js';
import { serveImage, type ImageToServe } from '../../../provider/drivers/libvirt/served-image.js';

/** A host on which the script ends before it is ready; and the script. */
function host(ended: Partial<Executed>, sudo = false): { readonly connection: Connection; readonly scripts: string[] } {
  const scripts: string[] = [];
  const hold = (line: string, { refused }: HoldOptions): Promise<never> => {
    scripts.push(line);
    return Promise.reject(refused({ code: 1, stdout: '', stderr: '', ...ended }));
  };
  return { connection: { target: { name: 'host-a', user: 'vmp', sudo }, hold } as unknown as Connection, scripts };
}

const image: ImageToServe = { id: 'move-1 vda', path: '/pool/a b.qcow2', format: 'qcow2', access: 'write' };

describe('an image that cannot be served says why and what to do', () => {
  test.each<[string, Partial<Executed>, RegExp]>([
    ['no qemu-nbd', { code: 127, stderr: 'sh: 1: qemu-nbd: not found' }, /there is no qemu-nbd. Next: install qemu-utils/],
    ['no qemu-nbd for sudo', { stderr: 'sudo: qemu-nbd: command not found' }, /there is no qemu-nbd/],
    ['no right to sudo', { stderr: 'sudo: a password is required' }, /vmp may not run qemu-nbd by sudo.*docs\/drivers\/libvirt\.md/],
    ['the socket is closed to us', { code: 0, stderr: 'vmplacement: the socket is not writable' }, /cannot reach the socket.*sudoers/],
    [
      'in use',
      { stderr: 'Failed to get "write" lock\nIs another process using the image [x]?' },
      /open.* Next: fuser -v '\/pool\/a b.qcow2'/,
    ],
    ['absent', { stderr: "qemu-nbd: Could not open 'x': No such file or directory" }, /it does not exist/],
    ['closed to us', { stderr: "qemu-nbd: Could not open 'x': Permission denied" }, /vmp may not open it.*ssh\.sudo/],
    ['a folder of others', { code: 71 }, /not a folder of vmp alone/],
    ['another run that does not end', { code: 76, stderr: '4711 123456\n' }, /another run serves it.*sshd process 4711/],
    ['anything else', { stderr: 'qemu-nbd: out of luck' }, /: qemu-nbd: out of luck\. Next/],
    ['nothing', { code: 3 }, /qemu-nbd ended with 3/],
  ])('%s', async (_what, ended, message) => {
    const refused = serveImage(host(ended).connection, image);
    await expect(refused).rejects.toMatchObject({ code: 'platform', message: expect.stringMatching(message) });
    await expect(refused).rejects.toThrow('Host host-a cannot serve the image /pool/a b.qcow2');
  });
});

test.each([
  ['write', 'filesystem does not support O_DIRECT', ['none', 'writeback']],
  ['write', 'Image size is not a multiple of request alignment', ['none', 'writeback']],
  ['write', 'No such file or directory', ['none']],
  ['read', 'filesystem does not support O_DIRECT', ['writeback']],
] as const)("to %s where qemu-nbd says '%s' is served with the host's cache: %j", async (access, stderr, caches) => {
  const { connection, scripts } = host({ stderr });
  await expect(serveImage(connection, { ...image, access })).rejects.toMatchObject({ code: 'platform' });
  expect(scripts.map((script) => /--cache=(\w+)/.exec(script)?.[1])).toEqual(caches);
});

test('the names of its files are safe, short and not those of another disk', async () => {
  const socketOf = async (id: string): Promise<string> => {
    const { connection, scripts } = host({});
    await expect(serveImage(connection, { ...image, id })).rejects.toThrow();
    return /s=\$d\/(\S+)\.sock/.exec(scripts[0] ?? '')?.[1] ?? '';
  };
  const ids = ['m vda', 'm/vda', '../../x', '$(touch pwned)', `${'long'.repeat(50)}1`, `${'long'.repeat(50)}2`, 'größe'];
  const names = await Promise.all(ids.map(socketOf));
  for (const name of names) expect(name).toMatch(/^[\w-]{1,60}$/);
  expect(new Set(names).size).toBe(ids.length);
  expect(await socketOf('m vda')).toBe(names[0]);
});

test('a path that is not absolute, or holds a line break, reaches no shell', async () => {
  const { connection, scripts } = host({});
  for (const path of ['-rf', 'nbd:unix:/x', '/a\nb']) await expect(serveImage(connection, { ...image, path })).rejects.toThrow();
  expect(scripts).toEqual([]);
});
