/** The rules (rules.md §1, §3, §4, §5) on the real engine: what the tables say is what is answered, previewed and done. */
import { describe, expect, test } from 'vitest';
import { findingCodes, severities } from '../../provider/core/finding.js';
import { openDatacenter } from '../../provider/drivers/open.js';
import { stack } from './harness.js';
import { afterwards, afterwardsDatacenter, asWell, beforehand } from './rules-afterwards.js';
import { rulesDatacenter } from './rules-datacenter.js';
import { ofPlaces, ofTheGo, ofTheVm, ofWhatItHas } from './rules-findings.js';
import { hosts, methods, type Row, type Table } from './rules-rows.js';
import { asked, isRefused, oneLine, placementsOf, previewed, run, said, storeHash, vmsOf, type Outcome, type Plan } from './rules-run.js';
import { onTask, taskDatacenter } from './rules-task.js';

const all: Table = { ...methods, ...hosts, ...ofTheVm, ...ofPlaces, ...ofWhatItHas, ...ofTheGo };
const driven = once(() => run(all, rulesDatacenter(vmsOf(all))));
const task = once(() => run(onTask, taskDatacenter(vmsOf(onTask))));

describe.each([
  ['the method', methods, driven],
  ['the host', hosts, driven],
  ['the VM', ofTheVm, driven],
  ['places', ofPlaces, driven],
  ['what the VM has', ofWhatItHas, driven],
  ['the go', ofTheGo, driven],
  ['a platform as AOC', onTask, task],
])('%s', (_, table, ran) => {
  test.each(Object.entries(table))('%s', async (name, row) => {
    const outcome = await ran();
    expectAnswer(name, row, outcome.plans[name]!);
    expectPreview(name, row, outcome.plans[name]!, outcome.previewed[name] ?? '');
    expectUpdate(name, row, outcome);
  });
});

describe('a preview of all this', () => {
  test.each([
    ['driven', driven],
    ['task', task],
  ])('touches nothing and fails: %s', async (_, ran) => {
    const { preview, update, untouched } = await ran();
    expect(preview.code).not.toBe(0);
    expect(untouched[1]).toBe(untouched[0]);
    expect(update.code).not.toBe(0);
  });

  test('names every candidate with its reasons where none is left, also for machines', async () => {
    const { candidates } = (await driven()).plans['no-candidate']!;
    expect(Object.fromEntries(candidates.map(({ place, findings }) => [place, codes(findings)]))).toEqual({
      'a/a-old-cpu': ['blocker cpu-incompatible', 'blocker staged-same-cluster'],
      'a/a-maintenance': ['blocker host-unavailable'],
      'undeclared/u1': ['blocker reach-unknown'],
      nowhere: ['blocker host-not-in-cluster'],
    });
  });
});

test('every finding is met in every severity that the table gives it', () => {
  const met = new Set(Object.values({ ...all, ...onTask, ...afterwards, ...asWell }).flatMap(({ found = [] }) => found));
  const codesMet = findingCodes.filter((code) => severities.some((severity) => met.has(`${severity} ${code}`)));
  // Only libvirt can move unencrypted.
  expect(codesMet).toEqual(findingCodes.filter((code) => !['migration-unencrypted', 'storage-taken', 'host-lacks'].includes(code)));
  const both = [...met].map((found) => found.split(' ')[1]).filter((code, index, list) => list.indexOf(code) < index);
  expect(both.sort()).toEqual(['affinity-violated', 'cpu-incompatible', 'reach-unknown', 'snapshots-lost', 'staged-no-os', 'storage-same']);
});

describe('after earlier moves', () => {
  const ran = once(async () => {
    const fleet = await stack({ placements: beforehand }, afterwardsDatacenter);
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    const cancel = await fleet.vmplacement('cancel', 'cancelled');
    expect(cancel.code, cancel.text).toBe(0);
    const { driver } = await openDatacenter({ datacenterFile: 'datacenter.yaml' }, fleet.dir);
    const leased = (await driver.survey({})).vms.find(({ name }) => name === 'leased');
    await driver.lease(leased?.uuid ?? '', 'another run', { expireMs: 3_600_000 });
    const plans = await asked(fleet, { ...afterwards, ...asWell }, beforehand);
    await fleet.write({ placements: placementsOf(afterwards) });
    const first = await storeHash(fleet);
    const preview = await previewed(fleet);
    return { plans, preview: said(preview), untouched: [first, await storeHash(fleet)] as const };
  });

  test.each(Object.entries({ ...afterwards, ...asWell }))('%s', async (name, row) => {
    const { plans, preview } = await ran();
    expectAnswer(name, row, plans[name]!);
    if (name in afterwards) expectPreview(name, row, plans[name]!, preview[name] ?? '');
  });

  test('a preview touches nothing', async () => {
    const { untouched } = await ran();
    expect(untouched[1]).toBe(untouched[0]);
  });
});

