import type { ResolvedSshTarget } from '../../../schema/libvirt.js';

/** As libvirt of another host reaches this one. Nobody is asked for a password or about a key. */
export const uriOf = ({ migrationUser: user, address, port }: ResolvedSshTarget): string =>
  `qemu+ssh://${user === null ? '' : `${user}@`}${address.includes(':') ? `[${address}]` : address}:${port}/system?no_tty=1`;
