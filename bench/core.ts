/**
 * Survey, plan, Check and Diff inside one process, for 1 000 and 5 000 placements. Every figure stands beside a baseline of the same
 * round (the reading as JSON, there and back; a handler that returns what it got), since a busy machine slows both.
 *
 * npx tsx bench/core.ts [--placements 1000,5000] [--rounds 5] [--check]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import { decide, Promises } from '../provider/core/decide.js';
import type { Driver } from '../provider/core/driver.js';
import type { Inventory } from '../provider/core/inventory.js';
import { check, diff } from '../provider/pulumi/check.js';
import { toStruct, type Properties } from '../provider/pulumi/codec.js';
import { configure } from '../provider/pulumi/config.js';
import { outputsOf } from '../provider/pulumi/outputs.js';
import { newPlugin, type Plugin } from '../provider/pulumi/plugin.js';
import { CheckResponse, type provider } from '../provider/pulumi/proto.js';
import { checkPlacement } from '../schema/validate.js';
import { stateOf } from '../provider/core/compare.js';
import { CheckRequest, ConfigureRequest, DiffRequest } from './requests.js';
import { median, milliseconds, print, ratio, verdict, type Limit } from './figures.js';
import { fleet, type Fleet } from './fleet.js';

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    placements: { type: 'string', default: '1000,5000' },
    rounds: { type: 'string', default: '5' },
    check: { type: 'boolean', default: false },
  },
});

/** One thing that is timed: all placements once. */
interface Task {
  readonly name: string;
  readonly baseline: 'JSON' | 'handler';
  readonly work: () => unknown;
}

async function main(): Promise<void> {
  const sizes = values.placements.split(',').map(Number);
  const measured = new Map<number, ReadonlyMap<string, number>>();
  for (const size of sizes) measured.set(size, await measure(size, Number(values.rounds)));
  const [small, large] = [sizes[0] ?? 0, sizes.at(-1) ?? 0];
  if (small === large) return;
  console.log();
  verdict(growth(measured, small, large), values.check);
}

