import { expect, test } from 'vitest';
import { isKnown, isUnknown, placeText } from '../../../provider/core/inventory.js';
import type { Part } from '../driver.js';
import { copyAt, vmNamed } from './kit.js';

export const surveyContract: Part = (subject, h) => {
  test('given known VMs, then each is listed once, where it is and with its power', async () => {
    const { driver, from, runner, sleeper } = h();
    const inventory = await driver.survey({});
    for (const [name, power] of [
      [runner, 'running'],
      [sleeper, 'off'],
    ] as const) {
      const found = inventory.vms.filter((vm) => vm.name === name);
      expect(found.map((vm) => vm.copies.map((copy) => [placeText(copy.ref), copy.role, copy.power]))).toEqual([
        [[placeText(from), 'live', power]],
      ]);
    }
  });

  test('every host stands in a cluster that is listed, and every copy on a host that is listed', async () => {
    const { clusters, hosts, vms } = await h().driver.survey({});
    const places = new Set(hosts.map((host) => placeText({ cluster: host.cluster, host: host.name })));
    expect(hosts.every((host) => clusters.some((cluster) => cluster.name === host.cluster))).toBe(true);
    expect(vms.flatMap((vm) => vm.copies).every((copy) => places.has(placeText(copy.ref)))).toBe(true);
  });

  test('a VM that is asked for by name or UUID is read with its details', async () => {
    const { driver, runner } = h();
    const { uuid } = await vmNamed(driver, runner);
    const found = (await driver.survey({ vms: [uuid] })).vms.find((vm) => vm.uuid === uuid);
    expect(found?.name).toBe(runner);
    expect(found !== undefined && isKnown(found.disks) && found.disks.length).toBeGreaterThan(0);
  });

  test('sharing is told where the driver claims to read it', async () => {
    const { driver, runner } = h();
    const { disks } = await vmNamed(driver, runner);
    if (isUnknown(disks)) throw new Error(disks.unknown);
    expect(disks.every((disk) => isKnown(disk.sharedWith))).toBe(subject.capabilities.readsSharing);
  });

  test('what was copied takes room on its pool', async () => {
    const { driver, from, runner } = h();
    const { hosts } = await driver.survey({});
    const facts = hosts.find((host) => host.name === from.host)?.facts;
    const { disks } = await vmNamed(driver, runner);
    if (facts === undefined || isUnknown(facts) || isUnknown(facts.pools) || isUnknown(disks)) throw new Error('not read');
    expect(facts.pools.map((pool) => pool.name)).toContain(disks[0]?.pool);
    expect(isKnown((await copyAt(driver, runner, from)).storedBytes)).toBe(true);
  });

  test('given a host that does not answer, then its facts are unknown and its VMs are not listed as absent elsewhere', async ({ skip }) => {
    const { driver, from, runner, outside } = h();
    if (outside.setHost === undefined) return skip('nothing can do this to the platform from outside');
    await outside.setHost(from.host, 'unreachable');
    const inventory = await driver.survey({});
    const host = inventory.hosts.find((one) => one.name === from.host);
    expect(host?.state).toBe('unreachable');
    expect(host !== undefined && isUnknown(host.facts)).toBe(true);
    expect(inventory.vms.filter((vm) => vm.name === runner)).toEqual([]);
  });

  test('given a host whose clock is wrong, then it tells the time of the reading and of changes by it, and a change the same way ever after', async ({
    skip,
  }) => {
    const { driver, from, runner, outside } = h();
    if (outside.setClock === undefined) return skip('nothing can do this to the platform from outside');
    const hour = 3_600_000;
    await outside.setClock(from.host, -hour);
    await outside.shutdown(runner, 'clean');
    const { hosts, observedAt } = await driver.survey({});
    const told = hosts.find(({ name }) => name === from.host)?.observedAt ?? '';
    expect(Math.abs(Date.parse(told) + hour - Date.parse(observedAt))).toBeLessThan(60_000);
    const change = (await copyAt(driver, runner, from)).lastChange;
    if (isUnknown(change)) return;
    expect(Date.parse(change.at)).toBeLessThanOrEqual(Date.parse(told));
    await outside.setClock(from.host, 0);
    expect((await copyAt(driver, runner, from)).lastChange).toEqual(change);
  });
};
