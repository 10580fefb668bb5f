/** `vmplacement doctor` on real hosts: each fault is named with what to do. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LibvirtSsh } from '../../schema/generated/types.js';
import { datacenter } from './datacenter.js';
import { lab } from './kit.js';

const root = join(import.meta.dirname, '../..');
let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vmp-doctor-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

interface Check {
  readonly name: string;
  readonly result: string;
  readonly message: string;
  readonly fix: string;
}

function doctor(own: LibvirtSsh = {}): Promise<readonly Check[]> {
  const file = join(scratch, 'datacenter.yaml');
  writeFileSync(file, JSON.stringify({ libvirt: datacenter(own) }));
  const args = ['--import', 'tsx', join(root, 'provider/cli/main.ts'), 'doctor', '--json', '--datacenter', file];
  return new Promise((resolve, reject) =>
    execFile(process.execPath, args, { cwd: root }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('it said nothing'));
      else resolve((JSON.parse(stdout) as { checks: readonly Check[] }).checks);
    }),
  );
}

const named = (checks: readonly Check[], name: string): Check | undefined => checks.find((check) => check.name === name);

test('given hosts that all answer, then versions, clocks and hosts are well', async () => {
  const checks = await doctor();
  expect(named(checks, 'hosts')).toMatchObject({ result: 'ok', message: expect.stringMatching(/^4 hosts of 4 in 2 clusters/) });
  expect(named(checks, 'versions')).toMatchObject({ result: 'ok', message: expect.stringMatching(/blue \d+\.\d+\.\d+, green \d/) });
  expect(named(checks, 'clocks')?.result).toBe('ok');
  expect(named(checks, 'links')).toMatchObject({ result: 'warn', fix: expect.stringContaining('links') });
});

test('given a host without a known key, one without libvirt and one cut off, then each by itself with its fix', async () => {
  const empty = join(scratch, 'empty');
  writeFileSync(empty, '');
  lab('libvirtd', 'host-b', 'stop');
  lab('link', 'host-c', 'off');
  try {
    const faults = (await doctor({ knownHosts: empty })).filter(({ name }) => name === 'host');
    expect(faults.map(({ message, fix }) => [message.split(':')[0], fix])).toEqual([
      ['blue/host-a', expect.stringContaining('ssh-keyscan')],
      ['blue/host-b', expect.stringContaining('systemctl start libvirtd')],
      ['green/host-c', expect.stringMatching(/bring it up/)],
    ]);
  } finally {
    lab('libvirtd', 'host-b', 'start');
    lab('link', 'host-c', 'on');
  }
});
