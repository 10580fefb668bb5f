import { describe, expect, it } from 'vitest';
import type { SurveyScope } from '../../../provider/core/driver.js';
import type { Inventory } from '../../../provider/core/inventory.js';
import { freshReadings } from '../../../provider/core/placement/fresh.js';

/** A platform whose readings begin at once and end when the test says so. */
function platform() {
  const begun: { scope: SurveyScope; signal: AbortSignal | undefined; end: () => void; fail: (error: Error) => void }[] = [];
  const survey = (scope: SurveyScope, signal?: AbortSignal): Promise<Inventory> =>
    new Promise((resolve, reject) => {
      const inventory: Inventory = { clusters: [], hosts: [], links: [], vms: [], observedAt: `reading ${begun.length + 1}` };
      begun.push({ scope, signal, end: () => resolve(inventory), fail: reject });
    });
  return { begun, survey };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a fresh reading', () => {
  it('is shared by those who ask at the same time', async () => {
    const { begun, survey } = platform();
    const fresh = freshReadings({ survey });
    const asked = [fresh({}), fresh({}), fresh({})];
    await turn();
    expect(begun).toHaveLength(1);
    begun[0]?.end();
    expect((await Promise.all(asked)).map(({ observedAt }) => observedAt)).toEqual(['reading 1', 'reading 1', 'reading 1']);
  });

  it('never began before it was asked for', async () => {
    const { begun, survey } = platform();
    const fresh = freshReadings({ survey });
    const early = fresh({});
    await turn();
    const late = [fresh({}), fresh({})];
    begun[0]?.end();
    expect((await early).observedAt).toBe('reading 1');
    await turn();
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    expect((await Promise.all(late)).map(({ observedAt }) => observedAt)).toEqual(['reading 2', 'reading 2']);
  });

  it('has the details that any of them needs', async () => {
    const { begun, survey } = platform();
    const fresh = freshReadings({ survey });
    const some = [fresh({ vms: ['a'] }), fresh({ vms: ['b', 'a'] })];
    await turn();
    expect(begun[0]?.scope).toEqual({ vms: ['a', 'b'] });
    const all = [fresh({ vms: ['c'] }), fresh({})];
    begun[0]?.end();
    await Promise.all(some);
    await turn();
    expect(begun[1]?.scope).toEqual({});
    begun[1]?.end();
    await Promise.all(all);
  });

  it('that fails fails for those who share it, and for nobody else', async () => {
    const { begun, survey } = platform();
    const fresh = freshReadings({ survey });
    const first = Promise.allSettled([fresh({}), fresh({})]);
    await turn();
    const second = fresh({});
    begun[0]?.fail(new Error('no answer'));
    expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    begun[1]?.end();
    expect((await second).observedAt).toBe('reading 2');
  });

  it('goes on for the others when one is interrupted, and ends when all are', async () => {
    const { begun, survey } = platform();
    const fresh = freshReadings({ survey });
    const [one, two] = [new AbortController(), new AbortController()];
    const asked = Promise.allSettled([fresh({}, one.signal), fresh({}, two.signal)]);
    await turn();
    one.abort(new Error('Ctrl-C'));
    await turn();
    expect(begun[0]?.signal?.aborted).toBe(false);
    two.abort(new Error('Ctrl-C'));
    expect((await asked).map((result) => result.status)).toEqual(['rejected', 'rejected']);
    expect(begun[0]?.signal?.aborted).toBe(true);
  });

  it('is not begun for whoever was interrupted before', async () => {
    const { begun, survey } = platform();
    const fresh = freshReadings({ survey });
    const first = fresh({});
    await turn();
    const interrupted = new AbortController();
    const second = fresh({}, interrupted.signal);
    interrupted.abort(new Error('Ctrl-C'));
    await expect(second).rejects.toThrow('Ctrl-C');
    const third = fresh({});
    begun[0]?.end();
    await first;
    await turn();
    expect(begun).toHaveLength(2);
    begun[1]?.end();
    expect((await third).observedAt).toBe('reading 2');
    await expect(fresh({}, AbortSignal.abort(new Error('Ctrl-C')))).rejects.toThrow('Ctrl-C');
  });
});
