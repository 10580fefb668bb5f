import * as pulumi from '@pulumi/pulumi';
import { DynamicPlacement, KeepSource, Phase, Placement } from 'pulumi-vmplacement';

export type Environment = 'production' | 'staging';

/** Where each machine runs. In production the web machines are apart, and the database is in the cluster of its own. */
const hosts: Record<Environment, Record<string, string>> = {
  production: { 'db-01': 'c1', 'web-01': 'a1', 'web-02': 'a2' },
  staging: { 'db-01': 'a1', 'web-01': 'a1', 'web-02': 'a1' },
};

/** @throws when it is none: a stack with a misspelt environment must not get the places of another one. */
export function environmentOf(name: string): Environment {
  if (name === 'production' || name === 'staging') return name;
  throw new Error(`environment '${name}': production or staging`);
}

export interface FleetArgs {
  environment: Environment;
  /** The go for the database, once its staged move waits for it. */
  databaseShutdown?: pulumi.Input<string>;
  /** With the plugin or without one. */
  placement?: typeof Placement | typeof DynamicPlacement;
}

/** A database and the web tier in front of it. */
export class Fleet extends pulumi.ComponentResource {
  /** Where each VM is, by its name. */
  readonly hosts: pulumi.Output<Record<string, string>>;
  /** VMs whose staged move waits for its shutdown. */
  readonly waiting: pulumi.Output<string[]>;

  constructor(name: string, args: FleetArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super('acme:vm:Fleet', name, {}, opts);
    const { environment, databaseShutdown, placement: Door = Placement } = args;
    const common = { parent: this, protect: environment === 'production' };

    const placed = Object.entries(hosts[environment]).map(([vm, host]) => {
      // Only the database goes where nothing but a staged move leads; its old disks stay until somebody has looked.
      const staged = vm.startsWith('db-')
        ? {
            keepSource: KeepSource.Confirm,
            ...(databaseShutdown === undefined ? {} : { annotations: { 'vmplacement/shutdown': databaseShutdown } }),
          }
        : {};
      return new Door(vm, { vm, host, ...staged }, common);
    });

    const read = pulumi.all(placed.map(({ vm, host, phase }) => pulumi.all({ vm, host, phase })));
    this.hosts = read.apply((all) => Object.fromEntries(all.map(({ vm, host }) => [vm, host])));
    this.waiting = read.apply((all) => all.filter(({ phase }) => phase === Phase.AwaitingShutdown).map(({ vm }) => vm));
    this.registerOutputs({ hosts: this.hosts, waiting: this.waiting });
  }
}
