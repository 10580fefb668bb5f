/** What is kept with a domain outlives its host's power, is never half written, and is changed by one at a time. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Driver } from '../../provider/core/driver.js';
import type { Claim } from '../../provider/core/record.js';
import { Connection } from '../../provider/drivers/libvirt/connection.js';
import { openLibvirt } from '../../provider/drivers/libvirt/index.js';
import { records } from '../../provider/drivers/libvirt/records.js';
import { readDatacenter } from '../../provider/drivers/libvirt/survey.js';
import { resolveLibvirt } from '../../schema/libvirt.js';
import { vmNamed } from '../contract/suite/kit.js';
import { datacenter } from './datacenter.js';
import { clearLab, define, lab, virsh } from './kit.js';

const claim: Claim = { v: 1, stack: 'org/it\'s "<&>" größe/$(id)', urn: 'urn:1', spentGo: null, lastMove: null, cancelled: null };
const drivers: Driver[] = [];
const open = async (): Promise<Driver> => {
  const driver = await openLibvirt(resolveLibvirt(datacenter()), { baseDir: '/' });
  drivers.push(driver);
  return driver;
};

beforeEach(() => void lab('vm', 'host-a', 'web-01', '--no-start'));
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()));
  clearLab();
});

test('given a VM that runs, when its host loses power, then claim and annotation are there after the boot, whatever is in them', async () => {
  const driver = await open();
  virsh('host-a', 'start', 'web-01');
  await driver.lease('web-01', 'one@here', { expireMs: 60_000 });
  await driver.claim('web-01', claim, 'one@here');
  await driver.annotate('web-01', { shutdown: 'hold', giver: `it's "me" <&>` });
  lab('crash', 'host-a');
  lab('boot', 'host-a');
  const found = await vmNamed(await open(), 'web-01');
  expect(found).toMatchObject({ claim, annotation: [{ value: 'hold', giver: `it's "me" <&>` }], copies: [{ power: 'off' }] });
});

test('given many that change different things at once, then nothing is lost', async () => {
  const [one, two, three] = [await open(), await open(), await open()];
  await one.lease('web-01', 'one@here', { expireMs: 60_000 });
  await Promise.all([
    one.claim('web-01', claim, 'one@here'),
    two.annotate('web-01', { shutdown: 'now', giver: 'two' }),
    one.lease('web-01', 'one@here', { expireMs: 90_000 }),
    three
      .lease('web-01', 'three@there', { expireMs: 90_000 })
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'lease-lost' })),
  ]);
  expect(await vmNamed(three, 'web-01')).toMatchObject({ claim, annotation: [{ value: 'now' }], lease: { holder: 'one@here' } });
});

test('a lease is renewed where it was taken, without a look at other hosts, which may be silent', async () => {
  const config = resolveLibvirt(datacenter());
  const hosts = new Map(config.clusters.flatMap((cluster) => cluster.hosts).map((host) => [host.name, host]));
  const connections = new Map([...hosts].map(([name, host]) => [name, new Connection(host, { baseDir: '/', timeoutMs: 6000 }, null)]));
  const connectionTo = (host: string): Connection => connections.get(host)!;
  let readings = 0;
  const kept = records(() => {
    readings += 1;
    return readDatacenter(config, connectionTo);
  }, connectionTo);
  try {
    for (let turn = 0; turn < 3; turn += 1) await kept.lease('web-01', 'one@here', { expireMs: 60_000 });
    expect(readings).toBe(1);
    await kept.release('web-01', 'one@here');
    await kept.lease('web-01', 'one@here', { expireMs: 60_000 });
    expect(readings).toBe(2);
  } finally {
    await Promise.all([...connections.values()].map((connection) => connection.close()));
  }
});

test('given a lease that has run out, then its holder writes nothing more, and another one gets it', async () => {
  const driver = await open();
  await driver.lease('web-01', 'slow@here', { expireMs: 1 });
  await expect(driver.claim('web-01', claim, 'slow@here')).rejects.toMatchObject({ code: 'lease-lost', message: /has run out/ });
  expect(await vmNamed(driver, 'web-01')).toMatchObject({ claim: null, lease: null });
  await driver.lease('web-01', 'next@there', { expireMs: 60_000 });
  await expect(driver.claim('web-01', claim, 'slow@here')).rejects.toThrow(/held by next@there/);
});

test('what others keep in the metadata stays, and what a newer version wrote is not touched', async () => {
  const driver = await open();
  virsh('host-a', 'metadata', 'web-01', '--uri', 'urn:other', '--key', 'other', '--set', '<note>theirs</note>', '--config');
  await driver.annotate('web-01', { shutdown: 'now', giver: 'me' });
  await driver.annotate('web-01', { shutdown: null, giver: 'me' });
  expect(virsh('host-a', 'dumpxml', 'web-01')).toContain('>theirs<');
  expect(virsh('host-a', 'dumpxml', 'web-01')).not.toContain('urn:vmplacement');
  virsh('host-a', 'metadata', 'web-01', '--uri', 'urn:vmplacement:domain:1', '--key', 'v', '--set', '<state>{"v":2}</state>', '--config');
  await expect(driver.annotate('web-01', { shutdown: 'now', giver: 'me' })).rejects.toThrow(/newer version/);
  expect((await vmNamed(driver, 'web-01')).recordProblem).toMatch(/newer version/);
});

test('a VM of a hostile name is claimed like any other, and nothing of it is executed', async () => {
  const name = `-it's "$(touch pwned)" größe`;
  const xml = virsh('host-a', 'dumpxml', 'web-01')
    .replace('<name>web-01</name>', `<name>${name}</name>`)
    .replace(/<uuid>.*<\/uuid>/, '');
  define('host-a', xml);
  const driver = await open();
  await driver.lease(name, '$(touch pwned)', { expireMs: 60_000 });
  await driver.claim(name, claim, '$(touch pwned)');
  expect(await vmNamed(driver, name)).toMatchObject({ claim, lease: { holder: '$(touch pwned)' } });
  expect(lab('exec', 'host-a', 'sh', '-c', 'ls -a /root /tmp /')).not.toContain('pwned');
});
