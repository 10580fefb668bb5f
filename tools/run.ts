import { spawn } from 'node:child_process';
import process from 'node:process';

/** Runs a command to its end with our own stdout and stderr; its exit status, or null when a signal ended it. It does not outlive us. */
export function run(command: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
    const stop = () => void child.kill();
    process.once('exit', stop);
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('exit', stop);
      resolve(code);
    });
  });
}
