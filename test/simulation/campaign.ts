/** Many schedules of one style. A failing one is shrunk, and told with what plays it again. */
import fc from 'fast-check';
import { play } from './play.js';
import { scenarios, type Scenario } from './scenario.js';

export interface Campaign {
  readonly schedules: number;
  /** What failed and how to see it again; null when all went well. */
  readonly failure: string | null;
  readonly seen: ReadonlyMap<string, number>;
}

export interface CampaignOptions {
  readonly style: Scenario['style'];
  readonly seed: number;
  readonly runs: number;
  /** Of a failing schedule. */
  readonly path?: string;
  /** The first one that fails is told as it is, not shrunk. */
  readonly first?: boolean;
}

export async function campaign({ style, seed, runs, path, first = false }: CampaignOptions): Promise<Campaign> {
  const seen = new Map<string, number>();
  const property = fc.asyncProperty(scenarios(style), async (scenario) => {
    const played = await play(scenario);
    for (const [what, count] of played.seen) seen.set(what, (seen.get(what) ?? 0) + count);
    if (played.violations.length > 0) throw new Error(played.violations.join('\n'));
  });
  const details = await fc.check(property, { seed, numRuns: runs, endOnFailure: first, ...(path === undefined ? {} : { path }) });
  if (!details.failed || details.counterexample === null) return { schedules: details.numRuns, failure: null, seen };
  const [scenario] = details.counterexample;
  const { violations, history } = await play(scenario);
  const again = `npx tsx test/simulation/main.ts --style ${style} --seed ${details.seed} --path ${details.counterexamplePath ?? ''}`;
  const failure = [...violations, ...history, JSON.stringify(scenario), `again: ${again}`].join('\n');
  return { schedules: details.numRuns, failure, seen };
}
