/**
 * Something is killed at a random moment of a hot, a cold or a staged move of a real VM; the next `up` ends it well, or says what a person has
 * to decide, and nothing that the guest was told is durable is lost.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { env } from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { dist, done, stack, type Stack } from '../engine/harness.js';
import { nextUp } from '../engine/killing.js';
import { plugins, pluginsGone, signal } from '../engine/watch.js';
import { seeded } from '../simulation/random.js';
import { datacenter } from './datacenter.js';
import { clearLab, hosts, lab, running, violations, virsh } from './kit.js';
import { flat } from './moved.js';

const seed = Number(env['VMPLACEMENT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(env['VMPLACEMENT_KILL_RUNS'] ?? 22);

const victims = [
  'plugin',
  'CLI',
  'ssh',
  'libvirtd of the source',
  'libvirtd of the target',
  'QEMU',
  'source host',
  'target host',
  'link',
] as const;
type Victim = (typeof victims)[number];

const source = 'host-a';
/** Of the plugin that is tested: other checkouts may run theirs. */
const copier = join(dist, 'provider/drivers/libvirt/copier');
const cold = { method: 'cold', allowShutdown: true, keepSource: 'no', bandwidth: '40MiB/s' } as const;
const staged = {
  target: 'host-c',
  disk: ['--data', '120'],
  declared: { method: 'staged', assumeOs: true, keepSource: 'no', bandwidth: '40MiB/s' },
} as const;
const moves = {
  hot: { target: 'host-b', disk: ['--size', '256M'], declared: { bandwidth: '64MiB/s' } },
  'cold, direct': { target: 'host-b', disk: ['--data', '120'], declared: cold },
  'cold, relayed': { target: 'host-c', disk: ['--data', '120'], declared: cold },
  'staged, first copy': staged,
  'staged, cutover': staged,
} as const;
type Kind = keyof typeof moves;
const names = Object.keys(moves) as Kind[];

afterEach(() => {
  for (const host of hosts) {
    lab('link', host, 'on');
    lab('boot', host);
  }
  clearLab();
});

describe(`killed at a random moment (seed ${seed})`, () => {
  const random = seeded(seed);
  const order = shuffled(victims, random);
  const first = random(names.length);
  // Each victim in turn, each time in another move.
  const all = Array.from({ length: runs }, (_, index) => ({
    run: index + 1,
    move: names[(first + index + Math.floor(index / victims.length)) % names.length]!,
    victim: order[index % order.length]!,
    moment: random(1000) / 1000,
  }));

  const wholeMs = new Map<Kind, number>();

  test.for(all)('$run: $move, $victim', { timeout: 900_000 }, async ({ move, victim, moment, run }) => {
    const { target } = moves[move];
    if (!wholeMs.has(move)) wholeMs.set(move, await rehearsed(move));
    const { fleet, up } = await begun(move);
    const atMs = Math.round(moment * wholeMs.get(move)!);
    const ended = await Promise.race([pause(atMs).then(() => false), up.result.then(() => true)]);
    const asked = await plugins(fleet);
    await kill(victim, { up, asked, target });
    const { text } = await up.result;
    await pluginsGone(fleet);
    const told = [`run ${run}: ${move}, ${victim} after ${atMs} of ${wholeMs.get(move)!} ms${ended ? ', when it had ended' : ''}`, text];
    try {
      await ends(fleet, target, told);
    } catch (error) {
      throw new Error(told.join('\n====\n'), { cause: error });
    }
    console.log(told[0], told.length - 2, 'more');
  });
});

function shuffled<T>(list: readonly T[], random: (below: number) => number): readonly T[] {
  const rest = [...list];
  return list.map(() => rest.splice(random(rest.length), 1)[0]!);
}

async function begun(move: Kind): Promise<{ readonly fleet: Stack; readonly up: ReturnType<Stack['start']> }> {
  const { target, disk, declared } = moves[move];
  lab('vm', source, 'web-01', ...disk);
  const fleet = await adopted();
  await fleet.write({ placements: { web: { vm: 'web-01', host: target, ...declared } } });
  if (move === 'staged, cutover') {
    await done(fleet.pulumi('up', '--skip-preview'));
    await done(fleet.vmplacement('annotate', 'web-01', 'shutdown=now'));
  }
  const up = fleet.start(['up', '--skip-preview', '--yes']);
  await up.says(/updating/);
  return { fleet, up };
}

