/** The content of a disk of a VM that is off, between hosts without a network: ours beside the usual tools, rounds interleaved. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import type { copyInProcess } from '../provider/drivers/libvirt/copy-process.js';
import { clearLab, lab, labState } from '../test/lab/kit.js';
import { connections } from './libvirt-hosts.js';
import { median, print, ratio, type Limit } from './figures.js';

const [source, target] = ['host-a', 'host-c'];
const path = '/var/lib/libvirt/images/bench.qcow2';
const there = '/var/lib/libvirt/images/copy.qcow2';
const config = `${labState}/ssh/config`;
const gcm = '-c aes128-gcm@openssh.com';

interface Way {
  readonly name: string;
  /** Not counted. */
  readonly prepare?: () => Promise<() => void>;
  readonly copy: () => Promise<unknown>;
}

/** @param dataMiB of random data, in an image four times as large. */
export async function relay(rounds: number, dataMiB: number): Promise<readonly Limit[]> {
  lab('vm', source, 'bench', '--size', `${dataMiB * 4}M`, '--data', String(dataMiB), '--no-start');
  const { copy, remove } = await built();
  const results = new Map<string, { readonly rate: number; readonly cpu: number }[]>();
  try {
    for (let round = 0; round < rounds; round += 1) {
      // Where memory that is free goes back to the machine's own host, who comes later pays more for what he writes: each has each place.
      const all = ways(dataMiB, copy);
      for (const way of [...all.slice(round % all.length), ...all.slice(0, round % all.length)]) {
        lab('exec', target, 'rm', '-f', there);
        const undo = await way.prepare?.();
        const [began, cpu] = [performance.now(), busySeconds()];
        await way.copy();
        const seconds = (performance.now() - began) / 1000;
        undo?.();
        if (round === 0) compare(way.name);
        const gib = dataMiB / 1024;
        results.set(way.name, [...(results.get(way.name) ?? []), { rate: dataMiB / seconds, cpu: (busySeconds() - cpu) / gib }]);
      }
    }
  } finally {
    clearLab();
    remove();
    rmSync(`${labState}/bench-sockets`, { recursive: true, force: true });
  }
  const middle = (name: string, of: 'rate' | 'cpu' = 'rate'): number => median((results.get(name) ?? []).map((one) => one[of]));
  const names = [...results.keys()];
  const rivals = names.filter((name) => name !== ours && name !== defaultPipe && !name.endsWith('durable'));
  const best = rivals.reduce((a, b) => (middle(a) > middle(b) ? a : b));
  print(
    `Cold copy of ${dataMiB} MiB of data through this machine, ${rounds} interleaved rounds, medians`,
    ['what', 'MiB/s', 'all rounds', 'beside the best rival', 'CPU s per GiB, machine'],
    names.map((name) => [
      name,
      middle(name).toFixed(0),
      (results.get(name) ?? []).map(({ rate }) => rate.toFixed(0)).join(' '),
      ratio(middle(name) / middle(best)),
      middle(name, 'cpu').toFixed(1),
    ]),
  );
  const [beside, pipe] = [middle(ours) / middle(best), middle(ours) / middle(defaultPipe)];
  return [
    { what: `relay: ${ratio(beside)} the best rival (${best}), at least 0.85x`, holds: beside >= 0.85 },
    { what: `relay: ${ratio(pipe)} the pipe with the default cipher, at least 1.3x`, holds: pipe >= 1.3 },
  ];
}

/** As it is in the package: from sources the process that copies would take a third of a second longer to start. */
async function built(): Promise<{ readonly copy: typeof copyInProcess; readonly remove: () => void }> {
  const root = dirname(import.meta.dirname);
  const folder = mkdtempSync(join(root, 'dist.tmp-bench-'));
  const driver = join(root, 'provider/drivers/libvirt');
  buildSync({
    entryPoints: ['copy-process', 'copier'].map((name) => ({ in: join(driver, `${name}.ts`), out: `libvirt/${name}` })),
    ...{ outdir: folder, bundle: true, splitting: true, packages: 'external', format: 'esm', platform: 'node', target: 'node20' },
    chunkNames: 'chunks/[name]-[hash]',
  });
  const { copyInProcess: copy } = (await import(join(folder, 'libvirt/copy-process.js'))) as {
    readonly copyInProcess: typeof copyInProcess;
  };
  return { copy, remove: () => rmSync(folder, { recursive: true }) };
}

