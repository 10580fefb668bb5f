/** Hot moves that QEMU encrypts: certificates of an authority of the test's own, on every host where libvirt was told to look. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { addresses, clearLab, lab, labFed, running, violations, virsh } from './kit.js';
import { flat, isClean } from './moved.js';

const pki = '/var/lib/libvirt/pki';
const two = ['host-a', 'host-b'] as const;
type Side = (typeof two)[number];
let scratch = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vmp-tls-'));
  for (const host of two) settings(host, `mkdir -p ${pki}; echo 'migrate_tls_x509_cert_dir = "${pki}"' >> /etc/libvirt/qemu.conf`);
});
afterEach(() => {
  clearLab();
  for (const host of two) settings(host, `sed -i /x509/d /etc/libvirt/qemu.conf; rm -rf ${pki}`);
  rmSync(scratch, { recursive: true });
});

/** libvirtd reads its settings when it starts. */
function settings(host: Side, script: string): void {
  lab('exec', host, 'sh', '-euc', script);
  lab('libvirtd', host, 'kill');
  lab('libvirtd', host, 'start');
}

const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { cwd: scratch, stdio: 'pipe' });

/** A pair of this name, signed by the authority. */
function sign(name: string, about: string): void {
  openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}-key.pem`, '-out', 'request.pem', '-subj', `/CN=${name}`);
  writeFileSync(join(scratch, 'about'), about);
  openssl(
    ...['x509', '-req', '-in', 'request.pem', '-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2'],
    ...['-extfile', 'about', '-out', `${name}-cert.pem`],
  );
}

function certify(): void {
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca-key.pem', '-out', 'ca-cert.pem', '-days', '2', '-subj', '/CN=lab'],
    ...['-addext', 'keyUsage=critical,keyCertSign'],
  );
  sign('client', 'extendedKeyUsage=clientAuth');
  for (const host of two) {
    sign('server', `subjectAltName=IP:${addresses[host]},DNS:${host}\nextendedKeyUsage=serverAuth`);
    for (const file of ['ca-cert', 'server-cert', 'server-key', 'client-cert', 'client-key'])
      labFed(readFileSync(join(scratch, `${file}.pem`), 'utf8'), 'exec', host, 'sh', '-c', `cat > ${pki}/${file}.pem`);
  }
}

async function adopted(tls: boolean): Promise<Stack> {
  const made = await stack({ placements: { web: { vm: 'web-01', host: 'host-a' } } }, { libvirt: { ...datacenter(), tls } });
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

/** What QEMU of the source encrypts with, while it migrates. */
const credentials = (): string =>
  /^tls-creds: '?([^'\n]*)/m.exec(virsh('host-a', 'qemu-monitor-command', 'web-01', '--hmp', 'info migrate_parameters'))?.[1] ?? '';

test('is refused in the preview while a host has no certificates; with them it is encrypted, and nothing is warned of', async () => {
  lab('vm', 'host-a', 'web-01', '--data', '64');
  const fleet = await adopted(true);
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b', bandwidth: '32MiB/s' } } });
  const { code, text } = await fleet.pulumi('preview');
  expect(code, text).not.toBe(0);
  for (const host of two)
    expect(flat(text)).toMatch(
      new RegExp(`blue/${host} has no ${pki}/ca-cert.pem, .*which a hot move of VM web-01 needs. Put QEMU's certificates`),
    );

  certify();
  const preview = await done(fleet.pulumi('preview', '--diff'));
  expect(flat(preview.text)).not.toContain('unencrypted');
  const up = fleet.start(['up', '--skip-preview', '--yes']);
  await up.says(/hot copy/);
  await expect.poll(credentials, { timeout: 30_000 }).toMatch(/tls/);
  const ended = await up.result;
  expect(ended.code, ended.text).toBe(0);
  expect(running('host-b'), ended.text).toEqual(['web-01']);
  isClean('host-a');
  expect(violations('web-01')).toEqual([]);
});

test('given a certificate that is not that of the host, then the move fails, the VM stays, and nothing is left there', async () => {
  certify();
  labFed(lab('exec', 'host-a', 'cat', `${pki}/server-cert.pem`), 'exec', 'host-b', 'sh', '-c', `cat > ${pki}/server-cert.pem`);
  labFed(lab('exec', 'host-a', 'cat', `${pki}/server-key.pem`), 'exec', 'host-b', 'sh', '-c', `cat > ${pki}/server-key.pem`);
  lab('vm', 'host-a', 'web-01', '--data', '64');
  const fleet = await adopted(true);
  await fleet.write({ placements: { web: { vm: 'web-01', host: 'host-b' } } });
  const { code, text } = await fleet.pulumi('up', '--skip-preview');
  expect(code, text).not.toBe(0);
  expect(flat(text)).toMatch(/certificate/i);
  expect(running('host-a'), text).toEqual(['web-01']);
  isClean('host-b');
  expect(violations('web-01')).toEqual([]);
});