/** How long all of it takes here when nothing happens. */
async function rehearsed(move: Kind): Promise<number> {
  const { fleet, up } = await begun(move);
  const began = performance.now();
  const { code, text } = await up.result;
  const tookMs = Math.round(performance.now() - began);
  expect(code, text).toBe(0);
  await pluginsGone(fleet);
  clearLab();
  return tookMs;
}

async function adopted(): Promise<Stack> {
  const made = await stack(
    { placements: { web: { vm: 'web-01', host: source } } },
    { libvirt: datacenter(), lease: { renew: '1s', expire: '4s' } },
  );
  await done(made.pulumi('up', '--skip-preview'));
  return made;
}

interface Killed {
  readonly up: { readonly kill: (signal: NodeJS.Signals) => void };
  readonly asked: readonly number[];
  readonly target: string;
}

async function kill(victim: Victim, { up, asked, target }: Killed): Promise<void> {
  const sessions = 'for p in $(pgrep -x sshd); do [ $p = "$(cat /run/sshd.pid)" ] || kill -9 $p 2> /dev/null || true; done';
  switch (victim) {
    case 'plugin':
      for (const pid of asked) signal(pid, 'SIGKILL');
      return;
    case 'CLI':
      return up.kill('SIGKILL');
    case 'ssh':
      for (const host of [source, target]) lab('exec', host, 'sh', '-c', sessions);
      return;
    case 'libvirtd of the source':
    case 'libvirtd of the target':
      lab('libvirtd', victim.endsWith('source') ? source : target, 'kill');
      await pause(1500);
      lab('libvirtd', victim.endsWith('source') ? source : target, 'start');
      return;
    case 'QEMU':
      lab('exec', source, 'sh', '-c', 'kill -9 $(cat /run/libvirt/qemu/web-01.pid) 2> /dev/null || true');
      return;
    case 'source host':
    case 'target host': {
      const host = victim === 'source host' ? source : target;
      lab('crash', host);
      await pause(3000);
      lab('boot', host);
      return;
    }
    case 'link':
      lab('link', target, 'off');
      await pause(8000);
      lab('link', target, 'on');
      return;
  }
}

/** As an operator would: `up` again, and what the message asks for. */
async function ends(fleet: Stack, target: string, told: string[]): Promise<void> {
  for (let tries = 0; tries < 6; tries += 1) {
    // One that is migrated is there twice, and runs once.
    const at = hosts.filter((host) => virsh(host, 'list', '--state-running', '--name').split('\n').includes('web-01'));
    expect(at.length, told.join('\n')).toBeLessThanOrEqual(1);
    const { code, text } = await nextUp(fleet);
    told.push(text);
    if (/vmplacement annotate web-01 shutdown=now/.test(flat(text)))
      told.push((await fleet.vmplacement('annotate', 'web-01', 'shutdown=now')).text);
    if (/vmplacement confirm web-01/.test(text) && running(target).includes('web-01'))
      told.push((await fleet.vmplacement('confirm', 'web-01')).text);
    if (code === 0 && running(target).includes('web-01')) break;
    // One that a crash has left off is started by a person, where it may be started.
    for (const host of hosts.every((one) => !running(one).includes('web-01')) ? [target, source] : []) {
      if (!virsh(host, 'list', '--all', '--name').split('\n').includes('web-01')) continue;
      try {
        virsh(host, 'start', 'web-01');
        told.push(`started by hand on ${host}`);
        break;
      } catch (error) {
        told.push(String(error));
      }
    }
  }
  const all = told.join('\n====\n');
  expect(
    hosts.filter((host) => running(host).includes('web-01')),
    all,
  ).toEqual([target]);
  expect(virsh(source, 'list', '--all', '--name').trim(), all).toBe('');
  expect(lab('exec', source, 'ls', '/var/lib/libvirt/images'), all).toBe('');
  await expect.poll(() => violations('web-01'), { timeout: 30_000, message: all }).toEqual([]);
  for (const host of hosts) expect(lab('exec', host, 'sh', '-c', 'pgrep -x qemu-nbd || true'), all).toBe('');
  expect(spawnSync('pgrep', ['-fa', copier], { encoding: 'utf8' }).stdout, all).toBe('');
  // What a person did after the last update is read first.
  await done(fleet.pulumi('refresh', '--skip-preview'));
  expect((await fleet.placement('web')).outputs, all).toMatchObject({ host: target, phase: 'Settled', power: 'running' });
}
