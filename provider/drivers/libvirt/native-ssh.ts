/** Whether the SSH of this machine has its compiled half: without it a copy through here takes about twice the CPU. */
import { createRequire } from 'node:module';
import type { HostCheck } from '../../core/driver.js';

const { bindingAvailable } = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js') as { readonly bindingAvailable: boolean };

export function sshCheck(isNative = bindingAvailable): HostCheck {
  const said: Pick<HostCheck, 'result' | 'message' | 'fix'> = isNative
    ? { result: 'ok', message: 'ciphers are compiled', fix: '' }
    : {
        result: 'warn',
        message: 'ssh2 was installed without its compiled ciphers: disks that go through this machine take about twice the CPU',
        fix: 'npm rebuild ssh2, where the provider is installed: it needs a C++ compiler and Python, and that its install script is not denied (ignore-scripts, allowScripts).',
      };
  return { host: null, kind: 'ssh', ...said };
}
