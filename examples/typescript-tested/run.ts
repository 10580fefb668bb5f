/**
 * Runs the program on Pulumi's engine by the Automation API, for installations without the Node.js language host:
 *
 *     node bin/run.js preview | up | refresh | destroy
 */
import { delimiter, dirname } from 'node:path';
import { CommandError, LocalWorkspace } from '@pulumi/pulumi/automation';

async function main(command: string | undefined): Promise<void> {
  if (command !== 'preview' && command !== 'up' && command !== 'refresh' && command !== 'destroy') {
    throw new Error('node bin/run.js preview | up | refresh | destroy');
  }
  // The package of Pulumi brings what the engine starts for dynamic resources; an official installation has it on PATH already.
  const launcher = dirname(require.resolve('@pulumi/pulumi/package.json'));
  const stack = await LocalWorkspace.selectStack(
    {
      stackName: process.env['STACK'] ?? 'dev',
      projectName: 'fleet',
      // Loaded by the engine's call, when the stack and its configuration are known. What it exports are the stack's outputs.
      program: async () => ({ ...(require('./index') as Record<string, unknown>) }),
    },
    { workDir: process.cwd(), envVars: { PATH: `${launcher}${delimiter}${process.env['PATH'] ?? ''}` } },
  );
  const say = (text: string): void => void process.stdout.write(text);
  await stack[command]({ onOutput: say, onError: say, suppressProgress: true });
}

main(process.argv[2]).then(
  () => process.exit(),
  (error: unknown) => {
    // What the engine said was printed already.
    if (!(error instanceof CommandError)) console.error(error);
    process.exit(1);
  },
);
