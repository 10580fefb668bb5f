import { describe, expect, test } from 'vitest';
import { datacenterYaml, steady, up, usualStack } from './datacenter.js';
import { tooLong, world, type Ran, type World } from './io.js';

const here = (): World => world({ files: { 'datacenter.yaml': datacenterYaml, 'Pulumi.yaml': usualStack, 'Pulumi.dev.yaml': '' } });
const staged = { vm: 'erp-01', host: 'b1' };

async function waiting(): Promise<World> {
  const there = here();
  await up(there, 'erp', staged);
  return there;
}

describe('annotate', () => {
  test.each([
    ['shutdown=now', 'The next `pulumi up` sends one more increment, shuts the guest down and finishes the move on b/b1.'],
    ['vmplacement/shutdown=force', 'a guest that does not obey in time is powered off'],
    ['shutdown=hold', 'No shutdown is sent while it stands'],
    ['shutdown=2099-05-01T22:00:00+02:00', 'From then on a `pulumi up` sends'],
    ['shutdown=2001-05-01T22:00:00+02:00', 'That time is over, so it counts as now'],
    ['shutdown=2099-05-01T22:00:00Z/2099-05-01T23:00:00Z', 'Inside the window a `pulumi up` sends'],
    ['shutdown=2001-05-01T22:00:00Z/2001-05-01T23:00:00Z', 'that window is over'],
  ])('given a move that waits, when %s, then it says what will happen', async (annotation, said) => {
    const there = await waiting();
    const { exit, out } = await there.vmplacement('annotate', 'erp-01', annotation);
    expect(exit).toBe(0);
    expect(oneLine(out)).toContain(said);
    expect(oneLine(out)).toContain('set by alice@desk.');
    expect(tooLong(out)).toEqual([]);
  });

  test('given a platform that cuts over at any power-off, when hold is set, then it says so', async () => {
    const task = datacenterYaml.replace('clock: manual', 'clock: manual\n  style: task');
    const there = world({ files: { 'datacenter.yaml': task, 'Pulumi.yaml': usualStack } });
    await up(there, 'erp', staged);
    expect(oneLine((await there.vmplacement('annotate', 'erp-01', 'shutdown=hold')).out)).toContain('cuts over at any power-off');
  });

  test('given a go, when the next up runs, then the move ends; and the annotation is gone', async () => {
    const there = await waiting();
    const { out } = await there.vmplacement('annotate', 'erp-01', 'shutdown=now');
    expect(out).toContain('Next: pulumi up\n');
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/annotate.txt');

    await up(there, 'erp', staged);

    const report = (await there.vmplacement('status', 'erp-01', '--json')).json();
    expect(report['placements']).toMatchObject([
      { place: 'b/b1', phase: 'AwaitingConfirmation', goes: [], lastMove: { go: expect.stringContaining('alice@desk') } },
    ]);
  });

  test.each([['shutdown-'], ['vmplacement/shutdown-'], ['--remove']])('given a go, when %s, then it is taken back', async (remove) => {
    const there = await waiting();
    await there.vmplacement('annotate', 'erp-01', 'shutdown=now');
    const { exit, out } = await there.vmplacement('annotate', 'erp-01', remove);
    expect({ exit, out: oneLine(out) }).toEqual({
      exit: 0,
      out: 'erp-01: vmplacement/shutdown removed. The move goes on waiting for a go; one that is declared in the stack still counts.',
    });
    expect((await there.vmplacement('status', 'erp-01', '--json')).json()['placements'][0].goes).toEqual([]);
  });

  test('given no move, then it says that the annotation waits for one', async () => {
    const { out } = await here().vmplacement('annotate', 'web-01', 'shutdown=now');
    expect(oneLine(out)).toContain('No move of it is under way.');
  });

  test('given goFrom: declared, then it says that only the declaration counts', async () => {
    const there = here();
    await up(there, 'erp', { ...staged, goFrom: 'declared' });
    const { out } = await there.vmplacement('annotate', 'erp-01', 'shutdown=now');
    expect(oneLine(out)).toContain('this placement takes a go from its declaration only');
  });

  test.each([
    [['shutdown=soon'], 'must be "now", "force", "hold"'],
    [['shutdown='], 'must be "now"'],
    [
      ['shutdown=2026-05-01T11:00:00Z/2026-05-01T10:00:00Z'],
      'The value of shutdown must be a window that ends after it starts, not "2026-05-01T11:00:00Z/2026-05-01T10:00:00Z".',
    ],
    [['shutdown'], 'The value is missing.'],
    [[], 'The value is missing.'],
    [['reboot=now'], 'is not an annotation that is known here'],
    [['shutdown=now', '--remove'], 'Either a value or --remove'],
  ])('given %j, then it is refused and nothing is written', async (words, said) => {
    const there = await waiting();
    const { exit, err } = await there.vmplacement('annotate', 'erp-01', ...words);
    expect(exit).toBe(1);
    expect(oneLine(err)).toContain(said);
    expect((await there.vmplacement('status', 'erp-01', '--json')).json()['placements'][0].goes).toEqual([]);
  });
});

