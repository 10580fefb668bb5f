/** Where a credential is said to be, it is read: when it is needed, with its rights checked. Its content is in no error. */
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';
import type { ConnectConfig } from 'ssh2';
import type { Credential } from '../../../schema/libvirt.js';
import { PlacementError } from '../../core/errors.js';

export interface Login {
  readonly config: Pick<ConnectConfig, 'privateKey' | 'password' | 'agent'>;
  /** For a person. */
  readonly text: string;
}

export async function loginOf(credential: Credential, baseDir: string): Promise<Login> {
  switch (credential.kind) {
    case 'identityFile': {
      const file = pathOf(credential.path, baseDir);
      return { config: { privateKey: await readSecret(file, 'identityFile') }, text: `the key ${file}` };
    }
    case 'passwordFile': {
      const file = pathOf(credential.path, baseDir);
      return { config: { password: (await readSecret(file, 'passwordFile')).replace(/\r?\n$/, '') }, text: `the password in ${file}` };
    }
    case 'passwordEnv': {
      const password = process.env[credential.variable];
      if (password === undefined || password === '')
        throw new PlacementError('input', `The environment variable ${credential.variable}, which holds the password, is not set.`, {
          next: `set ${credential.variable}`,
        });
      return { config: { password }, text: `the password in $${credential.variable}` };
    }
    case 'agent': {
      const agent = process.env['SSH_AUTH_SOCK'];
      if (agent === undefined || agent === '')
        throw new PlacementError('input', 'No credential is declared, and there is no SSH agent ($SSH_AUTH_SOCK is not set).', {
          next: 'start the agent and add the key (ssh-add), or declare ssh.identityFile',
        });
      return { config: { agent }, text: 'the keys of the SSH agent' };
    }
    case 'several':
      throw new PlacementError('input', `Several credentials are declared: ${credential.names.join(', ')}.`);
  }
}

export function pathOf(declared: string, baseDir: string): string {
  if (declared.startsWith('~/')) return join(homedir(), declared.slice(2));
  return isAbsolute(declared) ? declared : join(baseDir, declared);
}

async function readSecret(file: string, property: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0)
      throw new PlacementError('input', `${file} (${property}) can be read by others than its owner.`, { next: `chmod 600 ${file}` });
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (PlacementError.isInstance(cause)) throw cause;
    const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (cause as Error).message;
    throw new PlacementError('input', `${file} (${property}) cannot be read: ${why}.`, { cause });
  }
}
