import { expect, it } from 'vitest';
import { decide, Promises } from '../../../provider/core/decide.js';
import type { Desired } from '../../../provider/core/desired.js';
import type { Inventory, Vm } from '../../../provider/core/inventory.js';
import { withAnswers } from '../../../provider/core/questions.js';
import { capabilities, context, copy, GiB, host, inCluster, inventory, now, onHost, onHosts, place, record, vm } from './builders.js';

const vms = 300;

const named = (index: number, over: Partial<Vm> = {}): Vm => vm({ name: `vm-${index}`, uuid: `uuid-${index}`, ...over });

/** An inventory that counts how often one of its VMs is looked at in passing, i.e. taken out of the list of all. */
function counted(all: readonly Vm[]): { readonly reading: Inventory; readonly looks: () => number } {
  let looks = 0;
  const list = new Proxy(all, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const roomy = { memory: { totalBytes: 9999 * GiB, freeBytes: 9000 * GiB } };
  const hosts = ['a/a1', 'a/a2', 'b/b1', 'b/b2'].map((text) => host(text, roomy));
  return { reading: { ...inventory({ hosts }), vms: list }, looks: () => looks };
}

it.each<[string, (index: number) => Partial<Desired>, (index: number) => Partial<Vm>]>([
  ['stay where they are', () => onHost('a1'), () => ({})],
  ['move to a host', () => onHost('b1'), () => ({})],
  ['move to one of several hosts', () => onHosts(['b1', 'b2']), () => ({})],
  ['move to a cluster', () => inCluster('b'), () => ({})],
  ['wait for their go', () => onHost('b1'), (index) => ({ record: record({ vm: { name: `vm-${index}`, uuid: `uuid-${index}` } }) })],
  [
    'have rules that name each other',
    () => onHost('b1'),
    (index) => ({ affinity: [{ kind: 'with', strength: 'prefer', members: [`vm-${(index + 1) % vms}`] }] }),
  ],
  ['are already off', () => onHost('b1'), () => ({ copies: [copy('a/a1', { power: 'off' })] })],
])('the plans of many VMs that %s do not each look through all the others', (_what, declared, over) => {
  const { reading, looks } = counted(Array.from({ length: vms }, (_, index) => named(index, over(index))));
  const promises = new Promises();
  for (let index = 0; index < vms; index += 1) {
    const plan = decide({ ...onHost('a1'), ...declared(index), vm: `vm-${index}` }, reading, context({ promises }));
    if (plan.to !== null) promises.promise(`uuid-${index}`, place('b/b1'), GiB, { default: GiB });
  }
  // An index each for UUIDs, names, targets and rules; quadratic would be 90 000.
  expect(looks()).toBeLessThanOrEqual(5 * vms);
});

it('nor do those that are decided again with what was asked for them', () => {
  const { reading, looks } = counted(Array.from({ length: vms }, (_, index) => named(index)));
  const ctx = context({ capabilities: capabilities({ reachability: 'measured' }) });
  for (let index = 0; index < vms; index += 1) {
    const wanted = onHost('b1', { vm: `vm-${index}` });
    const { questions } = decide(wanted, reading, ctx);
    expect(questions).toHaveLength(1);
    const answers = questions.map((question) => ({ question, answer: { answer: 'yes', because: '', fix: '' } as const, at: now }));
    expect(decide(wanted, withAnswers(reading, answers), ctx).questions).toEqual([]);
  }
  expect(looks()).toBeLessThanOrEqual(5 * vms);
});