/** rules.md §4: memory promised to other plans counts, and is counted once. */
describe('room for several', () => {
  const memory = (...sizes: readonly [string, string][]): object => ({
    embedded: {
      clock: 'manual',
      clusters: { a: { hosts: { a1: { memory: '64GiB' }, a2: { memory: '16GiB' }, a3: { memory: '16GiB' }, a4: { memory: '16GiB' } } } },
      vms: Object.fromEntries(sizes.map(([id, size]) => [id, { host: 'a1', memory: size }])),
    },
  });

  test('of two VMs that do not fit together one moves, and the other is refused', async () => {
    const placements = { one: { vm: 'one', host: 'a2' }, two: { vm: 'two', host: 'a2' } };
    const fleet = await stack({ placements }, memory(['one', '9GiB'], ['two', '9GiB']));
    const preview = said(await previewed(fleet));
    // Which of the two the engine asks for first is chance.
    expect(`${preview['one']} ${preview['two']}`).toMatch(/VM (one|two) moves hot from a\/a1 to a\/a2/);
    expect(`${preview['one']} ${preview['two']}`).toMatch(/VM (one|two) needs 9 GiB of memory; a\/a2 has 6.5 GiB left/);
  });

  test('two that fit together both move, also while one is under way', async () => {
    const placements = {
      one: { vm: 'one', host: 'a2' },
      quick: { vm: 'quick', host: 'a3' },
      two: { properties: { vm: 'two', host: 'a2' }, options: { dependsOn: ['${quick}'] } },
    };
    const fleet = await stack({ placements }, memory(['one', '6GiB'], ['two', '6GiB'], ['quick', '1GiB']));
    const up = await fleet.pulumi('up', '--skip-preview');
    expect(up.code, up.text).toBe(0);
    for (const name of ['one', 'two']) expect((await fleet.placement(name)).outputs).toMatchObject({ host: 'a2' });
  });

  test('a question promises nothing', async () => {
    const ask = { 'fn::invoke': { function: 'vmplacement:getPlan', arguments: { vm: 'one', host: 'a2' } } };
    // Decided after the question, since it takes a value from the answer.
    const two = { vm: 'two', host: 'a2', takeOver: '${ask.action}' };
    const fleet = await stack({ placements: { two }, variables: { ask } }, memory(['one', '9GiB'], ['two', '9GiB']));
    const preview = await fleet.pulumi('preview');
    expect(preview.code, preview.text).toBe(0);
    expect(preview.text).toContain('VM two moves hot from a/a1 to a/a2');
  });

  test('the same reading gives the same hosts', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `vm-${index}`);
    const placements = Object.fromEntries(names.map((vm) => [vm, { vm, hosts: ['a2', 'a3', 'a4'] }]));
    const fleet = await stack({ placements }, memory(...names.map((name): [string, string] => [name, '1GiB'])));
    const plans = async (): Promise<string[]> => {
      const { stdout } = await fleet.pulumi('preview', '--json');
      const { steps } = JSON.parse(stdout) as { steps: { urn: string; newState?: { inputs?: { plan?: string } } }[] };
      return steps
        .flatMap(({ urn, newState }) =>
          newState?.inputs?.plan === undefined ? [] : [`${urn.split('::').at(-1)}: ${newState.inputs.plan}`],
        )
        .sort();
    };
    expect(await plans()).toEqual(await plans());
  });
});

function expectAnswer(name: string, row: Row, plan: Plan): void {
  expect(plan.summary, plan.sentence).toBe(row.plan);
  expect(codes(plan.findings), plan.sentence).toEqual([...(row.found ?? [])].sort());
  expect(plan).toMatchObject({ vm: row.of ?? name, willStopVm: row.plan.includes('will-stop-vm') });
  const words = [plan.sentence, ...plan.findings.flatMap(({ message, suggestion }) => [message, suggestion])].join('\n');
  for (const text of row.says ?? []) expect(words).toMatch(text);
}

/** Whatever speaks against it, or should be known, is there; of one that is refused, why. */
function expectPreview(name: string, row: Row, plan: Plan, text: string): void {
  if (isRefused(row)) expect(text).toContain('error: Preview failed: VM');
  else expect(text).toContain(row.plan === '' ? '' : oneLine(plan.sentence));
  for (const { severity, message, suggestion } of plan.findings) {
    if (isRefused(row) && severity !== 'blocker') continue;
    expect(text).toContain(oneLine(message));
    expect(text).toContain(oneLine(suggestion));
  }
  // What would block a move is a warning where none is needed.
  const warnings = plan.findings.filter(({ severity }) => severity !== 'notice').length;
  if (!isRefused(row)) expect(text.match(/warning: /g) ?? []).toHaveLength(warnings);
  expect(text).toContain(row.plan === '' ? '' : (row.of ?? name));
}

function expectUpdate(name: string, row: Row, { plans, updated, before, after, placed }: Outcome): void {
  const text = updated[name] ?? '';
  if (isRefused(row) && row.up === undefined) {
    expect(text).toMatch(/^error: VM .*Nothing (was|is) done/);
    expect(text).toContain(row.of ?? name);
    for (const { severity, message, suggestion } of plans[name]!.findings) {
      if (severity !== 'blocker') continue;
      expect(text).toContain(oneLine(message));
      expect(text).toContain(oneLine(suggestion));
    }
    expect(after[name]).toEqual(before[name]);
    expect(placed[name]).toBeUndefined();
  } else if (row.up !== undefined) {
    expect(text).not.toContain('error:');
    const { cluster, host, power, phase } = placed[name]!.outputs as Record<string, string>;
    expect(`${cluster}/${host} ${power} ${phase}`).toBe(row.up);
    expect(after[name]).toContain(`${cluster}/${host} live ${power}`);
  }
}

const codes = (findings: Plan['findings']): string[] => findings.map(({ severity, code }) => `${severity} ${code}`).sort();

/** The engine runs a table once, for the first test that asks. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}
