/** The lab as a libvirt datacenter. */
import type { LibvirtDatacenter, LibvirtSsh } from '../../schema/generated/types.js';
import { addresses, labState } from './kit.js';

export const ssh = { user: 'root', identityFile: `${labState}/ssh/id_ed25519`, knownHosts: `${labState}/ssh/known_hosts` };

/** @param own what is different for host-a. */
export function datacenter(own: LibvirtSsh = {}): LibvirtDatacenter {
  const host = (name: keyof typeof addresses) => ({ [name]: { address: addresses[name], ...(name === 'host-a' ? { ssh: own } : {}) } });
  return {
    ssh,
    timeout: '6s',
    clusters: { blue: { hosts: { ...host('host-a'), ...host('host-b') } }, green: { hosts: { ...host('host-c'), ...host('host-d') } } },
  };
}
