import { expect, test } from 'vitest';
import type { Driver, PoolTime } from '../../../provider/core/driver.js';
import type { Ticket } from '../../../provider/core/pool/ticket.js';
import type { Part } from '../driver.js';

const ticket = (name: string): Ticket => ({
  vm: { name, uuid: `uuid-${name}` },
  holder: 'one@here',
  slots: [{ kind: 'source', name: 'a/a1', limit: 2 }],
  state: 'waiting',
  urgent: false,
  expiresAt: 1,
});
const add = (driver: Driver, name: string): Promise<void> =>
  driver.pool((tickets) => ({ tickets: [...tickets, ticket(name)], result: undefined }));
const read = (driver: Driver): Promise<readonly Ticket[]> => driver.pool((tickets) => ({ tickets, result: tickets }));
const time = (driver: Driver): Promise<PoolTime> => driver.pool((tickets, now) => ({ tickets, result: now }));

export const poolContract: Part = ({ capabilities }, h) => {
  test('is empty at first, and keeps the tickets as they were written, in their order', async () => {
    const { driver } = h();
    expect(await read(driver)).toEqual([]);
    await add(driver, 'web');
    await add(driver, 'db');
    expect(await read(driver)).toEqual([ticket('web'), ticket('db')]);
    await driver.pool(() => ({ tickets: [], result: undefined }));
    expect(await read(driver)).toEqual([]);
  });

  test('given many that change it at once, then no change is lost, in one process or in several', async () => {
    const { driver, another } = h();
    const drivers = capabilities.pool === 'shared' ? [driver, await another(), await another()] : [driver];
    const names = Array.from({ length: 24 }, (_, index) => `vm-${index}`);
    await Promise.all(names.map((name, index) => add(drivers[index % drivers.length] ?? driver, name)));
    for (const one of drivers) expect((await read(one)).map(({ vm }) => vm.name).sort()).toEqual([...names].sort());
  });

  test('given a change that fails, then nothing is changed', async () => {
    const { driver } = h();
    await add(driver, 'web');
    const failing = driver.pool(() => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await read(driver)).toEqual([ticket('web')]);
  });

  test('tells the time in which leases run out', async ({ skip }) => {
    const { driver, runner, outside } = h();
    if (outside.advance === undefined) return skip('nothing can do this to the platform from outside');
    const [before, begun] = [await time(driver), await driver.clock.now()];
    await driver.lease(runner, 'dead@here', { expireMs: 60_000 });
    await outside.advance(60_001);
    const after = await time(driver);
    expect(after.nowMs - before.nowMs).toBeGreaterThanOrEqual(60_001);
    expect((await driver.clock.now()) - begun).toBeGreaterThanOrEqual(60_001 * after.pace);
    await driver.lease(runner, 'two@there', { expireMs: 60_000 });
  });
};
