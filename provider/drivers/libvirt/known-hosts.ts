/** OpenSSH's known_hosts: which keys a host may have. */
import { createHash, createHmac } from 'node:crypto';

export interface KnownKey {
  readonly type: string;
  /** Base64, as the file has it. */
  readonly key: string;
  readonly revoked: boolean;
}

/** The keys of a host; a port other than 22 is part of its name. Authorities of certificates are passed over. */
export function knownKeys(file: string, address: string, port: number): readonly KnownKey[] {
  const name = (port === 22 ? address : `[${address}]:${port}`).toLowerCase();
  return file.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
    const [hosts = '', type = '', key = ''] = words;
    if (hosts === '' || hosts.startsWith('#') || key === '' || marker === '@cert-authority' || !matches(hosts, name)) return [];
    return [{ type, key, revoked: marker === '@revoked' }];
  });
}

export const fingerprint = (key: Buffer): string => `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The type stands first in the key itself. */
export const keyType = (key: Buffer): string => key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith('|1|')) {
    const [, , salt = '', hash = ''] = hosts.split('|');
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  const patterns = hosts.toLowerCase().split(',');
  const fits = (pattern: string): boolean => wildcard(pattern).test(name);
  return patterns.some((one) => !one.startsWith('!') && fits(one)) && !patterns.some((one) => one.startsWith('!') && fits(one.slice(1)));
}

const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
