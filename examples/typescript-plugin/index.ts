import * as pulumi from '@pulumi/pulumi';
import { Placement, Provider, getPlacementOutput, getPlanOutput } from 'pulumi-vmplacement';

const config = new pulumi.Config();

// In production no placement is given up by mistake. (That would leave the VM alone, but nobody would see it move any more.)
const protect = pulumi.getStack() === 'production';

// The database. To cluster c it can only move staged: `up` copies it and pauses. `pulumi config set dbShutdown now` (or a time) and another
// `up` are the go. Once used it is spent, and a later move pauses again.
const shutdown = config.get('dbShutdown');
const db = new Placement(
  'db',
  {
    vm: 'db-01',
    host: config.require('dbHost'),
    downtimeBudget: '10s',
    annotations: shutdown === undefined ? {} : { 'vmplacement/shutdown': shutdown },
  },
  { protect },
);

// The web tier: each machine on its own host, from the table in the stack's configuration. It moves after the database.
const table = config.requireObject<Record<string, string>>('web');
const web = Object.entries(table).map(([vm, host]) => new Placement(vm, { vm, host }, { protect, dependsOn: db }));

// Workers: any host of the cluster will do, and where one is it stays, whatever the platform's balancer did.
for (const vm of ['batch-01', 'batch-02']) new Placement(vm, { vm, cluster: 'a' }, { protect });

// Declared once, moved by hand since: where it went is accepted.
new Placement('tools', { vm: 'tools-01', host: 'b1' }, { ignoreChanges: ['host'] });

export const dbHost = db.host;
export const dbPhase = db.phase;
export const dbMessage = db.message.apply((message) => message ?? 'nothing to do');
export const webHosts = pulumi.all(web.map(({ vm, host }) => pulumi.interpolate`${vm} on ${host}`));

// What follows needs the plugin.

// Another datacenter in the same program.
const lab = new Provider('lab', { datacenterFile: 'lab.yaml' });
new Placement('trial', { vm: 'trial-01', hosts: ['l1', 'l2'] }, { provider: lab });

// A VM that this stack only looks at.
export const backupHost = getPlacementOutput({ vm: 'backup-01' }).host;

// What a move would mean, before anybody declares it: `pulumi config set dbCandidate b1`.
const candidate = config.get('dbCandidate');
export const ifDbMoved = candidate === undefined ? 'set dbCandidate to ask' : getPlanOutput({ vm: 'db-01', host: candidate }).sentence;
