/** Opens the libvirt driver: connections are made when a host is first asked. */
import type { ResolvedLibvirt, ResolvedSshTarget } from '../../../schema/libvirt.js';
import type { OpenDriver } from '../driver.js';
import { Connection } from './connection.js';
import { libvirtDriver } from './driver.js';

export const openLibvirt: OpenDriver<ResolvedLibvirt> = async (config, { baseDir }) => {
  const { hosts, jumps } = connect(config, baseDir);
  return libvirtDriver(config, hosts, jumps);
};

/** A connection for each host, and one for each jump host that they share. */
function connect(
  config: ResolvedLibvirt,
  baseDir: string,
): { readonly hosts: ReadonlyMap<string, Connection>; readonly jumps: readonly Connection[] } {
  const context = { baseDir, timeoutMs: config.timeoutMs };
  const jumps = new Map<string, Connection>();
  const through = ({ via }: ResolvedSshTarget): Connection | null => {
    const jump = config.jumpHosts.find(({ name }) => name === via);
    if (jump === undefined) return null;
    const connection = jumps.get(jump.name) ?? new Connection(jump, context, through(jump));
    jumps.set(jump.name, connection);
    return connection;
  };
  const hosts = new Map(
    config.clusters.flatMap((cluster) => cluster.hosts).map((host) => [host.name, new Connection(host, context, through(host))]),
  );
  return { hosts, jumps: [...jumps.values()] };
}
