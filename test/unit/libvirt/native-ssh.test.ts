import { expect, test } from 'vitest';
import { sshCheck } from '../../../provider/drivers/libvirt/native-ssh.js';

test('without compiled ciphers it warns, and says what to do; with them all is well', () => {
  expect(sshCheck(false)).toMatchObject({ host: null, result: 'warn', fix: expect.stringContaining('npm rebuild ssh2') });
  expect(sshCheck(true)).toMatchObject({ host: null, result: 'ok', fix: '' });
});