async function measure(size: number, rounds: number): Promise<ReadonlyMap<string, number>> {
  const vms = fleet(size);
  const folder = mkdtempSync(join(tmpdir(), 'vmplacement-bench-core-'));
  try {
    const { plugin, driver } = await open(folder, vms);
    const inventory = await driver.survey({});
    const baselines = baselinesFor(inventory, vms);
    const tasks = [...coreTasks(driver, inventory, vms), ...handlerTasks(plugin, inventory, vms)];
    const times = new Map<string, number[]>();
    const ratios = new Map<string, number[]>();
    for (let round = 0; round < rounds; round += 1) {
      const base = { JSON: await timed(baselines.JSON), handler: await timed(baselines.handler) };
      for (const { name, baseline, work } of tasks) {
        const ms = await timed(work);
        times.set(name, [...(times.get(name) ?? []), ms]);
        ratios.set(name, [...(ratios.get(name) ?? []), ms / base[baseline]]);
      }
    }
    print(
      `${size} placements, medians of ${rounds} rounds`,
      ['what', 'all of them', 'each', 'of the baseline', 'baseline'],
      tasks.map(({ name, baseline }) => {
        const ms = median(times.get(name) ?? []);
        return [name, milliseconds(ms), milliseconds(ms / size), ratio(median(ratios.get(name) ?? [])), baseline];
      }),
    );
    return new Map([...times].map(([name, all]) => [name, median(all) / size]));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What one placement costs must not depend on how many there are. */
function growth(measured: ReadonlyMap<number, ReadonlyMap<string, number>>, small: number, large: number): readonly Limit[] {
  return [...(measured.get(large) ?? [])].map(([name, each]) => {
    const times = each / (measured.get(small)?.get(name) ?? 0);
    return { what: `${name}: one of ${large} costs ${ratio(times)} one of ${small}, at most 1.5x`, holds: times <= 1.5 };
  });
}

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The datacenter in a file, its store in a folder, every VM adopted: as a stack leaves it behind. */
async function open(folder: string, { datacenter, hosts }: Fleet): Promise<{ plugin: Plugin; driver: Driver }> {
  const file = join(folder, 'datacenter.json');
  writeFileSync(file, JSON.stringify(datacenter));
  const plugin = newPlugin(null);
  const request = new ConfigureRequest().setArgs(toStruct({ datacenterFile: file }));
  request.setUrn('urn:pulumi:dev::fleet::pulumi:providers:vmplacement::default');
  await configure(plugin, request);
  const opened = await plugin.datacenter;
  if (opened === null) throw new Error('not configured');
  const { driver } = opened;
  await Promise.all([...hosts.keys()].map((vm) => adopt(driver, vm)));
  return { plugin, driver };
}

async function adopt(driver: Driver, vm: string): Promise<void> {
  const claim = { v: 1 as const, stack: 'organization/fleet/dev', urn: urnOf(vm), spentGo: null, lastMove: null, cancelled: null };
  await driver.lease(vm, 'bench', { expireMs: 3_600_000 });
  await driver.claim(vm, claim, 'bench');
  await driver.release(vm, 'bench');
}

const urnOf = (vm: string): string => `urn:pulumi:dev::fleet::vmplacement:index:Placement::${vm}`;

function baselinesFor(inventory: Inventory, { hosts }: Fleet): Record<Task['baseline'], () => void> {
  const requests = [...hosts].map(([vm, host]) => checkRequest(vm, { vm, host }));
  return {
    JSON: () => void JSON.parse(JSON.stringify(inventory)),
    handler: () => {
      for (const request of requests) CheckResponse.deserializeBinary(new CheckResponse().setInputs(request.getNews()).serializeBinary());
    },
  };
}

function coreTasks(driver: Driver, inventory: Inventory, { hosts }: Fleet): readonly Task[] {
  const clusters = inventory.clusters.map(({ name }) => name);
  const plans = (declared: (vm: string, host: string, index: number) => Properties) => () => {
    const promises = new Promises();
    const context = {
      settings: { memoryReserveBytes: 0 },
      capabilities: driver.capabilities,
      promises,
      nowMs: Date.parse(inventory.observedAt),
      stack: 'organization/fleet/dev',
      urn: '',
    };
    [...hosts].forEach(([vm, host], index) => {
      const { desired } = checkPlacement({ ...declared(vm, host, index) }, { isUnknown: () => false });
      if (desired !== null) decide(desired, inventory, context);
    });
  };
  const all = [...new Set(hosts.values())];
  return [
    { name: 'survey', baseline: 'JSON', work: () => driver.survey({}) },
    { name: 'survey of one VM', baseline: 'JSON', work: () => driver.survey({ vms: ['vm-00001'] }) },
    { name: 'plan, nothing to do', baseline: 'JSON', work: plans((vm, host) => ({ vm, host })) },
    { name: 'plan, to another host', baseline: 'JSON', work: plans((vm, _host, index) => ({ vm, host: all[(index + 7) % all.length] })) },
    {
      name: 'plan, to one of three hosts',
      baseline: 'JSON',
      work: plans((vm, _host, index) => ({ vm, hosts: [1, 2, 3].map((step) => all[(index + step) % all.length]) })),
    },
    ...(clusters.length > 1
      ? [{ name: 'plan, continuing none, to be refused', baseline: 'JSON' as const, work: plans((vm) => ({ vm, host: 'nowhere' })) }]
      : []),
  ];
}

function handlerTasks(plugin: Plugin, inventory: Inventory, { hosts }: Fleet): readonly Task[] {
  const checks = [...hosts].map(([vm, host]) => checkRequest(vm, { vm, host }));
  const diffs = inventory.vms.map((vm) => {
    const inputs = { vm: vm.name, host: hosts.get(vm.name), onDestroy: 'leaves the VM as it is, where it is' };
    const request = new DiffRequest().setUrn(urnOf(vm.name)).setOlds(toStruct(outputsOf(stateOf(vm, inventory))));
    return request.setOldInputs(toStruct(inputs)).setNews(toStruct(inputs));
  });
  const all =
    <T>(requests: readonly T[], call: (request: T) => Promise<unknown>) =>
    async () => {
      for (const request of requests) await call(request);
    };
  return [
    { name: 'Check', baseline: 'handler', work: all(checks, (request) => check(plugin, request)) },
    { name: 'Diff', baseline: 'handler', work: all(diffs, (request) => diff(plugin, request)) },
  ];
}

const checkRequest = (vm: string, inputs: Properties): provider.CheckRequest =>
  new CheckRequest().setUrn(urnOf(vm)).setNews(toStruct(inputs));

await main();
