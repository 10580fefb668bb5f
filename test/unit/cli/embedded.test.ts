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

  describe('faults that last', () => {
    test.each([
      [['link', 'a', 'b', 'cut'], 'link a - b cut'],
      [['link', 'a/a1', 'b1', 'slow', '1MiB/s'], 'link a1 - b1 carries 1 MiB/s at most'],
      [['disk-full', 'b/b1', 'default'], 'pool default of b/b1 full'],
      [['start-fails', 'web-01', 'b1', 'crashes'], 'the next start of web-01 on b/b1: crashes'],
      [['start-fails', 'web-01', 'b1', 'refused', '3'], 'the next 3 starts of web-01 on b/b1: refused'],
      [['guest', 'web-01', 'ignores'], 'guest of web-01 ignores a shutdown'],
      [['guest', 'web-01', 'delays', '2m'], 'guest of web-01 takes 2m to shut down'],
      [['clock-skew', 'a1', '-90s'], 'clock of a/a1 1m30s behind'],
      [['clock-skew', 'a1', '+5m'], 'clock of a/a1 5m ahead'],
    ])('%j: is shown by the next process, until it is taken back', async (words, trouble) => {
      const there = here();
      const troubles = async (): Promise<unknown> => (await there.vmplacement('embedded', 'show', '--json')).json()['troubles'];
      expect(await there.vmplacement('embedded', 'fault', ...words)).toMatchObject({ exit: 0, err: '' });
      expect(await troubles()).toEqual([trouble]);
      expect((await there.vmplacement('embedded', 'show')).out).toContain(`fault: ${trouble}\n`);
      const [name = '', ...given] = words;
      const back = { link: [...given.slice(0, 2), 'ok'], 'disk-full': [...given, 'ok'], 'start-fails': [...given.slice(0, 2), 'ok'] };
      const more = { guest: ['web-01', 'obeys'], 'clock-skew': ['a1', '0s'] };
      await there.vmplacement('embedded', 'fault', name, ...({ ...back, ...more }[name] ?? []));
      expect(await troubles()).toEqual(name === 'guest' ? ['guest of web-01 takes 5s to shut down'] : []);
    });

    test.each([
      [['link', 'a', 'c', 'cut'], 'There is no cluster and no host c.'],
      [['link', 'a', 'b1', 'cut'], 'A link joins two clusters or two different hosts, not a and b1.'],
      [['link', 'a', 'b', 'slow'], '<rate> is missing.'],
      [['link', 'a', 'b', 'slow', '5'], '<rate> must be a rate such as'],
      [['link', 'a', 'b', 'slow', '0MiB/s'], '<rate> must be more than nothing'],
      [['link', 'a', 'b', 'cut', '1MiB/s'], '<rate> says nothing with cut'],
      [['link', 'a', 'b', 'broken'], 'cut|slow|ok must be one of these words, not "broken".'],
      [['disk-full', 'b1', 'ssd'], 'Host b/b1 has no pool ssd; it has default.'],
      [['disk-full', 'b1', 'default', 'no'], 'full|ok must be one of these words, not "no".'],
      [['start-fails', 'web-01', 'b1', 'slowly'], 'crashes|refused|ok must be one of these words'],
      [['start-fails', 'web-01', 'b1', 'crashes', 'twice'], '<times> must be a whole number from 1 on, not "twice"'],
      [['guest', 'web-01', 'delays'], '<duration> is missing.'],
      [['guest', 'web-01', 'delays', 'long'], '<duration> must be a duration such as'],
      [['clock-skew', 'a1', '-late'], '<offset> must be a duration such as'],
      [['clock-skew', 'a9', '1s'], 'There is no host a9.'],
      [['store-lock', '5'], '<duration> must be a duration such as'],
      [['lock', 'web-01', 'backup', '5'], '<duration> must be a duration such as'],
      [['corrupt', 'web-01', 'a1', 'vda', 'first'], '<block> must be a whole number from 0 on'],
      [['resize', 'web-01', 'vda', 'big'], '<size> must be a size such as'],
      [['host', 'a1', 'gone'], 'connected|maintenance|entering-maintenance|disconnected|unreachable must be one of these words'],
      [['ha-move', 'db-01', 'a2'], 'HA does not restart VM db-01 on a/a2: it is off on a/a1'],
    ])('%j: the error names the argument', async (words, message) => {
      const { exit, err } = await here().vmplacement('embedded', 'fault', ...words);
      expect({ exit, err: err.replace(/\s+/g, ' ') }).toEqual({ exit: 1, err: expect.stringContaining(`error: ${message}`) });
    });
  });

  test('given faults of the outside world, then they happen at once', async () => {
    const there = here();
    const fault = (...words: string[]): Promise<unknown> => there.vmplacement('embedded', 'fault', ...words);
    expect(await fault('ha-move', 'web-01', 'a2')).toMatchObject({ out: expect.stringContaining('Now: running on a/a2.') });
    expect(await fault('host-down', 'a2')).toMatchObject({
      out: 'Done: host-down a2 (a host loses power and does not answer until host-up).\n',
    });
    expect(await copies(there, 'web-01')).toMatchObject([{ power: 'crashed' }]);
    await fault('host-up', 'a2');
    expect(await copies(there, 'web-01')).toMatchObject([{ power: 'running' }]);
    expect(await fault('store-lock', '1ms')).toMatchObject({ exit: 0 });
    await there.vmplacement('embedded', 'shutdown', 'web-01');
    expect(await fault('start-source', 'web-01')).toMatchObject({ out: expect.stringContaining('Now: running on a/a2.') });
  });

  test('given a store that somebody holds, then a move waits for it and goes on', async () => {
    const there = here();
    const [held, state] = await Promise.all([
      there.vmplacement('embedded', 'fault', 'store-lock', '300ms'),
      up(there, 'db', { vm: 'db-01', host: 'a2' }),
    ]);
    expect(held).toMatchObject({ exit: 0 });
    expect(state).toMatchObject({ place: { host: 'a2' } });
  });

  test('given a copy that is off, then somebody can remove it; one that runs stays', async () => {
    const there = here();
    expect(await there.vmplacement('embedded', 'fault', 'remove-copy', 'web-01', 'a1')).toMatchObject({
      exit: 1,
      err: expect.stringContaining('VM web-01 runs on a/a1: only a copy that is off is removed.'),
    });
    await up(there, 'db', { vm: 'db-01', host: 'a2' });
    expect(await there.vmplacement('embedded', 'fault', 'remove-copy', 'db-01', 'a1')).toMatchObject({ exit: 0 });
    expect(await copies(there, 'db-01')).toMatchObject([{ place: 'a/a2' }]);
  });

  test('given names that would mean something to a shell, then they are only names', async () => {
    const there = here(datacenterYaml.replace('app-01:', "'$(touch x); `rm`':"));
    expect(await there.vmplacement('embedded', 'move', '$(touch x); `rm`', 'a1')).toMatchObject({ exit: 0 });
    expect(there.started).toEqual([]);
  });
});
