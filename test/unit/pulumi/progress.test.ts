import { describe, expect, test } from 'vitest';
import type { MoveEvent } from '../../../provider/core/events.js';
import { Cadence, progressText, routeText } from '../../../provider/pulumi/progress.js';

type Progress = Extract<MoveEvent, { kind: 'progress' }>;
const at = (bytes: number, more: Partial<Progress> = {}): Progress => ({
  kind: 'progress',
  vm: 'web-01',
  step: 'migrate',
  bytes,
  total: 1000,
  rate: 50,
  pass: 1,
  ...more,
});

describe('the text', () => {
  const route = routeText({ cluster: 'a', host: 'a1' }, { cluster: 'b', host: 'b1' });
  test.each([
    [at(380), '38% 12s left, hot copy (web-01 a1>b1)'],
    [at(0), '0% 20s left, hot copy (web-01 a1>b1)'],
    [at(999), '99% 20ms left, hot copy (web-01 a1>b1)'],
    [at(1000), '100% 0s left, hot copy (web-01 a1>b1)'],
    [at(1200), '100% 0s left, hot copy (web-01 a1>b1)'],
    [at(500, { rate: 0 }), '50%, hot copy (web-01 a1>b1)'],
    [at(0, { total: 0 }), '100% 0s left, hot copy (web-01 a1>b1)'],
    [at(500, { step: 'copy' }), '50% 10s left, cold copy (web-01 a1>b1)'],
    [at(500, { step: 'replicate' }), '50% 10s left, staged copy (web-01 a1>b1)'],
    [at(500, { step: 'replicate', pass: 3 }), '50% 10s left, increment 3 (web-01 a1>b1)'],
    [at(500, { step: 'await-go', pass: 3 }), '50% 10s left, increment 3 (web-01 a1>b1)'],
    [at(500, { step: 'finish', pass: 4 }), '50% 10s left, last increment (web-01 a1>b1)'],
  ])('%#: %s', (event, expected) => {
    expect(progressText(event, route)).toBe(expected);
  });
  test('two hosts of one name are told apart by their clusters', () => {
    expect(routeText({ cluster: 'a', host: 'h1' }, { cluster: 'b', host: 'h1' })).toBe(' a/h1>b/h1');
    expect(routeText(null, { cluster: 'b', host: 'h1' })).toBe('');
  });
});

describe('the cadence', () => {
  /** Seconds at which a copy of `seconds` that reports ten times a second is spoken of. */
  function spoken(seconds: number, event: (share: number) => Progress = (share) => at(share * 1000)): number[] {
    let now = 0;
    const cadence = new Cadence(() => now);
    const result: number[] = [];
    for (now = 0; now <= seconds * 1000; now += 100) {
      if (cadence.due(event(now / (seconds * 1000)))) result.push(now / 1000);
    }
    return result;
  }

  test('a copy of a few seconds is one line', () => {
    expect(spoken(5)).toEqual([0]);
  });
  test('a longer one is spoken of when a tenth is complete, less and less often', () => {
    expect(spoken(100)).toEqual([0, 10, 25, 47.5, 81.3]);
  });
  test('a very long one once a minute', () => {
    const times = spoken(3600);
    expect(times.slice(-3).map((time, index, all) => (index === 0 ? 60 : time - (all[index - 1] ?? 0)))).toEqual([60, 60, 60]);
    expect(times.length).toBeLessThan(70);
  });
  test('a new pass is spoken of at once, but passes without length only once a second', () => {
    const passes = spoken(3, (share) => at(500, { step: 'replicate', pass: Math.floor(share * 30) }));
    expect(passes).toEqual([0, 1, 2, 3]);
  });
  test('a wait that sends an increment a minute is spoken of as one thing', () => {
    const times = spoken(1200, (share) => at(1000, { step: 'await-go', pass: Math.floor(share * 20) + 2 }));
    expect(times.length).toBeLessThan(22);
    expect(times.slice(0, 3)).toEqual([0, 60, 120]);
  });
  test('a copy that stands still is spoken of once a minute', () => {
    expect(spoken(200, () => at(100))).toEqual([0, 60, 120, 180]);
  });
});
