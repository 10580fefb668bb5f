/** Whether a host is the one it should be: by its pinned fingerprint, else by known hosts. There is no way around it. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ResolvedSshTarget } from '../../../schema/libvirt.js';
import { PlacementError } from '../../core/errors.js';
import { pathOf } from './credentials.js';
import { fingerprint, keyType, knownKeys, type KnownKey } from './known-hosts.js';

export interface HostKeyCheck {
  /** Types of keys to ask for; empty: any. A host has several keys and shows the first type that it is asked for. */
  readonly types: readonly string[];
  /** Why this key is refused, or null. */
  readonly refuse: (key: Buffer) => PlacementError | null;
}

export async function hostKeyCheck(target: ResolvedSshTarget, baseDir: string): Promise<HostKeyCheck> {
  const { name, address, port, hostKey } = target;
  if (hostKey !== null) {
    const refuse = (key: Buffer): PlacementError | null =>
      fingerprint(key) === hostKey ? null : wrong(name, `it shows ${shown(key)}, but its hostKey is declared as ${hostKey}`);
    return { types: [], refuse };
  }
  const file = target.knownHosts === null ? join(homedir(), '.ssh/known_hosts') : pathOf(target.knownHosts, baseDir);
  const keys = knownKeys(await readKnownHosts(file), address, port);
  const good = keys.filter(({ revoked }) => !revoked);
  return {
    types: [...new Set(good.flatMap(({ type }) => algorithms(type)))],
    refuse: (key) => refusal(key, keys, { name, address, port, file }),
  };
}

function refusal(
  key: Buffer,
  keys: readonly KnownKey[],
  { name, address, port, file }: { name: string; address: string; port: number; file: string },
): PlacementError | null {
  const same = keys.filter((known) => known.key === key.toString('base64'));
  if (same.some(({ revoked }) => revoked)) return wrong(name, `it shows ${shown(key)}, which is revoked in ${file}`);
  if (same.length > 0) return null;
  if (keys.some(({ revoked }) => !revoked)) return wrong(name, `it shows ${shown(key)}, and ${file} has another one for it`);
  const scan = `ssh-keyscan${port === 22 ? '' : ` -p ${port}`} ${address} >> ${file}`;
  return new PlacementError('platform', `Host ${name} is not known: it shows ${shown(key)}, and ${file} has no key for ${address}.`, {
    next: `compare this with ssh-keygen -l on the host, then ${scan}`,
  });
}

const wrong = (name: string, why: string): PlacementError =>
  new PlacementError('platform', `The key of host ${name} is not the right one: ${why}. Somebody may be in between.`, {
    next: 'find out why the key changed before you accept another one',
  });

const shown = (key: Buffer): string => `${keyType(key)} ${fingerprint(key)}`;

/** An RSA key signs by these. */
const algorithms = (type: string): readonly string[] => (type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type]);

async function readKnownHosts(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new PlacementError('input', `The known hosts ${file} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}
