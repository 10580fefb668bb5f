import { describe, expect, test } from 'vitest';
import { datacenterYaml, steady, up, usualStack } from './datacenter.js';
import { tooLong, world, type World } from './io.js';

const here = (datacenter = datacenterYaml): World => world({ files: { 'datacenter.yaml': datacenter, 'Pulumi.yaml': usualStack } });
const copies = async (there: World, vm: string): Promise<unknown> =>
  (await there.vmplacement('embedded', 'show', '--json')).json()['vms'].find((one: { name: string }) => one.name === vm).copies;

describe('the outside world of the embedded datacenter', () => {
  test('given a move under way, when shown, then copies, blocks and what must never happen', async () => {
    const there = here();
    await up(there, 'db', { vm: 'db-01', host: 'a2' });
    await up(there, 'erp', { vm: 'erp-01', host: 'b1' });
    const { exit, out } = await there.vmplacement('embedded', 'show');
    expect(exit).toBe(0);
    expect(tooLong(out.replaceAll(there.directory, '/stack'))).toEqual([]);
    await expect(steady(there, out)).toMatchFileSnapshot('goldens/embedded-show.txt');
  });

  test.each(['a2', 'a/a2'])('given a host as %s, when a VM is moved by hand, then it is there', async (host) => {
    const there = here();
    expect(await there.vmplacement('embedded', 'move', 'web-01', host)).toMatchObject({
      exit: 0,
      out: 'web-01: Moved by hand, past its placement. Now: running on a/a2.\n',
    });
    expect(await copies(there, 'web-01')).toMatchObject([{ place: 'a/a2' }]);
  });

  test('given a VM that runs, when shut down and started, then it is off and runs again', async () => {
    const there = here();
    await there.vmplacement('embedded', 'shutdown', 'web-01');
    expect(await copies(there, 'web-01')).toMatchObject([{ power: 'off' }]);
    await there.vmplacement('embedded', 'start', 'web-01', '--host', 'a1');
    expect(await copies(there, 'web-01')).toMatchObject([{ power: 'running' }]);
    await there.vmplacement('embedded', 'shutdown', 'web-01', '--hard');
    expect(await copies(there, 'web-01')).toMatchObject([{ power: 'off' }]);
  });

  test('given a manual clock, when time passes, then it does; given a wall clock, then it cannot', async () => {
    expect((await here().vmplacement('embedded', 'advance', '1h30m')).out).toMatch(/^1h30m went by; it is .*Z now\.\n$/);
    expect(await here(datacenterYaml.replace('clock: manual', 'clock: wall')).vmplacement('embedded', 'advance', '1m')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('wall clock'),
    });
    expect(await here().vmplacement('embedded', 'advance', 'soon')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('must be a duration'),
    });
  });

  test('given faults, when reset, then everything is as declared', async () => {
    const there = here();
    await there.vmplacement('embedded', 'move', 'web-01', 'a2');
    await there.vmplacement('embedded', 'fault', 'host', 'a/a1', 'maintenance');
    await there.vmplacement('embedded', 'reset');
    const report = (await there.vmplacement('embedded', 'show', '--json')).json();
    expect(report['hosts'][0]).toEqual({ place: 'a/a1', state: 'connected' });
    expect(await copies(there, 'web-01')).toMatchObject([{ place: 'a/a1' }]);
  });

  test('given faults, then each does what its word says, and a wrong one is explained', async () => {
    const there = here();
    const fault = async (...words: string[]): Promise<{ exit: number; out: string; err: string }> =>
      there.vmplacement('embedded', 'fault', ...words);
    await expect((await fault()).out).toMatchFileSnapshot('goldens/embedded-fault.txt');
    expect(await fault('crash', 'app-01')).toMatchObject({ exit: 0, out: expect.stringContaining('app-01: ') });
    expect(await copies(there, 'app-01')).toMatchObject([{ power: 'crashed' }]);
    await fault('lock', 'web-01', 'backup');
    expect((await there.vmplacement('plan', '--vm', 'web-01', '--host', 'a2')).out).toContain('vm-busy');
    await fault('unlock', 'web-01');
    await fault('resize', 'web-01', 'vda', '20GiB');
    await fault('add-disk', 'web-01', 'vdb', '1GiB');
    await fault('snapshot', 'web-01', 'before');
    expect((await there.vmplacement('plan', '--vm', 'web-01', '--host', 'a2')).out).toContain('snapshots-lost');
    expect(await fault('carsh', 'app-01')).toMatchObject({
      exit: 1,
      err: 'error: There is no fault carsh. Did you mean crash? Next: vmplacement embedded\n  fault lists them.\n',
    });
    expect(await fault('crash')).toMatchObject({ exit: 1, err: 'error: This takes: vmplacement embedded fault crash <vm>\n' });
    expect(await fault('crash', 'app-1')).toMatchObject({ exit: 1, err: 'error: There is no VM app-1. Did you mean app-01?\n' });
    expect(await fault('host', 'a9', 'maintenance')).toMatchObject({ exit: 1, err: expect.stringContaining('There is no host a9.') });
  });

  test('given names that would mean something to a shell, then they are only names', async () => {
    const there = here(datacenterYaml.replace('app-01:', "'$(touch x); `rm`':"));
    expect(await there.vmplacement('embedded', 'move', '$(touch x); `rm`', 'a1')).toMatchObject({ exit: 0 });
    expect(there.started).toEqual([]);
  });
});
