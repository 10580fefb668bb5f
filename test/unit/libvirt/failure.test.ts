import { expect, test } from 'vitest';
import { failure } from '../../../provider/drivers/libvirt/hot.js';

const encrypted = 'blue/host-b';
const lost = 'End of file while reading data: : Input/output error';

test('given a reason, then it is told as it is', () => {
  expect(failure('no space', null)).toEqual({ why: 'no space', next: null });
  expect(failure('', null)).toEqual({ why: 'libvirt tells no reason', next: null });
});

test('given an error of the certificate, then whose certificate is for which address is to be looked at', () => {
  const { why, next } = failure('Certificate does not match the hostname 10.0.0.2', encrypted);
  expect(why).toBe('Certificate does not match the hostname 10.0.0.2');
  expect(next).toMatch(/that of blue\/host-b is for 10\.0\.0\.2; then pulumi up/);
});

test('given only the end of a connection, then the log is named, and the certificate where QEMU encrypts', () => {
  expect(failure(lost, null)).toEqual({
    why: `libvirt has lost the reason (${lost})`,
    next: 'journalctl -t libvirtd -t virtqemud on the source tells the reason; then pulumi up tries it again',
  });
  expect(failure(lost, encrypted).next).toMatch(/blue\/host-b is for migration_host in qemu.conf there, else its host name; journalctl/);
});
