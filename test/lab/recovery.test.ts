/**
 * What befalls the source of a staged move between two of its passes, or in the middle of one, on real VMs: each time the driver goes on or
 * drops its trust, and in the end the target holds what the source holds, byte by byte.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { env } from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Driver, Move } from '../../provider/core/driver.js';
import type { MoveEvent } from '../../provider/core/events.js';
import type { MoveOptions } from '../../provider/core/record.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { begin, pass, shutDown, testRun } from '../contract/suite/kit.js';
import { datacenter } from './datacenter.js';
import { clearLab, hosts, lab, violations, virsh } from './kit.js';
import { off } from './moved.js';

const vm = 'runner';
const [source, target] = ['host-a', 'host-c'] as const;
const images = '/var/lib/libvirt/images';

const opened: Driver[] = [];

async function another(): Promise<Driver> {
  const driver = await openLibvirt(resolveLibvirt(datacenter()), { baseDir: '/' });
  opened.push(driver);
  return driver;
}

beforeEach(() => {
  lab('vm', source, vm, '--size', '512M', '--data', '64');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((driver) => driver.close().catch(() => undefined)));
  for (const host of hosts) lab('boot', host);
  clearLab();
});

/** Replicated once; the guest has written since. */
async function begun(how: Partial<MoveOptions> = {}): Promise<{ readonly driver: Driver; readonly move: Passed }> {
  const driver = await another();
  const harness = {
    ...{ driver, another, runner: vm, sleeper: '' },
    from: { cluster: 'blue', host: source },
    near: { cluster: 'blue', host: 'host-b' },
    far: { cluster: 'green', host: target },
    outside: { violations: async () => violations(vm), shutdown: async () => undefined, start: async () => undefined },
    close: async () => undefined,
  };
  const move = await pass(driver, await begin(harness, vm, harness.far, 'staged', how));
  expect(move).toMatchObject({ kind: 'full', distrust: '' });
  writes(4, 264);
  return { driver, move };
}

type Passed = Awaited<ReturnType<typeof pass>>;

/** The guest, random data, where it has some already. */
const writes = (mebibytes: number, at: number): void =>
  void lab('say', source, vm, '--expect', 'DIRTIED', 'dirty', String(mebibytes), String(at));

/** The guest is up again. */
function start(host: string = source): void {
  virsh(host, 'start', vm);
  lab('wait', host, vm, '^ACK', '90');
}

const killQemu = (): void => void lab('exec', source, 'sh', '-c', `kill -9 $(cat /run/libvirt/qemu/${vm}.pid)`);

/** It is off, whatever libvirt calls it. */
function waitOff(): void {
  const line = `for i in $(seq 100); do virsh -q list --name | grep -qx ${vm} || exit 0; sleep 0.1; done; exit 1`;
  lab('exec', source, 'bash', '-c', line);
}

const checkpoints = (): readonly string[] =>
  virsh(source, 'checkpoint-list', vm, '--name')
    .split('\n')
    .map((name) => name.trim())
    .filter((name) => name !== '');

async function goesOn(driver: Driver, move: Passed): Promise<Passed> {
  const next = await pass(driver, move);
  expect(next).toMatchObject({ kind: 'increment', distrust: '' });
  expect(next.record.increment?.images).toMatchObject(move.record.increment?.images ?? {});
  return next;
}

async function isCopiedAgain(driver: Driver, move: Passed, why: RegExp): Promise<Passed> {
  const next = await pass(driver, move);
  expect(next).toMatchObject({ kind: 'full', distrust: expect.stringMatching(why) });
  return next;
}

/** By its target's name: the image of a disk, by the controller's path. What lies on other images is flattened first. */
function disksOf(host: string): ReadonlyMap<string, string> {
  const lines = virsh(host, 'domblklist', vm).split('\n');
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const [, name, path] = /^\s*(\S+)\s+(\/\S+)/.exec(line) ?? [];
      if (name === undefined || path === undefined) return [];
      const flat = `flat-${basename(path)}`;
      const info = lab('exec', host, 'qemu-img', 'info', '-U', '--output=json', path);
      if (!info.includes('"backing-filename"')) return [[name, lab('disk', host, basename(path))]];
      lab('exec', host, 'qemu-img', 'convert', '-q', '-U', '-O', 'qcow2', path, `${images}/${flat}`);
      return [[name, lab('disk', host, flat)]];
    }),
  );
}

