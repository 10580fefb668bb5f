/** Two engines on two machines, each with a backend of its own, that want the same VM at the same time. */
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { done, stack, type Stack } from '../engine/harness.js';
import { datacenter } from './datacenter.js';
import { clearLab, hosts, lab, running, violations, virsh } from './kit.js';
import { flat, off } from './moved.js';

afterEach(clearLab);

interface Controller {
  readonly fleet: Stack;
  /** What it wants of web-01. */
  wants(declared: Readonly<Record<string, unknown>>): Promise<void>;
}

/** A stack whose commands run on a machine of this name, with a home of its own. */
async function controller(machine: string, name = 'fleet'): Promise<Controller> {
  const made = await stack({ name, placements: {} }, { libvirt: { ...datacenter(), timeout: '30s' } });
  await made.configure({ lease: { renew: '5s', expire: '20s' } });
  const there = 'hostname "$1"; mkdir -p "$2"; export HOME="$2"; shift 2; exec "$@"';
  return {
    fleet: made.by(['unshare', '--uts', 'sh', '-euc', there, 'sh', machine, join(made.dir, 'home')]),
    wants: (declared) => made.write({ name, placements: { web: { vm: 'web-01', ...declared } } }),
  };
}

/** Of this VM there is a definition here, and its image, and nowhere else. */
function isOnlyOn(place: string): void {
  for (const host of hosts) {
    expect([host, virsh(host, 'list', '--all', '--name').trim()]).toEqual([host, host === place ? 'web-01' : '']);
    expect([host, lab('exec', host, 'ls', '/var/lib/libvirt/images')]).toEqual([host, host === place ? 'web-01.qcow2' : '']);
  }
}

/** A name of a run, and until when it may not be disturbed. */
const named = (machine: string): RegExp =>
  new RegExp(
    `web-01: \\w+@${machine} is working on it.*; its lease ends \\d{4}-\\S+Z unless renewed\\. Nothing was done\\. Next: .*status`,
  );

test('two machines that run the same stack at once: one moves, the other says who works on it and until when, and does nothing', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '384M', '--data', '100');
  off('host-a', 'web-01');
  const machines = ['machine-1', 'machine-2'] as const;
  const targets = { 'machine-1': 'host-c', 'machine-2': 'host-d' };
  const controllers = { 'machine-1': await controller('machine-1'), 'machine-2': await controller('machine-2') };
  // Longer than it takes to see that the other one lives.
  for (const one of machines) await controllers[one].wants({ host: targets[one], bandwidth: '3MiB/s', keepSource: 'no' });
  const [first, second] = await Promise.all(machines.map((one) => controllers[one].fleet.pulumi('up', '--skip-preview')));
  const said = `${first?.text ?? ''}\n${second?.text ?? ''}`;
  const [winner, loser] = first?.code === 0 ? machines : ([machines[1], machines[0]] as const);
  expect(
    [first?.code, second?.code].filter((code) => code === 0),
    said,
  ).toHaveLength(1);
  expect(flat((winner === 'machine-1' ? second : first)?.text ?? '')).toMatch(named(winner));
  isOnlyOn(targets[winner]);
  await done(controllers[winner].fleet.pulumi('preview', '--expect-no-changes'));
  expect((await controllers[loser].fleet.vmplacement('status', 'web-01')).text).toContain(targets[winner]);
  virsh(targets[winner], 'start', 'web-01');
  lab('wait', targets[winner], 'web-01', '^ACK', '90');
  expect(violations('web-01')).toEqual([]);
});

test('while one machine moves it hot, the same stack on another machine says who works on it, and does nothing', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '320M');
  const [first, second] = [await controller('machine-1'), await controller('machine-2')];
  await first.wants({ host: 'host-b', bandwidth: '6MiB/s' });
  const up = first.fleet.start(['up', '--skip-preview', '--yes']);
  await up.says(/hot copy/);
  // Longer than a lease: it is alive only because it was renewed while libvirt migrates.
  await second.wants({ host: 'host-d', method: 'cold', allowShutdown: true, noProgressTimeout: '20s' });
  const other = await second.fleet.pulumi('up', '--skip-preview');
  expect(other.code, other.text).not.toBe(0);
  expect(flat(other.text)).toMatch(
    /- VM web-01 is locked by another operation: .*Outgoing migration; \w+@machine-1 is working on it, and its lease ends \d{4}-\S+ unless renewed\. .*vmplacement status web-01.*Nothing was done/,
  );
  const { code, text } = await up.result;
  expect(code, text).toBe(0);
  expect(running('host-b')).toEqual(['web-01']);
  isOnlyOn('host-b');
  expect(violations('web-01')).toEqual([]);
});

test('another stack on another machine is told whose the VM is; with takeOver who works on it, until when; it does nothing', async () => {
  lab('vm', 'host-a', 'web-01', '--size', '320M');
  const [first, second] = [await controller('machine-1'), await controller('machine-2', 'other')];
  await first.wants({ host: 'host-b', bandwidth: '8MiB/s' });
  const up = first.fleet.start(['up', '--skip-preview', '--yes']);
  await up.says(/hot copy/);
  await second.wants({ host: 'host-a' });
  const stranger = await second.fleet.pulumi('up', '--skip-preview');
  expect(stranger.code, stranger.text).not.toBe(0);
  const [, owner = ''] = /VM web-01 is being moved by the stack (\S+), not by \S+ .*declare takeOver: \1\./.exec(flat(stranger.text)) ?? [];
  expect(owner, stranger.text).toMatch(/fleet/);
  await second.wants({ host: 'host-a', takeOver: owner });
  const greedy = await second.fleet.pulumi('up', '--skip-preview');
  expect(greedy.code, greedy.text).not.toBe(0);
  expect(flat(greedy.text)).toMatch(/its lease is alive: held by \w+@machine-1 until \d{4}-\S+.*Wait until that run has ended/);
  const { code, text } = await up.result;
  expect(code, text).toBe(0);
  isOnlyOn('host-b');
  expect(violations('web-01')).toEqual([]);
});
