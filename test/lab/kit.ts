/** The lab from a test: `lab('vm', 'host-a', 'web-01')` is `lab.sh vm host-a web-01` on the lab of the tests. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';

export const labPrograms = import.meta.dirname;
/** Two runs of the tests at once on one machine: LAB_TEST (at most 6 letters) and LAB_TEST_NET give one of them a lab of its own. */
const { LAB_TEST: name = 'vmtest', LAB_TEST_NET: net = '10.78' } = process.env;
export const labState = `/tmp/vmplacement-${name}`;
export const addresses = { 'host-a': `${net}.1.11`, 'host-b': `${net}.1.12`, 'host-c': `${net}.2.13`, 'host-d': `${net}.2.14` };

/** The device of this machine on the network of a cluster. */
export const bridge = (cluster: 1 | 2): string => `${name}-br${cluster}`;

const env = { ...process.env, LAB_NAME: name, LAB_STATE: labState, LAB_NET: net };

/** What it prints; an error tells what it said. */
export const lab = (...args: readonly string[]): string => labFed('', ...args);

/** The same with something on its standard input. */
export function labFed(input: string, ...args: readonly string[]): string {
  const ran = spawnSync(`${labPrograms}/lab.sh`, args, { env, input, encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });
  if (ran.status !== 0) throw new Error(`lab.sh ${args.join(' ')} ended with ${ran.status ?? ran.signal}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout.trimEnd();
}

/** virsh on a host, as root there. */
export const virsh = (host: string, ...args: readonly string[]): string => lab('exec', host, 'virsh', '-q', ...args);

/** Through a pipe: what Node gives a program as its input is a socket, which cannot be opened by a path. */
export const define = (host: string, xml: string): string => labFed(xml, 'exec', host, 'sh', '-c', 'cat | virsh -q define /dev/stdin');

export const running = (host: string): readonly string[] =>
  virsh(host, 'list', '--name')
    .split('\n')
    .filter((name) => name !== '');

/** Whether a host can open a connection to an address and port. */
export function reaches(host: string, address: string, port: number): boolean {
  try {
    lab('exec', host, 'timeout', '2', 'bash', '-c', `exec 3<>/dev/tcp/${address}/${port}`);
    return true;
  } catch {
    return false;
  }
}

export const hosts = Object.keys(addresses);

/** Whether the guest's disk holds every write that its consoles acknowledged, wherever it ran; throws with the checker's words otherwise. */
export function checkDisk(host: string, vm: string): string {
  const consoles = hosts.map((one) => lab('console', one, vm)).filter((path) => existsSync(path));
  const own = lab('disk', host, `${vm}.qcow2`);
  const disk = existsSync(own) ? own : `${labState}/shared/${vm}.qcow2`;
  return lab('check-disk', disk, ...consoles.flatMap((path) => ['--console', path]));
}

/** What must never have happened to a VM: two copies that run, a write that was acknowledged and is lost. */
export function violations(vm: string): readonly string[] {
  const at = hosts.filter((host) => running(host).includes(vm));
  if (at.length > 1) return [`${vm} runs on ${at.join(' and ')}`];
  try {
    if (at[0] !== undefined) checkDisk(at[0], vm);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

/** Takes every domain away, with its disks. */
export function clearLab(): void {
  for (const host of hosts) {
    const clear =
      'for d in $(virsh -q list --uuid); do virsh -q destroy $d; done; ' +
      'for d in $(virsh -q list --all --uuid); do virsh -q undefine $d --nvram --managed-save --snapshots-metadata --checkpoints-metadata; done; ' +
      'rm -rf /srv/shared/* /var/lib/libvirt/images/* /var/lib/libvirt/qemu/nvram/* /var/log/*.console /tmp/vmplacement-*; virsh -q pool-refresh default';
    lab('exec', host, 'bash', '-c', clear);
  }
}

/** A login that is not root, known to this host only, with these lines in its sudoers file. */
export const login = (host: string, name: string, ...sudoers: readonly string[]): string =>
  labFed(sudoers.map((line) => `${line}\n`).join(''), 'login', host, name);

/** Who is in a group of a host that has a login of its own. */
export const setGroup = (host: string, group: string, ...members: readonly string[]): string =>
  lab(
    'exec',
    host,
    'sh',
    '-ec',
    'mountpoint -q /etc/group; all=$(sed "s/^\\($1:[^:]*:[^:]*\\):.*/\\1:$2/" /etc/group); printf "%s\\n" "$all" > /etc/group',
    'sh',
    group,
    members.join(','),
  );
