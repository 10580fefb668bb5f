import { describe, expect, test } from 'vitest';
import type { Ticket } from '../../../provider/core/pool/ticket.js';
import { openDatacenter } from '../../../provider/drivers/open.js';
import { datacenterYaml, steady, up, usualStack } from './datacenter.js';
import { tooLong, world, type World } from './io.js';

const here = (more: Parameters<typeof world>[0] = {}): World =>
  world({ files: { 'datacenter.yaml': datacenterYaml, 'Pulumi.yaml': usualStack, 'Pulumi.dev.yaml': '' }, ...more });

/** A settled VM, one whose source is kept, one that waits for its go. */
async function busyWorld(): Promise<World> {
  const there = here();
  await up(there, 'web', { vm: 'web-01', host: 'a2' });
  await up(there, 'db', { vm: 'db-01', host: 'a2' });
  await up(there, 'erp', { vm: 'erp-01', host: 'b1' });
  return there;
}

/** Moves away from a2, one at a time. */
async function queued({ directory }: World, names: readonly string[]): Promise<void> {
  const { driver } = await openDatacenter({ datacenterFile: 'datacenter.yaml' }, directory);
  const slots = [{ kind: 'source' as const, name: 'a/a2', limit: 1 }];
  await driver.pool((_, { nowMs }) => {
    const tickets = names.map((name): Ticket => {
      return { vm: { name, uuid: name }, holder: 'run-1@ci', slots, state: 'waiting', urgent: false, expiresAt: nowMs + 60_000 };
    });
    return { tickets, result: undefined };
  });
  await driver.close();
}

describe('status', () => {
  test('given nothing adopted yet, then it says so and names --all', async () => {
    const { exit, out } = await here().vmplacement('status');
    expect({ exit, out }).toEqual({
      exit: 0,
      out: 'No VM has a placement yet.\n4 VMs of datacenter.yaml (Pulumi.yaml) have no placement (--all shows them).\n',
    });
  });

  test('given several placements, then a table of 80 columns and 3 for what is pending', async () => {
    const there = await busyWorld();
    const { exit, out } = await there.vmplacement('status');
    expect(exit).toBe(3);
    expect(tooLong(out)).toEqual([]);
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/status.txt');
  });

  test('given a staged move, then its details with the go that stands on the VM', async () => {
    const there = await busyWorld();
    await there.vmplacement('annotate', 'erp-01', 'shutdown=2099-05-01T22:00:00+02:00');
    const { exit, out } = await there.vmplacement('status', 'erp-01');
    expect(exit).toBe(3);
    expect(tooLong(out)).toEqual([]);
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/status-staged.txt');
  });

  test('given a kept source, then its place, age and size, and the next command', async () => {
    const there = await busyWorld();
    const { exit, out } = await there.vmplacement('status', 'db-01');
    expect(exit).toBe(3);
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/status-kept.txt');
  });

  test('given a settled VM, then 0 and its last move', async () => {
    const there = await busyWorld();
    const { exit, out } = await there.vmplacement('status', 'web-01');
    expect(exit).toBe(0);
    expect(out).toMatch(/web-01: Settled\n {2}place: {8}a\/a2, running\n.*last move: {4}hot a\/a1 -> a\/a2/s);
  });

  test('given moves that wait for their turn, then what each one waits for, also beside the VM itself', async () => {
    const there = await busyWorld();
    await queued(there, ['web-01', 'app-01', 'erp-01']);
    const { exit, out } = await there.vmplacement('status');
    expect(exit).toBe(3);
    expect(tooLong(out)).toEqual([]);
    expect(out).toContain(
      '\n\nWaiting for a turn to move:\napp-01: a/a2 already sends 1 of 1 VM (web-01)\nerp-01: a/a2 already sends 1 of 1 VM (web-01)\n\n',
    );
    expect((await there.vmplacement('status', 'erp-01')).out).toMatch(
      /\n {2}waits: {8}for a turn: a\/a2 already sends 1 of 1 VM\s+\(web-01\)\n/,
    );
    expect((await there.vmplacement('status', '--json')).json()['turns']).toEqual([
      { vm: 'web-01', state: 'moving', holder: 'run-1@ci', waitsFor: null },
      { vm: 'app-01', state: 'waiting', holder: 'run-1@ci', waitsFor: 'a/a2 already sends 1 of 1 VM (web-01)' },
      { vm: 'erp-01', state: 'waiting', holder: 'run-1@ci', waitsFor: 'a/a2 already sends 1 of 1 VM (web-01)' },
    ]);
  });

  test('given a host that cannot be read, then that is said, and a VM that may be there is no "no such VM"', async () => {
    const there = here();
    await there.vmplacement('embedded', 'fault', 'host', 'a1', 'unreachable');
    expect((await there.vmplacement('status', '--all')).out).toContain('warning: not read: a/a1.');
    expect(await there.vmplacement('status', 'web-01')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('that were not: a/a1 (host a/a1 does not answer)'),
    });
  });

  test('given a name that does not exist, then the nearest one is named', async () => {
    expect(await here().vmplacement('status', 'wbe-01')).toMatchObject({
      exit: 1,
      err: 'error: There is no VM wbe-01 on any host. Did you mean web-01?\n',
    });
  });

  test('given --json, then the same as data', async () => {
    const there = await busyWorld();
    await there.vmplacement('annotate', 'erp-01', 'shutdown=hold', '--giver', 'bob');
    const report = (await there.vmplacement('status', '--json')).json();
    expect(report).toMatchObject({ schemaVersion: 1, kind: 'status', unmanaged: ['app-01'], unreadHosts: [] });
    expect(report['placements']).toMatchObject([
      {
        vm: 'db-01',
        phase: 'AwaitingConfirmation',
        keptSource: { place: 'a/a1', bytes: expect.any(Number) },
        owner: 'organization/shop/dev',
      },
      {
        vm: 'erp-01',
        phase: 'AwaitingShutdown',
        place: 'a/a2',
        pending: 'b/b1',
        method: 'staged',
        replication: { increments: expect.any(Number), projectedDowntimeMs: expect.any(Number) },
        goes: [{ value: 'hold', place: 'vm', giver: 'bob', state: 'given' }],
      },
      { vm: 'web-01', phase: 'Settled', lastMove: { method: 'hot', from: 'a/a1', to: 'a/a2' }, pending: null, keptSource: null },
    ]);
  });

  test('given a terminal, then colour; given NO_COLOR or none, then none', async () => {
    const escape = '\u001b[';
    expect((await here({ tty: true }).vmplacement('status', 'web-01')).out).toContain(escape);
    expect((await here({ tty: true, env: { NO_COLOR: '1' } }).vmplacement('status', 'web-01')).out).not.toContain(escape);
    expect((await here().vmplacement('status', 'web-01')).out).not.toContain(escape);
  });
});
