/** `vmplacement embedded ...`: the outside world of the embedded datacenter. */
import type { Command } from 'commander';
import { action, withDatacenterOptions, type Commands } from './options.js';
import type { Call, Result } from './result.js';

type Embedded = typeof import('./commands/embedded.js');

export function embeddedCommands({ io, take, program }: Commands): void {
  program.commandsGroup('Try out:');
  const embedded = program
    .command('embedded')
    .description('act as the outside world on the embedded datacenter')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: false });
  const commands: Commands = { io, take, program: embedded };
  const load = (): Promise<Embedded> => import('./commands/embedded.js');
  const verb = (name: string, description: string): Command => embedded.command(name).description(description);
  const ready = (command: Command, work: (module: Embedded, call: Call, given: readonly unknown[]) => Promise<Result>): void => {
    withDatacenterOptions(command).action(action(commands, async (call, ...given: unknown[]) => work(await load(), call, given)));
  };
  ready(verb('show', 'VMs, copies, clock, and whether a write was lost'), ({ show }, call) => show(call));
  ready(
    verb('move', 'move a VM past its placement').argument('<vm>', vmText).argument('<host>', 'host it moves to'),
    ({ move }, call, [vm, host]) => move(call, vm as string, host as string),
  );
  ready(
    verb('shutdown', 'shut a guest down from inside').argument('<vm>', vmText).option('--hard', 'power it off instead'),
    ({ shutdown }, call, [vm, options]) => shutdown(call, vm as string, (options as { hard?: boolean }).hard === true ? 'hard' : 'clean'),
  );
  ready(
    verb('start', 'start a VM').argument('<vm>', vmText).option('--host <host>', 'the copy on this host'),
    ({ start }, call, [vm, options]) => start(call, vm as string, (options as { host?: string }).host),
  );
  ready(
    verb('fault', 'make something happen; without arguments: what there is')
      .argument('[fault...]', 'what happens, and to whom')
      // A clock can be behind: -90s is no option.
      .allowUnknownOption(),
    ({ fault }, call, [words]) => fault(call, words as string[]),
  );
  ready(verb('advance', 'let time pass on a manual clock').argument('<duration>', 'e.g. 90s, 1h30m'), ({ advance }, call, [duration]) =>
    advance(call, duration as string),
  );
  ready(verb('reset', 'forget all that happened: back to the file'), ({ reset }, call) => reset(call));
}

const vmText = 'name or UUID';
