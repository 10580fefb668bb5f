import { describe, expect, it } from 'vitest';
import { hunt } from './mutate.js';
import { mutants } from './mutants.js';

describe('a broken rule is caught by random schedules', () => {
  it.for(mutants)('$name', async (mutant, { annotate }) => {
    const caught = await hunt(mutant, { seed: 1, runs: 4000 });
    expect(caught).not.toBeNull();
    await annotate(`after ${caught?.schedules ?? 0} schedules: ${caught?.by ?? ''}`);
  });
});
