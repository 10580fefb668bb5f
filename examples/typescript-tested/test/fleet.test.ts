import type * as pulumi from '@pulumi/pulumi';
import { DynamicPlacement, Placement } from 'pulumi-vmplacement';
import { describe, expect, test } from 'vitest';
import { Fleet, environmentOf, type FleetArgs } from '../fleet';
import { mockEngine, valueOf } from './mocks';

test('an environment is one that is known', () => {
  expect(environmentOf('staging')).toBe('staging');
  expect(() => environmentOf('prodution')).toThrow("environment 'prodution': production or staging");
});

describe.each([
  ['Placement', Placement, 'vmplacement:index:Placement'],
  ['DynamicPlacement', DynamicPlacement, 'pulumi-nodejs:dynamic/vmplacement:Placement'],
] as const)('a fleet of %s', (_name, placement, type) => {
  test('has each machine on the host of its environment', async () => {
    const registered = await mockEngine();
    const fleet = new Fleet('fleet', { environment: 'production', placement });
    // Once an output of all is known, all were registered.
    expect(await valueOf(fleet.hosts)).toEqual({ 'db-01': 'c1', 'web-01': 'a1', 'web-02': 'a2' });
    expect(registered.get('web-02')).toEqual({ type, inputs: { vm: 'web-02', host: 'a2' } });

    const other = await mockEngine();
    await valueOf(new Fleet('fleet', { environment: 'staging', placement }).hosts);
    expect(other.get('web-02')).toEqual({ type, inputs: { vm: 'web-02', host: 'a1' } });
  });

  test('keeps the old disks of the database until somebody confirms', async () => {
    const registered = await mockEngine();
    await valueOf(new Fleet('fleet', { environment: 'production', placement }).hosts);
    expect(registered.get('db-01')?.inputs).toEqual({ vm: 'db-01', host: 'c1', keepSource: 'confirm' });
  });

  test('gives the go to the database only', async () => {
    const registered = await mockEngine();
    await valueOf(new Fleet('fleet', { environment: 'production', databaseShutdown: 'now', placement }).hosts);
    expect(registered.get('db-01')?.inputs['annotations']).toEqual({ 'vmplacement/shutdown': 'now' });
    expect(registered.get('web-01')?.inputs).not.toHaveProperty('annotations');
  });

  test('protects every VM of production, and none of staging', async () => {
    const protectedIn = async (environment: FleetArgs['environment']): Promise<string[]> => {
      await mockEngine();
      // Mocks do not see the options of a resource; a transformation does.
      const seen: pulumi.ResourceTransformationArgs[] = [];
      const note = (args: pulumi.ResourceTransformationArgs): undefined => void seen.push(args);
      await valueOf(new Fleet('fleet', { environment, placement }, { transformations: [note] }).hosts);
      return seen.filter(({ opts }) => opts.protect === true).map(({ name }) => name);
    };
    expect(await protectedIn('production')).toEqual(['db-01', 'web-01', 'web-02']);
    expect(await protectedIn('staging')).toEqual([]);
  });

  test('tells which VMs wait for their shutdown', async () => {
    await mockEngine({ 'db-01': { host: 'a1', phase: 'AwaitingShutdown', pendingHost: 'c1' } });
    const fleet = new Fleet('fleet', { environment: 'production', placement });
    expect(await valueOf(fleet.waiting)).toEqual(['db-01']);
    expect((await valueOf(fleet.hosts))['db-01']).toBe('a1');
  });
});
