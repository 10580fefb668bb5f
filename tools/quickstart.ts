/**
 * The quick start: the real Pulumi engine moves virtual machines of the embedded datacenter hot, cold and staged. Works in a copy
 * of Pulumi.yaml and datacenter.yaml, so that the checkout stays as it is and the copy can be played with afterwards.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { exit, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { formatBytes } from '../provider/core/units.js';
import { table } from '../provider/report/text.js';
import { ensurePulumi } from './pulumi-cli.js';
import { note, openTerminal, scene, type Terminal } from './terminal.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'quickstart');

async function main(): Promise<void> {
  const cli = await ensurePulumi();
  layOut();
  const terminal = await openTerminal(folder, cli);
  const { edit, pulumi, pulumiFails, vmplacement } = terminal;

  scene('1 of 8  Adopt', 'Five VMs exist. Declaring them changes nothing but who looks after their place.');
  await pulumi('up', '--yes', '--skip-preview');

  scene('2 of 8  Hot, inside a cluster', 'One edit. The preview says which migration it means, and why; the VM keeps running.');
  edit('web', 'host: a1', 'host: a2');
  await pulumi('preview', '--diff');
  await pulumi('up', '--yes', '--skip-preview');

  scene(
    '3 of 8  Hot, to another cluster',
    'A and B reach each other directly. Only the cluster is declared: the host is chosen, and named.',
  );
  edit('db', 'cluster: a', 'cluster: b');
  await pulumi('up', '--yes', '--skip-preview');

  scene('4 of 8  Cold', 'batch-01 is off, so it moves cold and stays off; its source is kept until it is confirmed.');
  edit('batch', 'host: a2', 'host: b2');
  await pulumi('up', '--yes', '--skip-preview');
  await vmplacement('confirm', 'batch-01');

  scene('5 of 8  Staged', 'Nothing reaches cluster C directly and its CPUs are older: full copy while erp-01 runs, then a pause.');
  edit('erp', 'host: a2', 'host: c1');
  await pulumi('preview', '--diff');
  await pulumi('up', '--yes', '--skip-preview');
  await vmplacement('status', 'erp-01');
  note('The VM still runs on the source. Every further `up` sends one more increment:');
  await pulumi('up', '--yes', '--skip-preview');
  note('When the operator is ready, the shutdown annotation is the go. It can stand in the stack, as here, or be set at the VM');
  note('(`vmplacement annotate erp-01 shutdown=now`), or the operator shuts the guest down.');
  edit('erp', 'host: c1', 'host: c1\n      annotations: {vmplacement/shutdown: now}');
  await pulumi('up', '--yes', '--skip-preview');
  note('It restarted on the target by itself. The source is kept, its start blocked, until somebody has looked:');
  await vmplacement('confirm', 'erp-01');

  scene('6 of 8  A set of hosts', 'app-01 may run on a1 or a2. Somebody moves it inside the set: that is no drift.');
  await vmplacement('embedded', 'move', 'app-01', 'a2');
  await pulumi('refresh', '--preview-only', '--expect-no-changes');

  scene('7 of 8  A refusal', 'An edit that cannot be carried out fails in the preview, with the reasons; nothing is touched.');
  edit('web', 'host: a2', 'host: c1\n      method: hot');
  await pulumiFails('preview');
  edit('web', 'host: c1\n      method: hot', 'host: a2');
  await pulumi('preview', '--expect-no-changes');

  scene('8 of 8  What happened', '');
  await summary(terminal);
  note('');
  note('Go on by hand (the next `npm run quickstart` begins anew):');
  note(`  cd quickstart`);
  note(`  export PULUMI_BACKEND_URL=file://$PWD/state PULUMI_CONFIG_PASSPHRASE= PULUMI_HOME=$PWD/.pulumi-home`);
  note(`  export PATH="${cli.dir}:$PWD/../dist/bin:$PATH"`);
  note('  $EDITOR Pulumi.yaml     # change a `host:`');
  note('  pulumi preview && pulumi up');
}

/** A fresh copy with a fresh datacenter. */
function layOut(): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  cpSync(join(root, 'datacenter.yaml'), join(folder, 'datacenter.yaml'));
  writeFileSync(
    join(folder, 'Pulumi.yaml'),
    readFileSync(join(root, 'Pulumi.yaml'), 'utf8').replace('path: ./dist/bin', 'path: ../dist/bin'),
  );
}

interface State {
  deployment: {
    resources: {
      type: string;
      outputs?: { vm: string; lastMove?: { method: string; from: string; to: string; downtime: string; bytes: number } };
    }[];
  };
}

/** Read back from the stack's state: what it shows is what the provider read from the platform. */
async function summary({ pulumiQuietly }: Terminal): Promise<void> {
  const file = join(folder, 'state.json');
  await pulumiQuietly('refresh', '--yes', '--skip-preview');
  await pulumiQuietly('stack', 'export', '--file', file);
  const state = JSON.parse(readFileSync(file, 'utf8')) as State;
  const rows = state.deployment.resources
    .flatMap(({ outputs }) => (outputs?.lastMove === undefined ? [] : [{ vm: outputs.vm, ...outputs.lastMove }]))
    .map((move) => [move.vm, move.method, `${move.from} -> ${move.to}`, move.downtime, formatBytes(move.bytes)]);
  note(table(['VM', 'method', 'move', 'downtime', 'bytes'], rows, { columns: 80, color: stdout.isTTY }));
}

main().catch((error: unknown) => {
  stdout.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
});
