/** `vmplacement doctor` on a datacenter, as its report. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { LibvirtDatacenter } from '../../schema/generated/types.js';

const root = join(import.meta.dirname, '../..');

export interface Check {
  readonly name: string;
  readonly host?: string;
  readonly result: string;
  readonly message: string;
  readonly fix: string;
}

export async function doctor(libvirt: LibvirtDatacenter, env: Readonly<Record<string, string>> = {}): Promise<readonly Check[]> {
  return (JSON.parse(await doctorText(libvirt, ['--json'], env)) as { checks: readonly Check[] }).checks;
}

export async function doctorText(
  libvirt: LibvirtDatacenter,
  options: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), 'vmp-doctor-'));
  try {
    const file = join(scratch, 'datacenter.yaml');
    writeFileSync(file, JSON.stringify({ libvirt }));
    const args = ['--import', 'tsx', join(root, 'provider/cli/main.ts'), 'doctor', ...options, '--datacenter', file];
    return await new Promise((resolve, reject) =>
      execFile(process.execPath, args, { cwd: root, env: { ...process.env, ...env } }, (error, stdout) => {
        if (stdout === '') reject(error ?? new Error('it said nothing'));
        else resolve(stdout);
      }),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** "kind host: message -> fix" of what is not well at this host. */
export const faultsOf = (checks: readonly Check[], host: string): readonly string[] =>
  checks
    .filter((check) => check.result !== 'ok' && (check.host === host || (check.name === 'host' && check.message.startsWith(`${host}: `))))
    .map(({ name, message, fix }) => `${name}: ${message} -> ${fix}`);
