/** What is read anew before a decision: everything, unless the VM's own reading says that it stays. */
import { expect, it } from 'vitest';
import type { SurveyScope } from '../../../provider/core/driver.js';
import { applyPlacement, previewPlacement, type Session } from '../../../provider/core/placement.js';
import { Lab, urn, want } from './lab.js';

/** A process with its one survey made, and the readings that it makes from then on. */
async function previewed(
  lab: Lab,
  host: string,
): Promise<{ readonly session: Session; readonly promised: string; readonly read: SurveyScope[] }> {
  const read: SurveyScope[] = [];
  const session = lab.session((driver) => ({
    ...driver,
    survey: (scope, signal) => {
      read.push(scope);
      return driver.survey(scope, signal);
    },
  }));
  const { summary } = await previewPlacement(session, urn, want(host));
  read.length = 0;
  return { session, promised: summary, read };
}

it('of a VM that stays: itself, and itself once more for the outputs', async () => {
  const lab = new Lab();
  const { session, promised, read } = await previewed(lab, 'a1');
  await applyPlacement(session, urn, want('a1'), promised, lab.run());
  const { uuid } = await lab.vm();
  expect(read).toEqual([{ vms: ['web-01'] }, { vms: [uuid] }]);
});

it('of a VM that moves: everything', async () => {
  const lab = new Lab();
  const { session, promised, read } = await previewed(lab, 'n1');
  await applyPlacement(session, urn, want('n1'), promised, lab.run());
  expect(read[0]).toEqual({});
});

it('of a VM that was to stay and has been moved since: itself, then everything, and nothing is done', async () => {
  const lab = new Lab();
  const { session, promised, read } = await previewed(lab, 'a1');
  await lab.outside.move('web-01', 'n1');
  await expect(applyPlacement(session, urn, want('a1'), promised, lab.run())).rejects.toThrow(/reality changed since the preview/);
  expect(read).toEqual([{ vms: ['web-01'] }, {}]);
  expect((await lab.vm()).claim).toBeNull();
});
