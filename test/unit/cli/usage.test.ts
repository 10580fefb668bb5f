import { describe, expect, test } from 'vitest';
import { datacenterYaml, usualStack } from './datacenter.js';
import { tooLong, world } from './io.js';

describe('how it is called', () => {
  test.each([
    ['stauts', "error: unknown command 'stauts'\n(Did you mean status?)\n"],
    ['embedded mvoe', "error: unknown command 'mvoe'\n(Did you mean move?)\n"],
    ['plan --hots a', "error: unknown option '--hots'\n(Did you mean one of --host, --hosts?)\n"],
    ['confirm', "error: missing required argument 'vm'\n"],
    ['status a b', /too many arguments/],
    ['plan --method warm', /Allowed choices are auto, hot, cold, staged/],
  ])('given `%s`, then it is refused with a hint', async (line, said) => {
    const { exit, out, err } = await world().vmplacement(...line.split(' '));
    expect({ exit, out }).toEqual({ exit: 1, out: '' });
    if (typeof said === 'string') expect(err).toBe(said);
    else expect(err).toMatch(said);
  });

  test('given --json with a wrong call, then the error is JSON on standard output as well', async () => {
    const ran = await world().vmplacement('stauts', '--json');
    expect(ran.exit).toBe(1);
    expect(ran.json()).toMatchObject({
      schemaVersion: 1,
      kind: 'error',
      code: 'usage',
      message: expect.stringContaining("unknown command 'stauts'"),
    });
  });

  test('given --help of every command, then it fits 80 columns', async () => {
    const there = world();
    for (const command of [
      '',
      'plan',
      'status',
      'annotate',
      'confirm',
      'cancel',
      'resume',
      'doctor',
      'schema',
      'embedded',
      'embedded fault',
    ]) {
      const { exit, out } = await there.vmplacement(...command.split(' ').filter((word) => word !== ''), '--help');
      expect({ command, exit, long: tooLong(out) }).toEqual({ command, exit: 0, long: [] });
    }
  });

  test('given --version, then the version', async () => {
    expect((await world().vmplacement('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('given schema, then the Pulumi package schema', async () => {
    const { exit, out } = await world().vmplacement('schema');
    expect(exit).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ name: 'vmplacement', resources: { 'vmplacement:index:Placement': expect.any(Object) } });
  });

  test('given --cwd, then files are looked for there', async () => {
    const there = world({ files: { 'deep/datacenter.yaml': datacenterYaml, 'deep/Pulumi.yaml': usualStack } });
    expect((await there.vmplacement('plan', '--cwd', 'deep')).exit).toBe(0);
    expect((await there.vmplacement('plan')).exit).toBe(1);
  });

  test('given a configuration with faults, then each is named', async () => {
    const { vmplacement } = world({
      files: {
        'Pulumi.yaml':
          'name: x\nruntime: yaml\nconfig:\n  vmplacement:datacenterFile: {value: a.yaml}\n  vmplacement:memoryReserv: {value: 1GiB}\n',
      },
    });
    const { exit, err } = await vmplacement('status');
    expect(exit).toBe(1);
    expect(err).toMatch(
      /The configuration is wrong \(a\.yaml \(Pulumi\.yaml\)\):\n {2}- memoryReserv: is not a known property.*memoryReserve/,
    );
  });
});
