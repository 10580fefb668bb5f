/** Power, autostart and the block of a source, on a real host. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Driver } from '../../provider/core/driver.js';
import type { Copy } from '../../provider/core/inventory.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { testRun, vmNamed } from '../contract/suite/kit.js';
import { datacenter } from './datacenter.js';
import { clearLab, define, lab, virsh } from './kit.js';

let driver: Driver;
const copy = async (): Promise<Copy> => (await vmNamed(driver, 'web-01')).copies[0]!;

beforeEach(async () => {
  lab('vm', 'host-a', 'web-01', '--no-start');
  driver = await openLibvirt(resolveLibvirt(datacenter()), { baseDir: '/' });
});
afterEach(async () => {
  await driver.close();
  clearLab();
});

test('autostart is switched and read back; a VM is started once, however often it is asked for', async () => {
  const { ref } = await copy();
  for (const value of [true, true, false]) {
    await driver.autostart(ref, value, testRun());
    expect((await copy()).autostart).toBe(value);
  }
  await driver.start(ref, testRun());
  const id = virsh('host-a', 'domid', 'web-01');
  await driver.start(ref, testRun());
  expect(virsh('host-a', 'domid', 'web-01')).toBe(id);
  expect((await copy()).power).toBe('running');
  await expect(driver.block(ref, 'move-1', testRun())).rejects.toMatchObject({ code: 'not-possible' });
  expect((await copy()).blocked).toBe(false);
});

test('nobody starts a blocked source, not by hand, by autostart or after a reboot of the host, until it is unblocked', async () => {
  await driver.lease('web-01', 'one@here', { expireMs: 120_000 });
  await driver.claim('web-01', { v: 1, stack: 's', urn: 'u', spentGo: null, lastMove: null, cancelled: null }, 'one@here');
  const before = virsh('host-a', 'dumpxml', 'web-01', '--inactive', '--security-info');
  const { ref } = await copy();
  await driver.autostart(ref, true, testRun());
  await driver.block(ref, 'move-1', testRun());
  await driver.block(ref, 'move-1', testRun());
  expect(await copy()).toMatchObject({ power: 'off', blocked: true });
  expect(() => virsh('host-a', 'start', 'web-01')).toThrow(/this VM was moved \(move move-1\); its source stays off/);
  await expect(driver.start(ref, testRun())).rejects.toMatchObject({
    code: 'platform',
    message: expect.stringMatching(/blue\/host-a: .*web-01.*its source stays off/),
  });
  lab('crash', 'host-a');
  lab('boot', 'host-a');
  expect(await copy()).toMatchObject({ power: 'off', blocked: true });
  expect((await vmNamed(driver, 'web-01')).claim).toMatchObject({ stack: 's' });
  await driver.unblock(ref, testRun());
  await driver.unblock(ref, testRun());
  expect(virsh('host-a', 'dumpxml', 'web-01', '--inactive', '--security-info')).toBe(before);
  virsh('host-a', 'start', 'web-01');
  expect(await copy()).toMatchObject({ power: 'running', blocked: false });
});

test('the command of the docs takes the block away', async () => {
  const { ref } = await copy();
  const before = virsh('host-a', 'dumpxml', 'web-01', '--inactive');
  await driver.block(ref, 'move-1', testRun());
  lab(
    'exec',
    'host-a',
    'sh',
    '-c',
    "virsh dumpxml web-01 --inactive --security-info | sed '/<table type=.slic.>.vmplacement:/d' > /tmp/web-01.xml && virsh define /tmp/web-01.xml",
  );
  expect(virsh('host-a', 'dumpxml', 'web-01', '--inactive')).toBe(before);
  expect((await copy()).blocked).toBe(false);
});

test('a SLIC table of the guest itself is not replaced', async () => {
  const own = virsh('host-a', 'dumpxml', 'web-01', '--inactive').replace(
    '</os>',
    "<acpi><table type='slic'>/etc/hostname</table></acpi></os>",
  );
  define('host-a', own);
  await expect(driver.block((await copy()).ref, 'move-1', testRun())).rejects.toMatchObject({ code: 'not-possible' });
  expect(virsh('host-a', 'dumpxml', 'web-01', '--inactive')).toContain('/etc/hostname');
});
