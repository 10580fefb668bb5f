/** Connections to hosts of the lab, as the driver has them. */
import { Connection } from '../provider/drivers/libvirt/connection.js';
import { resolveLibvirt } from '../schema/libvirt.js';
import { datacenter } from '../test/lab/datacenter.js';

/** Opened for `use` and closed after it. */
export async function connections<T>(names: readonly string[], use: (opened: readonly Connection[]) => Promise<T>): Promise<T> {
  const hosts = resolveLibvirt(datacenter()).clusters.flatMap((cluster) => cluster.hosts);
  const opened = names.map((name) => {
    const target = hosts.find((host) => host.name === name);
    if (target === undefined) throw new Error(`the lab has no ${name}`);
    return new Connection(target, { baseDir: '/', timeoutMs: 30_000 }, null);
  });
  try {
    return await use(opened);
  } finally {
    await Promise.all(opened.map((one) => one.close()));
  }
}
