/**
 * What moves need on each host, tried as they use it and without effect: its tools, the rights of the login, its pools. An image of
 * zeroes is served to this machine for a moment, as the disks of a cold move are, from the folder of the login.
 */
import { randomBytes } from 'node:crypto';
import type { ResolvedLibvirt, ResolvedLibvirtHost } from '../../../schema/libvirt.js';
import type { HostCheck } from '../../core/driver.js';
import { PlacementError } from '../../core/errors.js';
import type { Connection } from './connection.js';
import { virsh } from './domain-state.js';
import { hostChecks, imagesOf, throughSudo } from './host-checks.js';
import { sshCheck } from './native-ssh.js';
import { privateFolder } from './private-folder.js';
import { quote, script } from './quote.js';
import { cut, readHost, type Reading } from './reading.js';
import { serveImage } from './served-image.js';
import { missingTools } from './tools.js';

export async function examineHosts(
  config: ResolvedLibvirt,
  connectionTo: (host: string) => Connection,
  signal?: AbortSignal,
): Promise<readonly HostCheck[]> {
  const hosts = config.clusters.flatMap((cluster) => cluster.hosts);
  // All have ended before one that failed is told: what goes on would open connections that nobody closes.
  const done = await Promise.allSettled(hosts.map((host) => examine(host, connectionTo(host.name), signal)));
  const ofHosts = done.flatMap((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  return [sshCheck(), ...ofHosts];
}

async function examine(host: ResolvedLibvirtHost, connection: Connection, signal: AbortSignal | undefined): Promise<readonly HostCheck[]> {
  const nonce = randomBytes(9).toString('hex');
  const reading = await readHost(connection, nonce, signal).catch((error: unknown) => {
    // Why a host cannot be read, the survey tells.
    if (PlacementError.isInstance(error) && error.code !== 'interrupted') return null;
    throw error;
  });
  if (reading === null) return [];
  const at = { cluster: host.cluster, host: host.name };
  const told = await tryOut(connection, nonce, host.sudo ? [] : imagesOf(reading, at), signal);
  const lines = (key: string): readonly string[] => (told.get(key) ?? '').split('\n').filter((line) => line !== '');
  const denied = lines('denied');
  const canServe = denied.length === 0 && !missingTools(reading).some((tool) => serving.includes(tool));
  return hostChecks({
    at,
    user: host.user ?? 'the login',
    sudo: host.sudo,
    reading,
    denied,
    closed: lines('closed'),
    inactivePools: lines('inactive'),
    served: canServe ? await serve(connection, nonce, signal) : 'not tried',
  });
}

/** Without one of these it is clear that no disk can be served, and why. */
const serving = ['qemu-img', 'qemu-nbd', 'flock', 'stat', 'timeout'];

/** `--version` is the same to sudo as any other call. */
async function tryOut(connection: Connection, nonce: string, images: readonly string[], signal: AbortSignal | undefined): Promise<Reading> {
  const sudo = throughSudo
    .map((tool) => `command -v ${tool} > /dev/null && { sudo -n ${tool} --version > /dev/null 2>&1 || echo ${tool}; }`)
    .join('\n');
  const { stdout } = await connection.exec(
    script(`
export LC_ALL=C
mark() { printf '\\n@@%s@%s@@\\n' ${nonce} "$1"; }
mark inactive; ${virsh(connection)} pool-list --inactive --name
mark denied
${connection.target.sudo ? sudo : ''}
mark closed
while IFS= read -r p; do [ -r "$p" ] && [ -w "$p" ] || printf '%s\\n' "$p"; done`),
    { stdin: images.map((path) => `${path}\n`).join(''), repeatable: true, signal },
  );
  return cut(stdout, nonce);
}

/** An image in the folder of the login. */
async function serve(connection: Connection, nonce: string, signal: AbortSignal | undefined): Promise<'yes' | PlacementError> {
  const image = `"$d"/${quote(`doctor-${nonce}.img`)}`;
  try {
    const made = await connection.exec(script(`${privateFolder}\nhead -c 65536 /dev/zero > ${image} && echo ${image}`), { signal });
    // Who could not make it is told why, as for any other image.
    const path = made.code === 0 ? made.stdout.trim() : '/tmp';
    const served = await serveImage(connection, { id: `doctor ${nonce}`, path, format: 'raw', access: 'read', signal });
    await served.close();
    return 'yes';
  } catch (error) {
    if (PlacementError.isInstance(error) && error.code === 'platform') return error;
    throw error;
  } finally {
    await connection.exec(script(`${privateFolder}\nrm -f ${image}`));
  }
}
