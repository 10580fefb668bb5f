/**
 * What every driver must hold (design.md §5). `describeDriverContract` reads the capabilities and tests each one that is
 * claimed, on a fresh datacenter per test.
 */
import type { Capabilities } from '../../provider/core/driver.js';
import { afterEach, beforeEach, describe } from 'vitest';
import { coldContract } from './suite/cold.js';
import { cutoverContract } from './suite/cutover.js';
import { hotContract } from './suite/hot.js';
import type { Harness, Subject } from './suite/kit.js';
import { platformTaskContract } from './suite/platform-task.js';
import { poolContract } from './suite/pool.js';
import { powerContract } from './suite/power.js';
import { probesContract } from './suite/probes.js';
import { recordContract } from './suite/record.js';
import { sourceContract } from './suite/source.js';
import { stagedContract } from './suite/staged.js';
import { surveyContract } from './suite/survey.js';
import { trustContract } from './suite/trust.js';

export type { Harness, OutsideWorld, Subject } from './suite/kit.js';

/** A part of the contract: registers its tests; `h` gives the datacenter of the running test. */
export type Part = (subject: Subject, h: () => Harness) => void;

const parts: Readonly<Record<string, Part>> = {
  survey: surveyContract,
  probes: probesContract,
  hot: hotContract,
  cold: coldContract,
  staged: stagedContract,
  trust: trustContract,
  cutover: cutoverContract,
  'platform task': platformTaskContract,
  power: powerContract,
  source: sourceContract,
  record: recordContract,
  pool: poolContract,
};

/** Parts that are about one capability as a whole. */
const needs: Readonly<Record<string, (claimed: Capabilities) => boolean>> = {
  probes: ({ reachability }) => reachability === 'measured',
  trust: ({ increments }) => increments === 'driven',
  cutover: ({ separateStart }) => separateStart,
  'platform task': ({ increments }) => increments === 'platform',
  source: ({ keepsSource }) => keepsSource,
};

export function describeDriverContract(subject: Subject, only: readonly string[] = Object.keys(parts)): void {
  describe(`driver contract: ${subject.name}`, () => {
    let harness: Harness;
    beforeEach(async () => {
      harness = await subject.make();
    });
    afterEach(() => harness.close());
    for (const [name, part] of Object.entries(parts)) {
      if (only.includes(name) && (needs[name]?.(subject.capabilities) ?? true)) describe(name, () => part(subject, () => harness));
    }
  });
}
