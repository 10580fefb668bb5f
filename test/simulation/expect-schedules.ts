/** Random schedules as tests: 10 000 of both styles together, in pieces, so that a failing piece says its seed and ends soon. */
import process from 'node:process';
import { expect, it } from 'vitest';
import { campaign } from './campaign.js';
import type { Scenario } from './scenario.js';

const pieces = 5;
/** Of one style. */
const schedules = Number(process.env['VMPLACEMENT_SCHEDULES'] ?? 5000);
/** The same every time: what CI has seen once stays seen. Campaigns (main.ts) take other ones. */
const firstSeed = Number(process.env['VMPLACEMENT_SEED'] ?? 1);

export function expectSchedules(style: Scenario['style']): void {
  it.each(Array.from({ length: pieces }, (_, index) => firstSeed + index))(
    'seed %i: every invariant holds after every step',
    async (seed) => {
      const { failure } = await campaign({ style, seed, runs: Math.ceil(schedules / pieces) });
      expect(failure).toBeNull();
    },
  );
}
