import { expect, test } from 'vitest';
import { uriOf } from '../../../provider/drivers/libvirt/uri.js';
import type { LibvirtSsh } from '../../../schema/generated/types.js';
import { resolveLibvirt } from '../../../schema/libvirt.js';

const uri = (ssh: LibvirtSsh, address = '192.0.2.11'): string =>
  uriOf(resolveLibvirt({ ssh, clusters: { blue: { hosts: { 'blue-1': { address } } } } }).clusters[0]!.hosts[0]!);

test('libvirtd of another host comes as migrationUser, else as the login, else as whom SSH takes there', () => {
  expect(uri({ user: 'ops', migrationUser: 'root' })).toBe('qemu+ssh://root@192.0.2.11:22/system?no_tty=1');
  expect(uri({ user: 'ops' })).toBe('qemu+ssh://ops@192.0.2.11:22/system?no_tty=1');
  expect(uri({ port: 2222 }, '2001:db8::11')).toBe('qemu+ssh://[2001:db8::11]:2222/system?no_tty=1');
});
