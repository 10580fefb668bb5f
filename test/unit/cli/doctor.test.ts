import { describe, expect, test } from 'vitest';
import type { Executed } from '../../../provider/cli/io.js';
import { datacenterYaml, steady, usualStack } from './datacenter.js';
import { tooLong, world, type Json } from './io.js';

const pulumi = (version: string) => (): Executed => ({ code: 0, stdout: `${version}\n`, stderr: '' });
const files = { 'datacenter.yaml': datacenterYaml, 'Pulumi.yaml': usualStack };
const results = (report: Json): Record<string, string> =>
  Object.fromEntries(report['checks'].map((check: { name: string; result: string }) => [check.name, check.result]));

describe('doctor', () => {
  test('given a configuration that works, then all is well', async () => {
    const { exit, out } = await world({ files, pulumi: pulumi('v3.259.0') }).vmplacement('doctor');
    expect(exit).toBe(0);
    expect(out).toMatch(/ok {3}configuration: datacenter\.yaml \(Pulumi\.yaml\)/);
    expect(out.trim().split('\n').at(-1)).toBe('All is well.');
  });

  test('given no pulumi, an unreachable host and an unknown link, then warnings with what to do, and 0', async () => {
    const datacenter = datacenterYaml
      .replace('a2: {', 'a2: {state: unreachable, ')
      .replace("    - {between: [a, b], direct: 'no'}\n", '    - {between: [a, b], direct: unknown}\n');
    const there = world({ files: { ...files, 'datacenter.yaml': datacenter } });
    const { exit, out } = await there.vmplacement('doctor');
    expect(exit).toBe(0);
    await expect(steady(there, out).replace(/node: .*/, 'node:          20.19.0')).toMatchFileSnapshot('goldens/doctor.txt');
    expect(tooLong(out.replaceAll(there.directory, '/stack'))).toEqual([]);
    expect(results((await there.vmplacement('doctor', '--json')).json())).toMatchObject({
      node: 'ok',
      pulumi: 'warn',
      configuration: 'ok',
      store: 'ok',
      driver: 'ok',
      hosts: 'warn',
      host: 'warn',
      versions: 'ok',
      clocks: 'ok',
      links: 'warn',
    });
    expect(out).toContain('a/a2: host a/a2 does not answer');
    expect(out).toContain('a-b');
    expect(out).toContain('-> ');
  });

  test('given a host whose clock is wrong, then how far, and 0', async () => {
    const there = world({ files, pulumi: pulumi('v3.259.0') });
    await there.vmplacement('embedded', 'fault', 'clock-skew', 'a1', '10m');
    const { exit, out } = await there.vmplacement('doctor');
    expect(exit).toBe(0);
    expect(out).toMatch(/warn clocks:\s+a\/a1 10m ahead/);
  });

  test('given an old pulumi, then it says which one is needed', async () => {
    expect((await world({ files, pulumi: pulumi('v3.100.0') }).vmplacement('doctor')).out).toContain('v3.100.0 is older than v3.230.0');
  });

  test('given a file with a fault, then file, line and column, and 1', async () => {
    const { exit, out } = await world({
      files: { ...files, 'datacenter.yaml': datacenterYaml.replace('clock: manual', 'clock: sun') },
    }).vmplacement('doctor');
    expect(exit).toBe(1);
    expect(out).toMatch(/fail/);
    expect(out).toMatch(/datacenter\.yaml:2:\d+/);
  });

  test('given no configuration at all, then what was tried, and 1', async () => {
    const { exit, out } = await world().vmplacement('doctor');
    expect(exit).toBe(1);
    expect(out).toContain('VMPLACEMENT_DATACENTER: not set');
  });

  test('given a store that cannot be written, then 1', async () => {
    const there = world({ files });
    // A file where the folder should be: not even root can write there.
    there.write('.vmplacement', 'in the way');
    expect((await there.vmplacement('doctor')).exit).toBe(1);
  });
});
