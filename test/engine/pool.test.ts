/** Moves of several plugin processes share the limits of their datacenter. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Ticket } from '../../provider/core/pool/ticket.js';
import { openModel } from '../../provider/drivers/embedded/index.js';
import { resolveEmbedded } from '../../schema/embedded.js';
import type { EmbeddedDatacenter } from '../../schema/generated/types.js';
import { deployed, type Placement, type Stack } from './harness.js';

const limit = 2;
const names = ['web-01', 'web-02', 'web-03', 'web-04', 'web-05', 'web-06'] as const;
/** A hot move takes about 7 s of the model alone, and model time passes ten times as fast. */
const embedded: EmbeddedDatacenter = {
  clock: 'wall',
  speed: 10,
  clusters: { a: { hosts: { a1: {}, a2: {}, a3: {} } } },
  vms: Object.fromEntries(names.map((name) => [name, { host: 'a1' }])),
};
const datacenter = { embedded, concurrency: { perSourceHost: limit } };

const placed = (vms: readonly string[], host: string, provider?: string): Readonly<Record<string, Placement>> =>
  Object.fromEntries(vms.map((vm) => [vm, { properties: { vm, host }, ...(provider === undefined ? {} : { options: { provider } }) }]));

interface Seen {
  readonly tickets: readonly Ticket[];
  /** Platform jobs that are not over. */
  readonly jobs: number;
}

/**
 * Somebody else has all turns until every VM waits for one: then it is given, however late the processes come. Looks into the store of
 * this stack's datacenter again and again, until what it is asked to do is over.
 */
async function watched<T>({ dir }: Stack, work: () => Promise<T>): Promise<{ readonly result: T; readonly seen: readonly Seen[] }> {
  const model = openModel(resolveEmbedded(embedded), { folder: join(dir, '.vmplacement', 'datacenter') });
  await model.update(({ world }) => {
    world.pool = Array.from({ length: limit }, (_, index) => others(`other-0${index + 1}`));
  });
  const seen: Seen[] = [];
  let over = false;
  const watching = (async () => {
    while (!over) {
      const now = await model.read(({ world }) => ({
        tickets: world.pool ?? [],
        jobs: Object.values(world.jobs).filter(({ endedAt }) => endedAt === null).length,
      }));
      seen.push(now);
      if (now.tickets.length === limit + names.length)
        await model.update(({ world }) => {
          world.pool = (world.pool ?? []).filter(({ holder }) => holder !== otherRun);
        });
      await setTimeout(20);
    }
  })();
  try {
    return { result: await work(), seen };
  } finally {
    over = true;
    await watching;
  }
}

const otherRun = 'other@machine';
const others = (name: string): Ticket => ({
  vm: { name, uuid: name },
  holder: otherRun,
  slots: [{ kind: 'source', name: 'a/a1', limit }],
  state: 'moving',
  urgent: false,
  expiresAt: Date.now() + 3_600_000,
});

function expectTurns(seen: readonly Seen[]): void {
  const moving = seen.map(({ tickets }) => tickets.filter(({ state }) => state === 'moving'));
  expect(Math.max(...moving.map((tickets) => tickets.length))).toBe(limit);
  expect(Math.max(...seen.map(({ jobs }) => jobs))).toBe(limit);
  // Both processes had to wait, and both moved.
  expect(new Set(seen.flatMap(({ tickets }) => tickets.filter(({ state }) => state === 'waiting').map(({ holder }) => holder))).size).toBe(
    2,
  );
  expect(new Set(moving.flatMap((tickets) => tickets.map(({ holder }) => holder)).filter((holder) => holder !== otherRun)).size).toBe(2);
}

test('given two stacks on one datacenter that are updated at the same time, then no more move than its limit, and all arrive', async () => {
  const one = await deployed({ placements: placed(names.slice(0, 3), 'a1') }, datacenter);
  const config = { datacenterFile: join(one.dir, 'datacenter.yaml') };
  const other = await deployed({ placements: placed(names.slice(3), 'a1'), config }, datacenter);
  await one.write({ placements: placed(names.slice(0, 3), 'a2') });
  await other.write({ placements: placed(names.slice(3), 'a3'), config });
  const up = (fleet: Stack) => fleet.pulumi('up', '--skip-preview', '--parallel', `${names.length}`);
  const { result: results, seen } = await watched(one, () => Promise.all([up(one), up(other)]));
  for (const { code, text } of results) expect(code, text).toBe(0);
  expect(results.map(({ text }) => text).join('\n')).toMatch(
    /web-0\d: waits for a turn: a\/a1 already sends 2 of 2 VMs \(other-01, other-02\)/,
  );
  expectTurns(seen);
  for (const [fleet, vms, host] of [
    [one, names.slice(0, 3), 'a2'],
    [other, names.slice(3), 'a3'],
  ] as const)
    for (const vm of vms) expect((await fleet.placement(vm)).outputs).toMatchObject({ host, phase: 'Settled' });
  expect(seen.at(-1)?.tickets).toEqual([]);
});

test('given one stack with two providers, then their processes share the limit', async () => {
  const provider = () => ({ type: 'pulumi:providers:vmplacement', properties: { datacenterFile: 'datacenter.yaml' } });
  const program = (left: string, right: string) => ({
    placements: { ...placed(names.slice(0, 3), left, '${left}'), ...placed(names.slice(3), right, '${right}') },
    config: {},
    resources: { left: provider(), right: provider() },
  });
  const fleet = await deployed(program('a1', 'a1'), datacenter);
  await fleet.write(program('a2', 'a3'));
  const { result, seen } = await watched(fleet, () => fleet.pulumi('up', '--skip-preview', '--parallel', `${names.length}`));
  expect(result.code, result.text).toBe(0);
  expectTurns(seen);
  for (const vm of names) expect((await fleet.placement(vm)).outputs).toMatchObject({ phase: 'Settled', power: 'running' });
});