/** Like `violations`, of a VM on the target whose image has another name. */
function lostWrites(): string {
  const path = disksOf(target).get('vda') ?? '';
  const consoles = hosts.map((host) => lab('console', host, vm)).filter((log) => existsSync(log));
  return lab('check-disk', path, ...consoles.flatMap((log) => ['--console', log]));
}

/** Off, as it is: the last increment, then the target is what the source is and goes on from there. */
async function finishes(driver: Driver, move: Move): Promise<void> {
  await driver.block(move.source, move.record.moveId, testRun());
  const outcome = await driver.finish(move, testRun());
  expect(outcome).not.toHaveProperty('reason');
  if ('reason' in outcome) return;
  const there = disksOf(target);
  const here = disksOf(source);
  expect([...there.keys()]).toEqual([...here.keys()]);
  for (const [name, path] of here) expect(lab('compare', path, there.get(name) ?? ''), name).toBe('Images are identical.');
  await driver.start(outcome.target, testRun());
  lab('wait', target, vm, '^ACK', '90');
  expect(lostWrites()).toMatch(/ OK$/m);
  if (basename(there.get('vda') ?? '') === `${vm}.qcow2`) expect(violations(vm)).toEqual([]);
}

/** What it writes until it is shut down arrives too. */
async function ends(driver: Driver, move: Move): Promise<void> {
  writes(2, 280);
  await shutDown(driver, move);
  await finishes(driver, move);
}

/** Nothing is sent of a source that is off and is not trusted; started again it is copied again, and all is well. */
async function isNotFinished(driver: Driver, move: Passed, why: RegExp): Promise<void> {
  await driver.block(move.source, move.record.moveId, testRun());
  expect(await driver.finish(move, testRun())).toEqual({ reason: expect.stringMatching(why) });
  await driver.unblock(move.source, testRun());
  start();
  await ends(driver, await isCopiedAgain(driver, move, why));
}

/** A pass that takes some seconds; `fault` befalls it in the middle. How it ends is of no matter, what the next one does is. */
async function disturbed(driver: Driver, move: Passed, fault: (stop: AbortController) => void): Promise<string> {
  writes(40, 256);
  let seen = 0;
  const onEvent = (event: MoveEvent, stop: AbortController): void => {
    if (event.kind === 'progress' && (seen += 1) === 4) fault(stop);
  };
  const ended = await driver.replicate(move, testRun({ onEvent })).then(
    () => 'it went on',
    (error: unknown) => String(error),
  );
  expect(seen).toBeGreaterThanOrEqual(4);
  return ended;
}

const slow = { bandwidthBytesPerSecond: 12 * 1024 ** 2 };
const unclean = /bitmap|power-off/;

/** Each row has a test that always runs; `VMPLACEMENT_RECOVERY=all` runs what else may happen with it too (20 minutes). */
const all = env['VMPLACEMENT_RECOVERY'] === 'all';
const more = (name: string, run: () => Promise<void>): void => {
  if (all) test(name, run);
};
/** Known, and not found by anything on the source (docs/recovery.md). */
const hole = (name: string, run: () => Promise<void>): void => {
  if (all) test.fails(name, run);
};

