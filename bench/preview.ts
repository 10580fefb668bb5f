/**
 * What our provider adds to a preview in which nothing changes, beside a provider that does nothing: interleaved runs of the real
 * engine on stacks of N placements. `--check` makes an exit code of the limits, for a quiet machine.
 *
 * npx tsx bench/preview.ts [--placements 1000,5000] [--runs 5] [--check]
 */
import { argv } from 'node:process';
import { parseArgs } from 'node:util';
import type { CountersReport } from '../provider/pulumi/counters.js';
import { mebibytes, median, milliseconds, percent, print, ratio, seconds, sum, verdict, type Limit } from './figures.js';
import { fleet } from './fleet.js';
import { prepare, type BenchStack, type CommandRun, type MakeStack } from './stack.js';

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    placements: { type: 'string', default: '1000,5000' },
    runs: { type: 'string', default: '5' },
    check: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  const makeStack = await prepare();
  const limits: Limit[] = [];
  for (const placements of values.placements.split(',').map(Number)) {
    limits.push(...(await measure(makeStack, placements, Number(values.runs))));
  }
  console.log();
  verdict(limits, values.check);
}

async function measure(makeStack: MakeStack, placements: number, runs: number): Promise<readonly Limit[]> {
  const vms = fleet(placements);
  const [ours, nothing] = [await makeStack('vmplacement', vms), await makeStack('null', vms)];
  try {
    const adopted = await ours.pulumi('up', '--yes', '--skip-preview');
    const created = await nothing.pulumi('up', '--yes', '--skip-preview');
    printAdoption(placements, adopted, created);
    const pairs: { ours: CommandRun; nothing: CommandRun }[] = [];
    for (let index = 0; index < runs; index += 1) pairs.push({ ours: await preview(ours), nothing: await preview(nothing) });
    return printPreviews(placements, pairs);
  } finally {
    ours.remove();
    nothing.remove();
  }
}

const preview = (stack: BenchStack): Promise<CommandRun> => stack.pulumi('preview', '--expect-no-changes');

function printAdoption(placements: number, adopted: CommandRun, created: CommandRun): void {
  print(
    `${placements} placements, up of a new stack (PULUMI_SKIP_CHECKPOINTS=true)`,
    ['provider', 'wall', 'ratio', 'in handlers', 'surveys', 'peak memory'],
    [
      ['vmplacement', adopted],
      ['null', created],
    ].map(([name, run]) => row(name as string, run as CommandRun, (run as CommandRun).wallMs / created.wallMs)),
  );
}

const row = (name: string, { wallMs, plugins }: CommandRun, over: number): string[] => [
  name,
  seconds(wallMs),
  ratio(over),
  seconds(busy(plugins)),
  String(sum(plugins.map(({ surveys }) => surveys.count))),
  plugins.map(({ peakRssBytes }) => mebibytes(peakRssBytes)).join(', '),
];

const busy = (plugins: readonly CountersReport[]): number => sum(plugins.map(({ busyMs }) => busyMs));

function printPreviews(
  placements: number,
  pairs: readonly { readonly ours: CommandRun; readonly nothing: CommandRun }[],
): readonly Limit[] {
  print(
    `${placements} placements, preview without a change, ${pairs.length} pairs of runs`,
    ['provider', 'wall', 'ratio', 'in handlers', 'surveys', 'peak memory'],
    pairs.flatMap(({ ours, nothing }) => [row('vmplacement', ours, ours.wallMs / nothing.wallMs), row('null', nothing, 1)]),
  );
  const all = pairs.flatMap(({ ours }) => ours.plugins);
  printCalls(all, pairs.length);
  const over = median(pairs.map(({ ours }) => ours.wallMs)) / median(pairs.map(({ nothing }) => nothing.wallMs));
  const share = median(pairs.map(({ ours }) => busy(ours.plugins) / ours.wallMs));
  const memory = Math.max(...all.map(({ peakRssBytes }) => peakRssBytes));
  const configured = all.filter(({ calls }) => calls['Configure'] !== undefined);
  const surveys = configured.map((plugin) => plugin.surveys.count);
  return [
    { what: `${placements}: median of our wall time ${ratio(over)} of the null provider's, at most 1.25x`, holds: over <= 1.25 },
    { what: `${placements}: in handlers and surveys ${percent(share)} of the wall time (median), at most 10 %`, holds: share <= 0.1 },
    { what: `${placements}: largest plugin process ${mebibytes(memory)}, at most 250 MiB`, holds: memory <= 250 * 1024 ** 2 },
    {
      what: `${placements}: surveys of each configured process: ${[...new Set(surveys)].join(', ')}, exactly 1`,
      holds: surveys.length >= pairs.length && surveys.every((count) => count === 1),
    },
  ];
}

/** Where the time goes: the sum over the processes of a run, on average. */
function printCalls(plugins: readonly CountersReport[], runs: number): void {
  const names = [...new Set(plugins.flatMap(({ calls }) => Object.keys(calls)))].sort();
  const figures = (name: string) => plugins.flatMap(({ calls, surveys }) => (name === 'survey' ? [surveys] : (calls[name] ?? [])));
  print(
    'vmplacement, calls of one run',
    ['call', 'count', 'total', 'largest'],
    ['survey', ...names].map((name) => {
      const all = figures(name);
      return [
        name,
        (sum(all.map(({ count }) => count)) / runs).toFixed(0),
        milliseconds(sum(all.map(({ totalMs }) => totalMs)) / runs),
        milliseconds(Math.max(...all.map(({ maxMs }) => maxMs))),
      ];
    }),
  );
  const starts = plugins.map(({ startCpuMs }) => startCpuMs);
  console.log(`processes of one run: ${(plugins.length / runs).toFixed(1)}; CPU until listening, each: ${milliseconds(median(starts))}`);
}

await main();