const ours = 'vmplacement (flushed)';
const defaultPipe = 'ssh cat | ssh cat, default cipher';

function ways(dataMiB: number, copy: typeof copyInProcess): readonly Way[] {
  const pipe = (cipher: string, after = ''): string =>
    `ssh -F ${config} ${cipher} ${source} cat ${path} | ssh -F ${config} ${cipher} ${target} 'cat > ${there}${after}'`;
  return [
    {
      name: ours,
      prepare: () => {
        lab('exec', target, 'qemu-img', 'create', '-q', '-f', 'qcow2', there, `${dataMiB * 4}M`);
        return Promise.resolve(() => undefined);
      },
      copy: () =>
        connections([source, target], ([from, to]) =>
          copy(
            {
              ...{ path, pathThere: there, format: 'qcow2', id: 'bench', direct: false },
              signal: new AbortController().signal,
              onRelayed: () => undefined,
              onProgress: () => undefined,
              onDurable: () => Promise.resolve(),
            },
            { from: from!, to: to! },
          ),
        ),
    },
    { name: 'ssh cat | ssh cat, aes128-gcm', copy: () => shell(pipe(gcm)) },
    { name: 'the same, durable', copy: () => shell(pipe(gcm, ` && sync ${there}`)) },
    { name: defaultPipe, copy: () => shell(pipe('')) },
    { name: 'scp -3, aes128-gcm', copy: () => shell(`scp -q -3 -F ${config} ${gcm} ${source}:${path} ${target}:${there}`) },
    {
      name: 'nbdcopy through two ssh -L',
      prepare: () => nbd(dataMiB),
      copy: () => shell(`nbdcopy ${nbdUri('source')} ${nbdUri('target')}`),
    },
  ];
}

const socket = (end: string): string => `${labState}/bench-sockets/${end}`;
const nbdUri = (end: string): string => `nbd+unix:///?socket=${socket(end)}`;

/** Servers on both hosts and ways to them. */
async function nbd(dataMiB: number): Promise<() => void> {
  lab('exec', target, 'qemu-img', 'create', '-q', '-f', 'qcow2', there, `${dataMiB * 4}M`);
  const serve = (host: string, options: string, image: string): string =>
    lab(
      'exec',
      host,
      'sh',
      '-c',
      `rm -f /run/bench.nbd; qemu-nbd -f qcow2 -e 8 -t ${options} -k /run/bench.nbd --pid-file /run/bench.pid --fork ${image}`,
    );
  serve(source, '-r', path);
  serve(target, '--discard=unmap', there);
  await shell(`mkdir -p ${labState}/bench-sockets`);
  const tunnels = (
    [
      ['source', source],
      ['target', target],
    ] as const
  ).map(([end, host]) => {
    rmSync(socket(end), { force: true });
    return spawn('ssh', ['-F', config, '-N', '-c', 'aes128-gcm@openssh.com', '-L', `${socket(end)}:/run/bench.nbd`, host], {
      stdio: 'ignore',
    });
  });
  await shell(`for i in $(seq 100); do [ -S ${socket('source')} ] && [ -S ${socket('target')} ] && exit; sleep 0.1; done; exit 1`);
  return () => {
    for (const tunnel of tunnels) tunnel.kill();
    for (const host of [source, target])
      lab('exec', host, 'sh', '-c', 'p=$(cat /run/bench.pid); kill $p; while kill -0 $p 2> /dev/null; do sleep 0.05; done');
  };
}

function shell(line: string): Promise<void> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${line}: ${said}`))));
  });
}

function compare(name: string): void {
  const said = lab('compare', lab('disk', source, 'bench.qcow2'), lab('disk', target, 'copy.qcow2'));
  if (!said.includes('identical')) throw new Error(`${name}: ${said}`);
}

/** Of all cores, since the start of the machine. */
function busySeconds(): number {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq) / 100;
}
