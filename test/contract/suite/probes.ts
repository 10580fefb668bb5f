import { expect, test } from 'vitest';
import type { Driver, Probes } from '../../../provider/core/driver.js';
import { isUnknown } from '../../../provider/core/inventory.js';
import type { Part } from '../driver.js';
import { vmNamed } from './kit.js';

export const probesContract: Part = (_subject, h) => {
  test('given hosts that reach each other, then it is a yes, time and again', async () => {
    const { driver, from, near, far } = h();
    const { reach } = probesOf(driver);
    const answers = await Promise.all([near, far, near].map((to) => reach(from, to)));
    expect(answers.map(({ answer }) => answer)).toEqual(['yes', 'yes', 'yes']);
  });

  test('given a VM that runs, then its host and its like take its CPU, and asking changes nothing of it', async () => {
    const { driver, from, near, runner } = h();
    const before = await vmNamed(driver, runner);
    if (isUnknown(before.cpu) || before.cpu.definition === undefined) throw new Error('its CPU has no definition');
    const { definition } = before.cpu;
    const { cpu } = probesOf(driver);
    const answers = await Promise.all([from, near].map((host) => cpu(definition, host)));
    expect(answers.map(({ answer }) => answer)).toEqual(['yes', 'yes']);
    expect((await vmNamed(driver, runner)).copies).toEqual(before.copies);
  });
};

function probesOf({ probes }: Driver): Probes {
  if (probes === undefined) throw new Error('it says that it measures, and has no probes');
  return probes;
}
