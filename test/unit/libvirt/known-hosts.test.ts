import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fingerprint, keyType, knownKeys } from '../../../provider/drivers/libvirt/known-hosts.js';

const types = (file: string, address: string, port = 22): string[] => knownKeys(file, address, port).map(({ type }) => type);

describe('known hosts', () => {
  test.each([
    ['by name', 'a.example ssh-ed25519 AAAA', 'a.example', 22],
    ['by one of several', 'a,192.0.2.1 ssh-ed25519 AAAA', '192.0.2.1', 22],
    ['whatever the case', 'A.Example ssh-ed25519 AAAA', 'a.example', 22],
    ['by a pattern', '*.example ssh-ed25519 AAAA', 'b.example', 22],
    ['on another port', '[a.example]:2222 ssh-ed25519 AAAA', 'a.example', 2222],
    [
      'hashed',
      `|1|${Buffer.from('salt').toString('base64')}|${createHmac('sha1', 'salt').update('a').digest('base64')} ssh-ed25519 AAAA`,
      'a',
      22,
    ],
  ])('are found %s', (_how, file, address, port) => expect(types(file, address, port)).toEqual(['ssh-ed25519']));

  test.each([
    ['another name', 'b ssh-ed25519 AAAA', 'a', 22],
    ['the same name on another port', 'a ssh-ed25519 AAAA', 'a', 2222],
    ['a pattern that excludes it', '*.example,!a.example ssh-ed25519 AAAA', 'a.example', 22],
    ['a dot is a dot', 'a.b ssh-ed25519 AAAA', 'axb', 22],
    ['a comment', '# a ssh-ed25519 AAAA', 'a', 22],
    ['an authority', '@cert-authority a ssh-ed25519 AAAA', 'a', 22],
  ])('are not those of %s', (_what, file, address, port) => expect(types(file, address, port)).toEqual([]));

  test('a revoked key says so', () => expect(knownKeys('@revoked a ssh-ed25519 AAAA', 'a', 22)).toMatchObject([{ revoked: true }]));

  test('a fingerprint is as ssh-keygen shows it', () => {
    const key = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64');
    expect(keyType(key)).toBe('ssh-ed25519');
    expect(fingerprint(key)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
  });
});
