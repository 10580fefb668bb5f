import { describe, expect, test } from 'vitest';
import { unknownValue, type Properties } from '../../../provider/pulumi/codec.js';
import { allows, refreshChanges, updateChanges, type Change } from '../../../provider/pulumi/diff.js';

const settled = { vm: 'web-01', vmId: 'id-1', cluster: 'a', host: 'a1', phase: 'Settled' };
const pending = { ...settled, phase: 'AwaitingShutdown', pendingCluster: 'b', pendingHost: 'b1' };
const on = (host: string, more: Properties = {}): Properties => ({ vm: 'web-01', host, ...more });
/** `~host`, `+plan`, `-pendingHost`, `!vm`; in brackets when shown against the outputs. */
const shown = (changes: readonly Change[]): string[] =>
  changes.map(({ path, kind, against }) => {
    const text = `${{ add: '+', update: '~', delete: '-', replace: '!' }[kind]}${path}`;
    return against === 'outputs' ? `[${text}]` : text;
  });

describe('an update', () => {
  const table: [string, Properties, Properties, Properties, string[]][] = [
    // name, old inputs, old outputs, news, changes
    ['nothing changed', on('a1'), settled, on('a1'), []],
    ['another host', on('a1'), settled, on('b1', { plan: 'hot: a/a1 -> b/b1' }), ['[~host]', '+plan']],
    ['another host, blocked: no plan, yet a change', on('a1'), settled, on('b1'), ['[~host]']],
    ['another cluster', { vm: 'web-01', cluster: 'a' }, settled, { vm: 'web-01', cluster: 'b', plan: 'x' }, ['[~cluster]', '+plan']],
    ['a set that does not hold the host', on('a1'), settled, { vm: 'web-01', hosts: ['a2', 'a3'], plan: 'x' }, ['+hosts', '+plan']],
    [
      'a set without the host, from another set',
      { vm: 'web-01', hosts: ['a1'] },
      settled,
      { vm: 'web-01', hosts: ['a2'], plan: 'x' },
      ['~hosts', '+plan'],
    ],
    ['a set that holds the host', on('a1'), settled, { vm: 'web-01', hosts: ['a2', 'a1'] }, []],
    ['the host is no longer declared', on('a1'), settled, { vm: 'web-01' }, []],
    ['the plan of an earlier update is over', on('a1', { plan: 'hot: x' }), settled, on('a1'), []],
    ['drift was seen by Read', on('a7'), { ...settled, host: 'a7' }, on('a1', { plan: 'x' }), ['[~host]', '+plan']],
    ['another VM', on('a1'), settled, { ...on('a1'), vm: 'db-01' }, ['!vm']],
    ['the same VM by its id', on('a1'), settled, { ...on('a1'), vm: 'id-1' }, ['~vm']],
    ['a renamed VM by its new name', on('a1'), { ...settled, vm: 'web-02' }, { ...on('a1'), vm: 'web-02' }, ['~vm']],
    [
      'an option is added, changed, dropped',
      on('a1', { method: 'hot', verify: 'off' }),
      settled,
      on('a1', { verify: 'full', onPending: 'wait' }),
      ['-method', '+onPending', '~verify'],
    ],
    ['what is the default anyway is declared', on('a1'), settled, on('a1', { verify: 'increment' }), []],
    ['what is the default anyway is not declared any more', on('a1', { verify: 'increment' }), settled, on('a1'), []],
    ['what was declared is left to the default', on('a1', { verify: 'off' }), settled, on('a1'), ['-verify']],
    ['another default of an earlier release', on('a1', { verify: 'off', __defaults: ['verify'] }), settled, on('a1'), ['-verify']],
    ['what Check adds is no option', on('a1'), settled, on('a1', { onDestroy: 'leaves it' }), []],
    ['an annotation', on('a1'), settled, on('a1', { annotations: { 'vmplacement/shutdown': 'now' } }), ['+annotations']],
    [
      'another value of an annotation',
      on('a1', { annotations: { 'vmplacement/shutdown': 'hold' } }),
      settled,
      on('a1', { annotations: { 'vmplacement/shutdown': 'now' } }),
      ['~annotations["vmplacement/shutdown"]'],
    ],
    ['a pending move goes on', on('b1'), pending, on('b1', { plan: 'staged; continues' }), ['[~host]', '+plan']],
    ['a pending move is reverted', on('b1'), pending, on('a1', { plan: 'cancel staged' }), ['[-pendingHost]', '+plan']],
    ['a pending move gets another target', on('b1'), pending, on('b2', { plan: 'cancel' }), ['[~host]', '[-pendingHost]', '+plan']],
    [
      'a pending move inside a declared set',
      { vm: 'web-01', hosts: ['b1', 'b2'] },
      pending,
      { vm: 'web-01', hosts: ['b1', 'b2'], plan: 'x' },
      ['~hosts', '+plan'],
    ],
    ['awaiting confirmation', on('a1'), { ...settled, phase: 'AwaitingConfirmation', keptSource: { place: 'b/b1' } }, on('a1'), []],
    [
      'a kept source is no longer wanted',
      on('a1'),
      { ...settled, phase: 'AwaitingConfirmation', keptSource: { place: 'b/b1' } },
      on('a1', { keepSource: 'no', plan: 'settle' }),
      ['+keepSource', '[-keptSource]', '+plan'],
    ],
    [
      'a kept source, and it was declared before',
      on('a1', { keepSource: 'no' }),
      { ...settled, phase: 'AwaitingConfirmation', keptSource: { place: 'b/b1' } },
      on('a1', { keepSource: 'no', plan: 'settle' }),
      ['[-keptSource]', '+plan'],
    ],
    ...(['Failed', 'Parked', 'Migrating', 'Replicating', 'CuttingOver'] as const).map(
      (phase): [string, Properties, Properties, Properties, string[]] => [
        `${phase} at the declared place`,
        on('a1'),
        { ...settled, phase },
        on('a1'),
        ['[-phase]'],
      ],
    ),
    ['the host is not known yet', on('a1'), settled, on('a1', { host: unknownValue, plan: unknownValue }), ['[~host]', '+plan']],
    ['the set is not known yet', on('a1'), settled, { vm: 'web-01', hosts: unknownValue, plan: unknownValue }, ['+hosts', '+plan']],
    [
      'one host of the set is not known yet',
      on('a1'),
      settled,
      { vm: 'web-01', hosts: [unknownValue], plan: unknownValue },
      ['+hosts', '+plan'],
    ],
    ['the VM is not known yet', on('a1'), settled, on('a1', { vm: unknownValue, plan: unknownValue }), ['!vm', '+plan']],
    [
      'an option is not known yet',
      on('a1', { bandwidth: '1MiB/s' }),
      settled,
      on('a1', { bandwidth: unknownValue, plan: unknownValue }),
      ['~bandwidth', '+plan'],
    ],
    ['outputs of a state that says nothing', on('a1'), {}, on('a1', { plan: 'x' }), ['[~host]', '+plan']],
  ];
  test.each(table)('%s', (_, oldInputs, olds, news, expected) => {
    expect(shown(updateChanges(oldInputs, olds, news))).toEqual(expected);
  });
});

