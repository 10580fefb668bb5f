/** A process that has read before shares what did not change with its next reading, and must see all that did, whoever changed it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { embeddedDriver, openModel, openOutside } from '../../../provider/drivers/embedded/index.js';
import type { Claim } from '../../../provider/core/record.js';
import { resolveEmbedded } from '../../../schema/embedded.js';
import { stoppedWall, type Sim } from './kit.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vmp-reread-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const wall = stoppedWall();
const claim = (spentGo: string | null, cancelled: Claim['cancelled'] = null): Claim => {
  return { v: 1, stack: 'org/shop/prod', urn: 'urn:web', spentGo, lastMove: null, cancelled };
};

/** A process of its own, as far as the store is concerned. */
function open(): Sim {
  const hosts = { a1: {}, a2: {} };
  const vms = { web: { host: 'a1', claim: 'org/old/prod' }, db: { host: 'a2', locks: [{ by: 'backup', for: '1m' }] } };
  const model = openModel(resolveEmbedded({ clusters: { a: { hosts } }, vms }), { folder }, wall);
  return { model, driver: embeddedDriver(model), outside: openOutside(model) };
}

async function claimWeb({ driver }: Sim, next: Claim | null): Promise<void> {
  await driver.lease('web', 'x', { expireMs: 60_000 });
  await driver.claim('web', next, 'x');
  await driver.release('web', 'x');
}

const happenings: readonly (readonly [string, (by: Sim) => Promise<unknown>])[] = [
  ['a claim', (by) => claimWeb(by, claim(null))],
  ['another value in it', (by) => claimWeb(by, claim('now'))],
  ['another object in it', (by) => claimWeb(by, claim('now', { to: { cluster: 'a', host: 'a2' }, declaration: 'd' }))],
  ['it is taken back', (by) => claimWeb(by, null)],
  ['a lease', (by) => by.driver.lease('db', 'y', { expireMs: 60_000 })],
  ['it runs out', async () => wall.advance(60_001)],
  ['a host does not answer', ({ outside }) => outside.setHost('a1', 'unreachable')],
  ['it does again', ({ outside }) => outside.setHost('a1', null)],
  ['a clock is ahead', ({ outside }) => outside.setClock('a1', 5000)],
  ['a go is given', ({ outside }) => outside.annotate('web', 'now', 'me')],
  ['a VM is moved', ({ outside }) => outside.move('web', 'a2')],
  ['a VM is shut down', ({ outside }) => outside.shutdown('web', 'clean')],
  ['time passes', async () => wall.advance(600_000)],
  ['a VM is started', ({ outside }) => outside.start('web')],
  ['the datacenter begins anew', ({ outside }) => outside.reset()],
  ['and time passes', async () => wall.advance(1)],
];

test.each(['it', 'another one'])(
  'given a process that has read before, whatever %s does, then it reads the same as a new one',
  async (who) => {
    const old = open();
    const actor = who === 'it' ? old : open();
    await old.driver.survey({});
    for (const [what, happen] of happenings) {
      await happen(actor);
      const [all, web] = [await old.driver.survey({}), await old.driver.survey({ vms: ['web'] })];
      expect(all, what).toEqual(await open().driver.survey({}));
      expect(web, what).toEqual(await open().driver.survey({ vms: ['web'] }));
    }
  },
);

test('what did not change is not read again', async () => {
  const { driver } = open();
  const [before] = (await driver.survey({})).vms;
  wall.advance(1000);
  expect((await driver.survey({})).vms[0]).toBe(before);
});
