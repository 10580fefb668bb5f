/** What must hold of every plan, whatever the datacenter looks like. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { blockers } from '../../../provider/core/finding.js';
import { decide, Promises } from '../../../provider/core/decide.js';
import type { Desired } from '../../../provider/core/desired.js';
import {
  hostStates,
  liveCopies,
  powers,
  samePlace,
  unknown,
  type Inventory,
  type Maybe,
  type Vm,
} from '../../../provider/core/inventory.js';
import { isAllowed } from '../../../provider/core/declaration.js';
import { methods } from '../../../provider/core/record.js';
import {
  at,
  capabilities,
  claim,
  cluster,
  context,
  copy,
  desired,
  disk,
  GiB,
  host,
  inventory,
  link,
  MiB,
  nowMs,
  place,
  record,
  self,
  vm,
} from './builders.js';

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Maybe<T>> =>
  fc.oneof({ weight: 9, arbitrary }, { weight: 1, arbitrary: fc.constant(unknown('not read')) });
const places = ['a/a1', 'a/a2', 'b/b1', 'b/b2'] as const;

const someHost = (text: string) =>
  fc
    .record({
      state: fc.oneof(
        { weight: 8, arbitrary: fc.constant('connected' as const) },
        { weight: 2, arbitrary: fc.constantFrom(...hostStates) },
      ),
      cpu: maybe(
        fc.constantFrom(
          { arch: 'x86_64', models: ['qemu64'], features: ['sse'] },
          { arch: 'x86_64', models: [], features: [] },
          { arch: 'aarch64', models: ['qemu64'], features: [] },
        ),
      ),
      memory: maybe(fc.integer({ min: 1, max: 40 }).map((gib) => ({ totalBytes: 64 * GiB, freeBytes: gib * GiB }))),
      pools: maybe(
        fc.constantFrom(
          [{ name: 'default', freeBytes: 100 * GiB, storageId: null }],
          [{ name: 'default', freeBytes: GiB, storageId: 'nfs' }],
          [],
        ),
      ),
    })
    .map(({ state, ...facts }) => host(text, facts, state === 'unreachable' ? { state, facts: unknown('no answer') } : { state }));

const someVm: fc.Arbitrary<Vm> = fc
  .record({
    copies: fc.oneof(
      {
        weight: 8,
        arbitrary: fc
          .tuple(fc.constantFrom(...places), fc.constantFrom('running' as const, 'off' as const))
          .map(([where, power]) => [copy(where, { power })]),
      },
      {
        weight: 2,
        arbitrary: fc.array(
          fc
            .tuple(
              fc.constantFrom(...places),
              fc.constantFrom(...powers),
              fc.constantFrom('live' as const, 'kept' as const, 'incoming' as const),
            )
            .map(([where, power, role]) => copy(where, { power, role })),
          { maxLength: 3 },
        ),
      },
    ),
    os: maybe(fc.constantFrom({ installed: true, seenBy: 'agent' as const }, { installed: false, seenBy: null })),
    devices: maybe(fc.constantFrom([], [{ name: 'gpu0', kind: 'gpu' as const, hostLocal: true }])),
    snapshots: maybe(fc.constantFrom([], ['s1'])),
    disks: maybe(fc.constantFrom([disk()], [disk({ storageId: 'nfs' })], [disk({ tracked: false })])),
    dirtyRate: maybe(
      fc.constantFrom({ memoryBytesPerSecond: MiB, diskBytesPerSecond: 400 * MiB, memoryWorkingSetBytes: 0, diskWorkingSetBytes: 0 }),
    ),
    annotation: fc.constantFrom([], [{ value: 'now', giver: 'alice', at: at(-1) }], [{ value: 'hold', giver: 'alice', at: at(-1) }]),
    locks: fc.constantFrom([], [], [], [{ by: 'backup' }]),
    claim: fc.constantFrom(null, claim(), claim({ spentGo: 'now' }), claim({ stack: 'x/y/z' })),
  })
  .map((over) => vm(over));

const someRecord = fc
  .record({
    method: fc.constantFrom(...methods),
    to: fc.constantFrom(...places).map(place),
    targetStarting: fc.boolean(),
    phase: fc.constantFrom('Replicating' as const, 'AwaitingShutdown' as const, 'Parked' as const, 'AwaitingConfirmation' as const),
    stoppedByMove: fc.boolean(),
  })
  .map((over) => record(over));

const someInventory: fc.Arbitrary<Inventory> = fc
  .record({
    vm: someVm,
    hosts: fc.tuple(...places.map(someHost)),
    direct: fc.constantFrom('yes' as const, 'no' as const, 'unknown' as const),
    accepts: maybe(fc.boolean()),
    other: someVm,
  })
  .map(({ vm: machine, hosts, direct, accepts, other }) =>
    inventory({
      vm: machine,
      hosts,
      others: [{ ...other, name: 'db', uuid: 'uuid-db', record: record() }],
      clusters: [cluster('a'), cluster('b', { acceptsMigrations: accepts })],
      links: [link(['a', 'b'], direct), self('a'), self('b')],
    }),
  );

const someDesired: fc.Arbitrary<Desired> = fc
  .record({
    where: fc.constantFrom<Partial<Desired>>(
      { scope: 'nowhere' },
      { scope: 'exact', hosts: ['a1'] },
      { scope: 'exact', hosts: ['b1'] },
      { scope: 'exact', hosts: ['a2'], cluster: 'b' },
      { scope: 'any', hosts: ['a2', 'b1', 'b2', 'zz'] },
      { scope: 'cluster', cluster: 'b' },
      { scope: 'cluster', cluster: 'a' },
    ),
    method: fc.constantFrom('auto' as const, 'auto' as const, ...methods),
    shutdown: fc.constantFrom(null, 'now', 'hold', at(3_600_000)),
    allowShutdown: fc.boolean(),
    assumeOs: fc.boolean(),
    detach: fc.constantFrom([], ['gpu0']),
    onPending: fc.constantFrom('succeed' as const, 'wait' as const),
    keepSource: fc.constantFrom(null, 'confirm' as const, 'no' as const),
  })
  .map(({ where, ...over }) => desired({ ...where, ...over }));

const world = fc.record({
  want: someDesired,
  reading: fc.tuple(someInventory, fc.option(someRecord, { freq: 3 })).map(([reading, recorded]) => ({
    ...reading,
    vms: reading.vms.map((one, index) => (index === 0 ? { ...one, record: recorded } : one)),
  })),
  holdsCutover: fc.boolean(),
});

const decided = ({ want, reading, holdsCutover }: { want: Desired; reading: Inventory; holdsCutover: boolean }) =>
  decide(want, reading, context({ capabilities: capabilities({ holdsCutover }), promises: new Promises(), nowMs }));

describe('every plan', () => {
  test.prop([world], { numRuns: 1000 })('is the same for the same reading, and for the same reading in another order', (given) => {
    const plan = decided(given);
    expect(decided(given)).toEqual(plan);
    const { reading } = given;
    const turned = {
      ...reading,
      hosts: [...reading.hosts].reverse(),
      clusters: [...reading.clusters].reverse(),
      links: [...reading.links].reverse(),
    };
    const { action, method, to, summary } = decided({ ...given, reading: turned });
    expect({ action, method, to, summary }).toEqual({
      action: plan.action,
      method: plan.method,
      to: plan.to,
      summary: plan.summary,
    });
  });

  test.prop([world], { numRuns: 1000 })(
    'of a started move goes to an allowed place without blockers, and never staged inside one cluster',
    (given) => {
      const plan = decided(given);
      if (plan.action !== 'move' && plan.action !== 'retarget') return;
      expect(blockers(plan.findings)).toEqual([]);
      expect(plan.to !== null && isAllowed(given.want, plan.to) && plan.from !== null && !samePlace(plan.from, plan.to)).toBe(true);
      if (plan.method === 'staged') expect(plan.from?.cluster).not.toBe(plan.to?.cluster);
      expect(plan.candidates[0]).toMatchObject({ place: plan.to, method: plan.method });
    },
  );

  test.prop([world], { numRuns: 1000 })('by auto never moves a running VM cold, and an explicit method is never replaced', (given) => {
    const plan = decided(given);
    const [machine] = given.reading.vms;
    const running = machine !== undefined && liveCopies(machine).some(({ power }) => power === 'running');
    if (plan.action !== 'move') return;
    if (given.want.method === 'auto') expect(plan.method === 'cold' && running).toBe(false);
    else expect(plan.method).toBe(given.want.method);
  });

  test.prop([world], { numRuns: 1000 })('leaves a VM without a record where it is allowed, whatever the findings', (given) => {
    const [machine] = given.reading.vms;
    const live = machine === undefined ? [] : liveCopies(machine);
    const [only] = live;
    if (machine?.record !== null || only === undefined || machine.copies.length !== 1 || !isAllowed(given.want, only.ref)) return;
    expect(decided(given)).toMatchObject({ action: 'none', summary: '' });
  });

  test.prop([world], { numRuns: 1000 })('promises no figures, and says where it goes and whether it stops the VM', (given) => {
    const { summary, action, willStopVm } = decided(given);
    const withoutNames = summary.replaceAll(/\b[ab]\/[ab]\d\b/g, '');
    expect(withoutNames).not.toMatch(/\d/);
    expect(summary === '').toBe(action === 'none');
    if (action === 'move' || action === 'continue' || action === 'retarget') expect(summary.includes('will-stop-vm')).toBe(willStopVm);
    if (!willStopVm) expect(summary).not.toContain('will-stop-vm');
  });

  test.prop([world], { numRuns: 1000 })('does not stop a running VM where a hold is declared', (given) => {
    expect(decided({ ...given, want: { ...given.want, shutdown: 'hold' } }).willStopVm).toBe(false);
  });

  test.prop([world], { numRuns: 1000 })('goes only forward from the point of no return', (given) => {
    const { action, record: recorded } = decided(given);
    if (recorded?.targetStarting === true) expect(['continue', 'settle', 'none', 'blocked']).toContain(action);
  });
});
