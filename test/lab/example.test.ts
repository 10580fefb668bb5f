/** The example for libvirt hosts, run as its README says: on the real engine, with the installed package. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { example } from '../engine/example.js';
import { clearLab, lab, labState, running, violations, virsh } from './kit.js';
import { flat, isClean } from './moved.js';

afterEach(clearLab);

test('examples/libvirt adopts, moves hot and cold, is confirmed, and is destroyed without a change to any VM', async () => {
  for (const vm of ['web-01', 'db-01']) lab('vm', 'host-a', vm);
  lab('vm', 'host-c', 'app-01', '--no-start');
  const project = await example('libvirt');
  const change = async (from: string, to: string): Promise<void> => {
    const file = join(project.dir, 'Pulumi.yaml');
    const text = await readFile(file, 'utf8');
    expect(text).toContain(from);
    await writeFile(file, text.replace(from, to));
  };
  // Of the lab of the tests.
  await writeFile(`${labState}/datacenter.yaml`, lab('datacenter'));
  await change('/tmp/vmplacement-lab/', `${labState}/`);

  await project.runs('pulumi stack init dev');
  expect(await project.runs('pulumi up --yes')).toMatch(/\+ 4 created/);
  expect(running('host-a').toSorted()).toEqual(['db-01', 'web-01']);

  await change('vm: web-01\n      host: host-a', 'vm: web-01\n      host: host-b');
  await change('vm: app-01\n      host: host-c', 'vm: app-01\n      host: host-a');
  const preview = flat(await project.runs('pulumi preview'));
  expect(preview).toContain('VM web-01 moves hot from blue/host-a to blue/host-b');
  expect(preview).toContain('VM app-01 moves cold from green/host-c to blue/host-a');
  await project.runs('pulumi up --yes');
  expect(running('host-b')).toEqual(['web-01']);
  expect(virsh('host-a', 'list', '--all', '--name').trim().split('\n').toSorted()).toEqual(['app-01', 'db-01']);
  expect(await project.outputs()).toEqual({ web: 'host-b', db: 'host-a', app: 'host-a' });
  const status = await project.tries('npx vmplacement status');
  expect(status.text).toMatch(/app-01.*AwaitingConfirmation/);
  await project.runs('npx vmplacement confirm app-01');
  isClean('host-c');
  await project.runs('pulumi destroy --yes');
  expect([running('host-a'), running('host-b')]).toEqual([['db-01'], ['web-01']]);
  for (const vm of ['web-01', 'db-01']) expect(violations(vm)).toEqual([]);
});