describe('confirm, cancel, resume', () => {
  test('given a kept source, when confirmed, then it is gone and the VM settled', async () => {
    const there = here();
    await up(there, 'db', { vm: 'db-01', host: 'a2' });
    const ran = await there.vmplacement('confirm', 'db-01', '--json');
    expect(ran).toMatchObject({ exit: 0 });
    expect(ran.json()).toMatchObject({
      schemaVersion: 1,
      kind: 'action',
      command: 'confirm',
      vm: 'db-01',
      status: { phase: 'Settled', place: 'a/a2', keptSource: null },
    });
  });

  test('given a move that waits, when cancelled, then it stays and is not started again until resumed', async () => {
    const there = await waiting();
    const cancelled = await there.vmplacement('cancel', 'erp-01');
    expect(cancelled.exit).toBe(0);
    expect(oneLine(cancelled.out)).toContain('its move to b/b1 was cancelled');
    expect(
      (await there.vmplacement('embedded', 'show', '--json')).json()['vms'].find((vm: { name: string }) => vm.name === 'erp-01').copies,
    ).toMatchObject([{ place: 'a/a2', power: 'running' }]);

    const resumed = await there.vmplacement('resume', 'erp-01');
    expect(resumed).toMatchObject({ exit: 0, out: 'erp-01: the next pulumi up may move it to b/b1 again.\n' });
  });

  test('given nothing under way, then confirm and cancel are refused in words', async () => {
    const there = here();
    for (const command of ['confirm', 'cancel']) {
      expect(await there.vmplacement(command, 'web-01')).toMatchObject({ exit: 1, out: '', err: expect.stringContaining('web-01') });
    }
  });

  test('given --json, when it is refused, then the error is JSON too', async () => {
    const ran = await here().vmplacement('cancel', 'web-01', '--json');
    expect(ran.exit).toBe(1);
    expect(ran.json()).toEqual({
      schemaVersion: 1,
      kind: 'error',
      code: 'not-possible',
      message: 'web-01: no move is under way.',
      vm: 'web-01',
      path: null,
      next: null,
    });
  });

  test('given a terminal, then progress is a live line there, and the result stands alone on standard output', async () => {
    const there = world({ files: { 'datacenter.yaml': datacenterYaml, 'Pulumi.yaml': usualStack, 'Pulumi.dev.yaml': '' }, tty: true });
    await up(there, 'db', { vm: 'db-01', host: 'a2' });
    const { exit, out, err } = await there.vmplacement('confirm', 'db-01');
    expect(exit).toBe(0);
    expect(err).toContain('\u001b[');
    expect(out).toMatch(/^db-01: confirmed/);
  });

  test('given no terminal, then progress is lines on standard error', async () => {
    const there = await waiting();
    const ran: Ran = await there.vmplacement('cancel', 'erp-01');
    expect(ran.err).not.toContain('\u001b');
    for (const line of ran.err.split('\n').filter((one) => one !== '')) expect(line).toContain('erp-01');
    expect(`${ran.out}${ran.err}`.match(/cancelled/g)).toHaveLength(1);
  });
});

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