describe('an update with ignoreChanges on the place', () => {
  test('leaves a VM that was moved outside where it is', () => {
    const moved = { ...settled, host: 'a7' };
    expect(shown(updateChanges(on('a1'), moved, on('a1', { plan: 'hot: x' }), ['host']))).toEqual([]);
    expect(shown(updateChanges(on('a1'), moved, on('a1', { plan: 'hot: x', verify: 'full' }), ['host']))).toEqual(['+verify']);
  });
  test('carries on with what is pending', () => {
    expect(shown(updateChanges(on('b1'), pending, on('b1', { plan: 'x; continues' }), ['host']))).toEqual(['[~host]', '+plan']);
  });
});

describe('a refresh', () => {
  test.each<[string, Properties, Properties, Properties, boolean, string[]]>([
    ['nothing moved', on('a1'), settled, on('a1'), false, []],
    ['drift', on('a7'), { ...settled, host: 'a7' }, on('a1'), true, ['[~host]']],
    [
      'drift out of a set',
      { vm: 'web-01', hosts: ['a7'] },
      { ...settled, host: 'a7' },
      { vm: 'web-01', hosts: ['a1', 'a2'] },
      true,
      ['~hosts'],
    ],
    [
      'inside the set it is no drift',
      { vm: 'web-01', hosts: ['a1', 'a2'] },
      { ...settled, host: 'a2' },
      { vm: 'web-01', hosts: ['a1', 'a2'] },
      true,
      [],
    ],
    [
      'drift out of the cluster',
      { vm: 'web-01', cluster: 'b' },
      { ...settled, cluster: 'b' },
      { vm: 'web-01', cluster: 'a' },
      true,
      ['[~cluster]'],
    ],
    ['a pending move has the same arguments, and is no drift', on('b1'), pending, on('b1'), false, []],
    ['moved to where it was wanted', on('b1'), { ...settled, host: 'b1' }, on('b1'), true, []],
    ['options are not compared', on('a1'), settled, on('a1', { method: 'hot' }), true, []],
  ])('%s', (_, readInputs, outputs, oldInputs, drifted, expected) => {
    expect(shown(refreshChanges(readInputs, outputs, oldInputs, drifted))).toEqual(expected);
  });
});

describe('what a declaration allows', () => {
  test.each<[Properties, boolean]>([
    [{}, true],
    [{ host: 'a1' }, true],
    [{ host: 'a2' }, false],
    [{ hosts: ['a2', 'a1'] }, true],
    [{ hosts: ['a2'] }, false],
    [{ cluster: 'a' }, true],
    [{ cluster: 'b' }, false],
    [{ cluster: 'b', host: 'a1' }, false],
    [{ host: unknownValue, cluster: unknownValue }, true],
    [{ hosts: ['a2', unknownValue] }, true],
  ])('%j: %s', (inputs, expected) => {
    expect(allows(inputs, { cluster: 'a', host: 'a1' })).toBe(expected);
  });
});