describe('recovery of a staged move', () => {
  test('guest shutdown + start: given one, then it goes on', async () => {
    const { driver, move } = await begun();
    off(source, vm);
    start();
    await ends(driver, await goesOn(driver, move));
  });

  test('VM restarted between increments: given one each time, and a last one behind the last increment, then it goes on', async () => {
    const { driver, move } = await begun();
    let next = move;
    for (const at of [256, 272]) {
      off(source, vm);
      start();
      writes(2, at);
      next = await goesOn(driver, next);
    }
    off(source, vm);
    start();
    await ends(driver, next);
  });

  more('guest shut down by hand cleanly: given one, then the last increment is sent', async () => {
    const { driver, move } = await begun();
    const next = await goesOn(driver, move);
    writes(2, 276);
    off(source, vm);
    await finishes(driver, next);
  });

  more('guest shut down by hand in the middle of a pass: given one, then the next pass goes on from the one before', async () => {
    const { driver, move } = await begun(slow);
    await disturbed(driver, move, () => off(source, vm));
    start();
    await ends(driver, await goesOn(await another(), move));
  });

  test('guest shut down by hand otherwise: given a virsh destroy, then nothing is finished', async () => {
    const { driver, move } = await begun();
    const next = await goesOn(driver, move);
    writes(2, 276);
    virsh(source, 'destroy', vm);
    await isNotFinished(driver, next, unclean);
  });

  test('virsh destroy: given one and a start, then it is copied again', async () => {
    const { driver, move } = await begun();
    virsh(source, 'destroy', vm);
    start();
    await ends(driver, await isCopiedAgain(driver, move, unclean));
  });

  test('virsh reset: given one, then it goes on: QEMU has lived on', async () => {
    const { driver, move } = await begun();
    virsh(source, 'reset', vm);
    lab('wait', source, vm, '^ACK', '90');
    await ends(driver, await goesOn(driver, move));
  });

  more('virsh managedsave: given one and a start, then no write is lost', async () => {
    const { driver, move } = await begun();
    virsh(source, 'managedsave', vm);
    start();
    const next = await pass(driver, move);
    expect(next.kind === 'full').toBe(next.distrust !== '');
    await ends(driver, next);
  });

  test('libvirtd kill -9, no job: given one, then it goes on', async () => {
    const { driver, move } = await begun();
    lab('libvirtd', source, 'kill');
    lab('libvirtd', source, 'start');
    await ends(driver, await goesOn(driver, move));
  });

  test.each([
    ['one', 'the pass itself goes on, for QEMU serves the disks', false],
    ['one and an end of our process', 'another one goes on with it', true],
  ])('libvirtd kill -9 in backup: given %s, then %s', async (_what, _then, isStopped) => {
    const { driver, move } = await begun(slow);
    const ended = await disturbed(driver, move, (stop) => {
      lab('libvirtd', source, 'kill');
      lab('libvirtd', source, 'start');
      if (isStopped) stop.abort();
    });
    expect(ended).toMatch(isStopped ? /stopped as asked/ : /it went on/);
    const next = await goesOn(await another(), move);
    expect(next.record.increment?.n).toBe(2);
    // That of the first pass goes with the next one, when the record names this one.
    expect(checkpoints()).toHaveLength(2);
    expect(virsh(source, 'domjobinfo', vm)).toMatch(/None/);
    await ends(driver, next);
  });

  test('QEMU kill -9, bitmap made in this run: given one and a start, then it is copied again', async () => {
    const { driver, move } = await begun();
    killQemu();
    waitOff();
    start();
    const next = await isCopiedAgain(driver, move, unclean);
    expect(checkpoints()).toHaveLength(1);
    await ends(driver, next);
  });

  more('QEMU kill -9, bitmap made in this run: given that it stays off, then nothing is finished', async () => {
    const { driver, move } = await begun();
    killQemu();
    waitOff();
    await driver.block(move.source, move.record.moveId, testRun());
    await expect(driver.finish(move, testRun())).rejects.toMatchObject({ code: 'not-possible', said: expect.stringMatching(/crashed/) });
    await driver.unblock(move.source, testRun());
    // libvirt itself forgets that it was a crash.
    lab('libvirtd', source, 'kill');
    lab('libvirtd', source, 'start');
    await expect(driver.finish(move, testRun())).rejects.toMatchObject({ code: 'not-possible', said: expect.stringMatching(/crashed/) });
    start();
    await ends(driver, await isCopiedAgain(driver, move, unclean));
  });

  test('QEMU kill -9, bitmap stored by earlier stop: given one and a start, then it is copied again', async () => {
    const { driver, move } = await begun();
    off(source, vm);
    start();
    writes(4, 272);
    killQemu();
    waitOff();
    start();
    const next = await isCopiedAgain(driver, move, unclean);
    expect(checkpoints()).toHaveLength(1);
    await ends(driver, next);
  });

  more('QEMU kill -9 in backup: given one and a start, then it is copied again', async () => {
    const { driver, move } = await begun(slow);
    await disturbed(driver, move, killQemu);
    waitOff();
    start();
    const next = await isCopiedAgain(await another(), move, unclean);
    expect(checkpoints()).toHaveLength(1);
    await ends(driver, next);
  });

  test('host power loss: given one and a start, then it is copied again', async () => {
    const { driver, move } = await begun();
    lab('crash', source);
    lab('boot', source);
    start();
    await ends(driver, await isCopiedAgain(driver, move, unclean));
  });

  more('host power loss: given one behind an earlier clean stop, and that it stays off, then nothing is finished', async () => {
    const { driver, move } = await begun();
    off(source, vm);
    start();
    writes(4, 272);
    lab('crash', source);
    lab('boot', source);
    await isNotFinished(driver, move, unclean);
  });

  more('host power loss in backup: given one and a start, then it is copied again', async () => {
    const { driver, move } = await begun(slow);
    await disturbed(driver, move, () => lab('crash', source));
    lab('boot', source);
    start();
    await ends(driver, await isCopiedAgain(await another(), move, unclean));
  });

  test('blockresize (grow): given one, then it goes on, and what is written there arrives', async () => {
    const { driver, move } = await begun();
    virsh(source, 'blockresize', vm, 'vda', '640M');
    writes(4, 630);
    await ends(driver, await goesOn(driver, move));
  });

  more('blockresize (grow): given one behind the last increment, then the last increment carries what was written there', async () => {
    const { driver, move } = await begun();
    const next = await goesOn(driver, move);
    virsh(source, 'blockresize', vm, 'vda', '640M');
    writes(4, 630);
    await ends(driver, next);
  });

  test('blockresize (shrink): given one, then it is copied again', async () => {
    const { driver, move } = await begun();
    virsh(source, 'blockresize', vm, 'vda', '480M');
    await ends(driver, await isCopiedAgain(driver, move, /shrunk/));
  });

  hole('blockresize (shrink and grow back): given both between two passes, then the target does not keep what was cut off', async () => {
    writes(4, 500);
    const { driver, move } = await begun();
    virsh(source, 'blockresize', vm, 'vda', '480M');
    virsh(source, 'blockresize', vm, 'vda', '512M');
    const next = await pass(driver, move);
    await ends(driver, next);
  });

  test('checkpoint deleted (any): given ours, then it is copied again', async () => {
    const { driver, move } = await begun();
    for (const name of checkpoints()) virsh(source, 'checkpoint-delete', vm, name);
    await ends(driver, await isCopiedAgain(driver, move, /checkpoint is gone/));
  });

  more('checkpoint deleted (any): given that only its bitmap is gone, then it is copied again', async () => {
    const { driver, move } = await begun();
    off(source, vm);
    for (const name of checkpoints()) lab('exec', source, 'qemu-img', 'bitmap', '--remove', '-f', 'qcow2', `${images}/${vm}.qcow2`, name);
    start();
    await ends(driver, await isCopiedAgain(driver, move, /bitmap/));
  });

  more('checkpoint deleted (any): given one of others, made and deleted behind ours, then it goes on', async () => {
    const { driver, move } = await begun();
    virsh(source, 'checkpoint-create-as', vm, 'theirs');
    writes(2, 272);
    virsh(source, 'checkpoint-delete', vm, 'theirs');
    await ends(driver, await goesOn(driver, move));
  });

  test('external snapshot by other: given one, then it is copied again', async () => {
    const { driver, move } = await begun();
    virsh(source, 'snapshot-create-as', vm, 'theirs', '--disk-only', '--no-metadata');
    writes(2, 272);
    await ends(driver, await isCopiedAgain(driver, move, /image chain of disk vda/));
  });

  test('external snapshot by other: given one behind the last increment and a shutdown, then nothing is finished', async () => {
    const { driver, move } = await begun();
    virsh(source, 'snapshot-create-as', vm, 'theirs', '--disk-only', '--no-metadata');
    writes(2, 272);
    off(source, vm);
    await isNotFinished(driver, move, /image chain of disk vda/);
  });

  const snapshot = (): void => {
    virsh(source, 'snapshot-create-as', vm, 'theirs', '--disk-only', '--no-metadata');
    writes(2, 272);
  };
  const committed = (): void => {
    virsh(source, 'blockcommit', vm, 'vda', '--active', '--pivot', '--wait');
    expect(virsh(source, 'domblklist', vm)).toContain(`${images}/${vm}.qcow2`);
    lab('exec', source, 'rm', `${images}/${vm}.theirs`);
  };

  test('blockcommit --pivot back: given one, then it goes on, and what was written above it arrives', async () => {
    const { driver, move } = await begun();
    snapshot();
    committed();
    writes(2, 276);
    await ends(driver, await goesOn(driver, move));
  });

  more('blockcommit --pivot back: given a restart on the overlay, then what was written above it arrives', async () => {
    const { driver, move } = await begun();
    snapshot();
    off(source, vm);
    start();
    writes(2, 276);
    committed();
    const next = await pass(driver, move);
    await ends(driver, next);
  });

  more('blockcommit --pivot back: given that it is committed while the VM is off, then what was written above it arrives', async () => {
    const { driver, move } = await begun();
    snapshot();
    off(source, vm);
    lab('exec', source, 'qemu-img', 'commit', '-q', `${images}/${vm}.theirs`);
    const edited = `sed "s/${vm}.theirs/${vm}.qcow2/; /<backingStore/,/<.backingStore>/d"`;
    const edit = `virsh -q dumpxml ${vm} --inactive --security-info | ${edited} > /tmp/edited; virsh -q define /tmp/edited`;
    lab('exec', source, 'sh', '-ec', edit);
    start();
    const next = await pass(driver, move);
    await ends(driver, next);
  });

  test('internal snapshot create: given one, then it goes on', async () => {
    const { driver, move } = await begun();
    virsh(source, 'snapshot-create-as', vm, 'theirs');
    writes(2, 272);
    await ends(driver, await goesOn(driver, move));
  });

  /** libvirt fails, and puts the definition of the snapshot in the place of the domain's. */
  const revert = (): void => {
    expect(() => virsh(source, 'snapshot-revert', vm, 'theirs')).toThrow(/active dirty bitmaps/);
    waitOff();
  };

  test('snapshot-revert by other while ours exists: given that it fails and leaves the VM off, then nothing is finished', async () => {
    const { driver, move } = await begun();
    virsh(source, 'snapshot-create-as', vm, 'theirs');
    writes(2, 272);
    revert();
    await expect(driver.replicate(move, testRun())).rejects.toMatchObject({ code: 'not-possible' });
    await isNotFinished(driver, move, unclean);
  });

  more(
    'snapshot-revert by other while ours exists: given a snapshot between two passes, then the later pass is not forgotten',
    async () => {
      const { driver, move } = await begun();
      virsh(source, 'snapshot-create-as', vm, 'theirs');
      const next = await goesOn(driver, move);
      writes(2, 272);
      revert();
      await driver.block(next.source, next.record.moveId, testRun());
      expect(await driver.finish(next, testRun())).toHaveProperty('reason');
      await driver.unblock(next.source, testRun());
      start();
      const again = await driver.replicate(next, testRun());
      expect(again).toMatchObject({ kind: 'full', distrust: expect.stringMatching(/./) });
    },
  );

  more('snapshot-revert by other while ours exists: given a snapshot from before the move, then nothing is finished or sent', async () => {
    virsh(source, 'snapshot-create-as', vm, 'theirs');
    const { driver, move } = await begun();
    revert();
    // What is kept with the domain is gone with its definition: the record, the lease, what was sent.
    await driver.block(move.source, move.record.moveId, testRun());
    expect(await driver.finish(move, testRun())).toHaveProperty('reason');
    await driver.unblock(move.source, testRun());
    start();
    await expect(driver.replicate(move, testRun())).rejects.toMatchObject({ code: 'lease-lost' });
    expect(violations(vm)).toEqual([]);
  });

  more('snapshot-revert by other while ours exists: given a VM that is off, then QEMU refuses it too, and it goes on', async () => {
    const { driver, move } = await begun();
    off(source, vm);
    expect(() => virsh(source, 'snapshot-create-as', vm, 'theirs')).toThrow(/while checkpoint exists/);
    const image = `${images}/${vm}.qcow2`;
    lab('exec', source, 'qemu-img', 'snapshot', '-c', 'theirs', image);
    start();
    writes(2, 272);
    const next = await goesOn(driver, move);
    off(source, vm);
    expect(() => lab('exec', source, 'qemu-img', 'snapshot', '-a', 'theirs', image)).toThrow(/active dirty bitmaps/);
    await finishes(driver, next);
  });

  more(
    'snapshot-revert by other while ours exists: given a VM that is off, and its snapshot from before, then nothing is sent that is not there',
    async () => {
      off(source, vm);
      virsh(source, 'snapshot-create-as', vm, 'theirs');
      start();
      const { driver, move } = await begun();
      off(source, vm);
      expect(() => virsh(source, 'snapshot-revert', vm, 'theirs')).toThrow(/active dirty bitmaps/);
      await finishes(driver, move);
    },
  );

  hole('snapshot-revert by other while ours exists: given a source that is blocked, then it stays blocked', async () => {
    virsh(source, 'snapshot-create-as', vm, 'theirs');
    const { driver, move } = await begun();
    await shutDown(driver, move);
    await driver.block(move.source, move.record.moveId, testRun());
    expect(() => virsh(source, 'start', vm)).toThrow();
    revert();
    expect(() => virsh(source, 'start', vm)).toThrow();
  });

  const image = `${images}/${vm}.qcow2`;

  more('image restored by other: given a copy of it from a clean stop since the last pass, then it goes on', async () => {
    const { driver, move } = await begun();
    off(source, vm);
    lab('exec', source, 'cp', image, '/tmp/kept');
    start();
    writes(2, 272);
    off(source, vm);
    restored();
    await ends(driver, await pass(driver, move));
  });

  more('image restored by other: given a pass that was interrupted behind the copy, then what it has sent does not stay', async () => {
    const { driver, move } = await begun(slow);
    off(source, vm);
    lab('exec', source, 'cp', image, '/tmp/kept');
    start();
    await disturbed(driver, move, () => off(source, vm));
    restored();
    await ends(driver, await pass(await another(), move));
  });

  /** Its console is that of the writes that are taken back. */
  function restored(): void {
    lab('exec', source, 'cp', '/tmp/kept', image);
    lab('exec', source, 'sh', '-c', `: > /var/log/${vm}.console`);
    start();
  }

  test('live migration by other with our checkpoint: given one away and back, then it is copied again', async () => {
    const { driver, move } = await begun();
    migrated(source, 'host-b');
    migrated('host-b', source);
    const next = await isCopiedAgain(driver, move, /checkpoint is gone|bitmap/);
    expect(checkpoints()).toHaveLength(1);
    await ends(driver, next);
  });

  more('live migration by other with our checkpoint: given one away, then it is refused, and nothing is sent', async () => {
    const { driver, move } = await begun();
    migrated(source, 'host-b');
    await expect(driver.replicate(move, testRun())).rejects.toMatchObject({ name: 'PlacementError' });
    await expect(driver.finish(move, testRun())).rejects.toMatchObject({ name: 'PlacementError' });
  });

  const added = (virtual: string): void => {
    const path = `${images}/added.qcow2`;
    const random = `dd if=/dev/urandom of=/tmp/some bs=1M count=8 status=none; truncate -s ${virtual} /tmp/some`;
    lab('exec', source, 'sh', '-ec', `${random}; qemu-img convert -f raw -O qcow2 /tmp/some ${path}; rm /tmp/some`);
    virsh(source, 'attach-disk', vm, path, 'vdb', '--targetbus', 'virtio', '--subdriver', 'qcow2', '--persistent');
  };

  test.each([
    ['with something on it', '32M'],
    ['that is full', '8M'],
  ])('disk added: given one %s, then it goes on and carries all of it', async (_what, virtual) => {
    const { driver, move } = await begun();
    added(virtual);
    const next = await goesOn(driver, move);
    expect(Object.keys(next.record.increment?.images ?? {})).toEqual(['vda', 'vdb']);
    await ends(driver, await goesOn(driver, next));
  });

  test('disk added: given one behind the last increment, then nothing is finished', async () => {
    const { driver, move } = await begun();
    added('32M');
    off(source, vm);
    await driver.block(move.source, move.record.moveId, testRun());
    expect(await driver.finish(move, testRun())).toEqual({ reason: expect.stringMatching(/disk vdb was added/) });
    await driver.unblock(move.source, testRun());
    start();
    await ends(driver, await goesOn(driver, move));
  });
});

function migrated(from: string, to: string): void {
  const how = ['--live', '--p2p', '--persistent', '--undefinesource', '--copy-storage-all'];
  virsh(from, 'migrate', vm, `qemu+ssh://${to}/system`, ...how);
}
