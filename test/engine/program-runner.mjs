// Lies in the project of a test, beside `program.mjs`: runs it on the engine, as the Automation API does for a user. Arguments are those
// of the `pulumi` command.
import process from 'node:process';
import { readFileSync } from 'node:fs';
import { LocalWorkspace } from '@pulumi/pulumi/automation/index.js';

const [command, ...flags] = process.argv.slice(2);
const options = Object.fromEntries(flags.filter((flag) => flag.startsWith('--')).map(option));
const stack = await LocalWorkspace.selectStack(
  {
    stackName: 'dev',
    projectName: /^name: (.*)$/m.exec(readFileSync('Pulumi.yaml', 'utf8'))[1],
    program: async () => (await import(`file://${process.cwd()}/program.mjs`)).default(),
  },
  { workDir: process.cwd() },
);
const say = (text) => process.stdout.write(text);
try {
  await stack[command]({ onOutput: say, onError: say, color: 'never', suppressProgress: true, ...options });
} catch (error) {
  if (error.commandResult === undefined) throw error;
  process.exitCode = error.commandResult.code;
}
// The SDK keeps what it opened.
process.exit();

/** `--expect-no-changes` -> `expectNoChanges: true`. */
function option(flag) {
  const [name, value] = flag.slice(2).split('=');
  return [name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase()), value ?? true];
}
