/** What is looked at around a move on real hosts. */
import { expect } from 'vitest';
import { define, lab, virsh } from './kit.js';

/** Neither a definition nor an image nor a file of ours. */
export function isClean(host: string): void {
  expect(virsh(host, 'list', '--all', '--name').trim()).toBe('');
  expect(lab('exec', host, 'ls', '/var/lib/libvirt/images')).toBe('');
  expect(lab('exec', host, 'sh', '-c', 'find /tmp/vmplacement-* ! -type d 2> /dev/null || true')).toBe('');
}

/** The guest obeys, and its disk holds everything that it said. */
export const off = (host: string, vm: string): void =>
  void lab(
    'exec',
    host,
    'bash',
    '-c',
    `virsh -q shutdown "$1" --mode acpi; for i in $(seq 150); do virsh -q domstate "$1" | grep -q "shut off" && exit; sleep 0.2; done; exit 1`,
    'bash',
    vm,
  );

/** web-01 of this host, which is off, gets firmware variables with something of its own in them. */
export function withFirmware(host: string): void {
  const xml = virsh(host, 'dumpxml', 'web-01', '--inactive');
  define(host, xml.replace('<os>', "<os firmware='efi'>").replace(/<kernel>.*<\/cmdline>/, ''));
  // libvirt makes the variables at the first start. Of their parts the firmware itself never uses the one for events.
  virsh(host, 'start', 'web-01');
  virsh(host, 'destroy', 'web-01');
  lab('exec', host, 'sh', '-c', `printf mine | dd of=${variables} bs=1 seek=262160 conv=notrunc status=none`);
}

const variables = '/var/lib/libvirt/qemu/nvram/web-01_VARS.fd';

/** A sum of the firmware variables of web-01. */
export const nvram = (host: string): string => lab('exec', host, 'sh', '-c', `sha256sum < ${variables}`);

/** What `withFirmware` has put into them. */
export const nvramMark = (host: string): string => lab('exec', host, 'sh', '-c', `dd if=${variables} bs=1 skip=262160 count=4 status=none`);

export const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
