import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compiled } from './compile.js';
import { playReally } from './real-processes.js';

const schedules = Number(process.env['VMPLACEMENT_PROCESS_SCHEDULES'] ?? 200);
const firstSeed = Number(process.env['VMPLACEMENT_SEED'] ?? 1);
/** They mostly wait for the clock. */
const atOnce = 8;

let folder = '';
beforeAll(() => void (folder = compiled(['provider', 'schema', 'test/simulation', 'test/unit/itinerary'])));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it(`${schedules} schedules with real processes on the file store: nothing is lost, nothing runs twice, all come to rest`, async () => {
  const seeds = Array.from({ length: schedules }, (_, index) => firstSeed + index);
  const failures: string[] = [];
  let killed = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const played = await playReally(join(folder, 'test/simulation/process.js'), seed);
        killed += played.killed;
        if (played.violations.length > 0) failures.push([...played.violations, ...played.history].join('\n'));
      }
    }),
  );
  console.log(
    `${schedules} schedules with real processes from seed ${firstSeed} on; ${killed} were killed, stopped, orphaned or interrupted`,
  );
  expect(failures).toEqual([]);
  // A run in which nothing was struck would show nothing.
  expect(killed).toBeGreaterThan(schedules / 4);
});
