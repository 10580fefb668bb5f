/** The commands and their options. Imports nothing heavy: each command's module is loaded when it is called. */
import { Command, Option } from 'commander';
import type { Io } from './io.js';
import { action, collect, withCommonOptions, withDatacenterOptions, type Commands, type CommonOptions, type Take } from './options.js';
import { embeddedCommands } from './program-embedded.js';
import { packageVersion } from './version.js';

export function buildProgram(io: Io, take: Take): Command {
  const columns = Math.min(io.columns, 100);
  const program = new Command('vmplacement')
    .description('Where virtual machines run: what a change of place would mean, how far it got, and the word that lets it go on.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      getOutHelpWidth: () => columns,
      getErrHelpWidth: () => columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', exitCodeText);
  const commands: Commands = { io, take, program };
  lookCommands(commands);
  moveCommands(commands);
  embeddedCommands(commands);
  return program;
}

const exitCodeText = `
Exit codes: 0 fine; 1 error or refused; 2 differences: an update would change
something; 3 nothing worse than pending: staged and waiting, or awaiting
confirmation.`;

function lookCommands(commands: Commands): void {
  commands.program.commandsGroup('Look:');
  const plan = commands.program
    .command('plan')
    .description('what an update would do, decided from one reading; nothing is touched')
    .argument('[placement...]', 'only these (name of the resource or of the VM)')
    .option('-f, --file <file>', 'YAML stack file with the placements (default: Pulumi.yaml)')
    .option('--vm <vm>', 'plan this VM instead of a stack, as declared by the options below')
    .option('--cluster <cluster>', 'the cluster it shall run in')
    .option('--host <host>', 'the host it shall run on')
    .option('--hosts <hosts>', 'the hosts it may run on, separated by commas', (text) => text.split(','))
    .addOption(new Option('--method <method>', 'how to move it').choices(['auto', 'hot', 'cold', 'staged']))
    .option('--annotation <key=value>', 'an annotation; may be repeated', collect)
    .option('--set <property=value>', 'any other input of a Placement, the value as YAML; may be repeated', collect)
    .option('--candidates', 'show every host that was considered')
    .addHelpText('after', planExamples);
  withDatacenterOptions(plan).action(
    action(commands, async (call, names: string[], options: PlanFlags) => {
      const module = await import('./commands/plan.js');
      const { cwd: _cwd, json: _json, datacenter: _datacenter, stack: _stack, provider: _provider, candidates, ...rest } = options;
      return module.plan(call, names, { ...rest, candidates: candidates === true });
    }),
  );
  const status = commands.program
    .command('status')
    .description('where VMs are, how far their moves got, who gave which go')
    .argument('[vm]', 'only this VM, in detail (name or UUID)')
    .option('-a, --all', 'also VMs that have no placement');
  withDatacenterOptions(status).action(
    action(commands, async (call, vm: string | undefined, options: { all?: boolean }) => {
      const module = await import('./commands/status.js');
      return module.status(call, vm, { all: options.all === true });
    }),
  );
  withDatacenterOptions(commands.program.command('doctor'))
    .description('check a configuration: files, hosts, store, links, versions')
    .action(
      action(commands, async (call) => {
        const { doctor } = await import('./commands/doctor.js');
        return doctor(call);
      }),
    );
  withCommonOptions(commands.program.command('schema'))
    .description('print the Pulumi package schema')
    .action(
      action(commands, async () => {
        const { schema } = await import('./commands/schema.js');
        return schema();
      }),
    );
}

const planExamples = `
Examples:
  vmplacement plan                         the stack in this folder
  vmplacement plan --stack prod            what the state of a stack declares
  vmplacement plan --vm web-01 --host b1   what if`;

interface PlanFlags extends CommonOptions {
  readonly file?: string;
  readonly vm?: string;
  readonly cluster?: string;
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly method?: string;
  readonly annotation?: readonly string[];
  readonly set?: readonly string[];
  readonly candidates?: boolean;
}

function moveCommands(commands: Commands): void {
  commands.program.commandsGroup('Act on a move:');
  const annotate = commands.program
    .command('annotate')
    .description('set or remove the shutdown annotation on a VM: the go for a staged move')
    .argument('<vm>', 'name or UUID')
    .argument('[annotation]', 'shutdown=now|force|hold|TIME|START/END, or shutdown- to remove it')
    .option('--remove', 'remove it')
    .option('--giver <name>', 'who gives the go (default: user@machine)');
  withDatacenterOptions(annotate).action(
    action(commands, async (call, vm: string, annotation: string | undefined, options: { remove?: boolean; giver?: string }) => {
      const module = await import('./commands/annotate.js');
      return module.annotate(call, vm, annotation, options);
    }),
  );
  act(commands, 'confirm', 'accept a finished move: the kept source is removed');
  act(commands, 'cancel', 'undo a move that is under way: the VM stays where it was');
  act(commands, 'resume', 'let a cancelled move start again with the next update');
}

function act(commands: Commands, name: 'confirm' | 'cancel' | 'resume', description: string): void {
  withDatacenterOptions(commands.program.command(name))
    .description(description)
    .argument('<vm>', 'name or UUID')
    .action(
      action(commands, async (call, vm: string) => {
        const module = await import('./commands/act.js');
        return module.act(call, name, vm);
      }),
    );
}
