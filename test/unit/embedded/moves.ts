/** Builders for moves on a simulated datacenter. */
import type { Move, Run } from '../../../provider/core/driver.js';
import type { MigrationRecord, MoveOptions } from '../../../provider/core/record.js';
import type { Sim } from './kit.js';

const holder = 'test';

export async function moveOf(
  { driver }: Pick<Sim, 'driver'>,
  name: string,
  to: { cluster: string; host: string },
  method: Move['method'],
  how: Partial<MoveOptions> = {},
): Promise<Move> {
  const vm = (await driver.survey({})).vms.find((one) => one.name === name);
  const source = vm?.copies[0];
  await driver.lease(name, holder, { expireMs: 7 * 24 * 3_600_000 });
  if (vm === undefined || source === undefined) throw new Error(`no VM ${name}`);
  const options: MoveOptions = {
    networks: {},
    storage: {},
    bandwidthBytesPerSecond: null,
    startAfter: 'asBefore',
    keepSource: 'confirm',
    verify: 'off',
    detach: [],
    postCopy: false,
    suspend: false,
    downtimeBudgetMs: 30_000,
    shutdownGraceMs: 180_000,
    lateShutdownMs: 300_000,
    noProgressTimeoutMs: 120_000,
    maxDurationMs: 3_600_000,
    goFrom: 'both',
    ...how,
  };
  const record = {
    v: 1,
    moveId: `move-${name}`,
    vm: { name, uuid: vm.uuid },
    from: source.ref,
    to,
    method,
    options,
    increment: null,
    bytes: 0,
    go: null,
    step: method,
    epoch: 1,
    targetStarting: false,
  };
  return { vm: record.vm, source: source.ref, target: to, method, record: record as unknown as MigrationRecord };
}

export const run = (over: Partial<Run> = {}): Run => ({
  signal: new AbortController().signal,
  emit: () => undefined,
  log: () => undefined,
  holder,
  checkLease: () => Promise.resolve(),
  ...over,
});
