/**
 * Real VMs move: hosts with libvirt and QEMU are made on this machine (test/lab), and the real Pulumi engine moves a VM hot and another
 * one cold, as an operator sees it. Takes everything down again. Needs root on Debian or Ubuntu.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process, { env, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { ensurePulumi } from './pulumi-cli.js';
import { note, openTerminal, scene } from './terminal.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const labFolder = join(root, 'test/lab');
/** Beside the lab of a person and that of the tests. */
const { LAB_DEMO: name = 'demo', LAB_DEMO_NET: net = '10.79' } = env;
const labState = join(tmpdir(), `vmplacement-${name}`);
const labEnv = { ...env, LAB_NAME: name, LAB_NET: net, LAB_STATE: labState };

async function main(folder: string): Promise<void> {
  const cli = await ensurePulumi();
  scene('1 of 5  Hosts', 'host-a and host-b in one cluster, host-c in another; no network leads from one cluster to the other.');
  prepare('install.sh');
  lab('down', '--all');
  lab('build');
  lab('up', '3', '--clusters', '2');
  lab('vm', 'host-a', 'web-01', '--data', '32', '--no-wait');
  lab('vm', 'host-c', 'app-01', '--data', '32', '--no-start');
  writeFileSync(join(labState, 'datacenter.yaml'), lab('datacenter'));
  writeFileSync(join(folder, 'Pulumi.yaml'), program());
  const { pulumi, edit, command, vmplacement } = await openTerminal(folder, cli);
  const look = async (): Promise<void> => {
    for (const host of ['host-a', 'host-b', 'host-c'])
      await command(`ssh ${host} virsh list --all`, 'ssh', '-F', join(labState, 'ssh/config'), host, 'virsh', 'list', '--all');
  };
  await look();

  scene('2 of 5  Adopt', 'Two VMs exist. Declaring them changes nothing but who looks after their place.');
  await pulumi('up', '--yes', '--skip-preview');

  scene('3 of 5  Hot', 'One edit. The preview says which migration it means, and why; web-01 keeps running, its disk goes along.');
  lab('wait', 'host-a', 'web-01', '^ACK', '120');
  edit('web', 'host: host-a', 'host: host-b');
  await pulumi('preview', '--diff');
  await pulumi('up', '--yes', '--skip-preview');

  scene('4 of 5  Cold', 'app-01 is off. Its disk travels through this machine, which reaches both clusters; its source is kept.');
  edit('app', 'host: host-c', 'host: host-a');
  await pulumi('up', '--yes', '--skip-preview');
  await vmplacement('confirm', 'app-01');

  scene('5 of 5  What the hosts say', 'Every write that web-01 was told is on its disk, is there:');
  await look();
  note('');
  // Also that no other copy of it has written anywhere.
  const consoles = ['host-a', 'host-b'].flatMap((host) => ['--console', lab('console', host, 'web-01').trim()]);
  note(lab('check-disk', lab('disk', 'host-b', 'web-01.qcow2').trim(), ...consoles).trim());
  await pulumi('preview', '--expect-no-changes');
}

/** The example, with the datacenter and the plugin of this run, and without the VM that is not there. */
const program = (): string =>
  readFileSync(join(root, 'examples/libvirt/Pulumi.yaml'), 'utf8')
    .replace('/tmp/vmplacement-lab', labState)
    .replace('./node_modules/.bin', join(root, 'dist/bin'))
    .replace(/^ {2}db:\n(?: {4}.*\n)+/m, '')
    .replace(/^ {2}db: .*\n/m, '');

const lab = (...args: readonly string[]): string => prepare('lab.sh', ...args);

function prepare(script: string, ...args: readonly string[]): string {
  const { status, signal, stdout, stderr } = spawnSync(join(labFolder, script), args, { env: labEnv, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} ${args.join(' ')} ended with ${status ?? signal ?? ''}: ${stdout}${stderr}`);
  return stdout;
}

async function demo(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('The demo needs root on Debian or Ubuntu.');
  const folder = mkdtempSync(join(tmpdir(), 'vmplacement-demo-'));
  const leave = (): void => {
    lab('down', '--all');
    for (const path of [labState, folder]) rmSync(path, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      leave();
      process.exit(1);
    });
  try {
    await main(folder);
  } finally {
    leave();
  }
}

demo().catch((error: unknown) => {
  stdout.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
