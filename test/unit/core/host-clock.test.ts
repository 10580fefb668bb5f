import { describe, expect, it, test } from 'vitest';
import { aheadMs, copyText, hostTime, isSameChange, platformTime } from '../../../provider/core/host-clock.js';
import { unknown, type Copy, type Inventory, type LastChange } from '../../../provider/core/inventory.js';
import { ranSince } from '../../../provider/core/itinerary/reality.js';
import { at, copy, host, hostsWith, inventory, now, place } from './builders.js';

const hour = 3_600_000;
const a1 = place('a/a1');
/** The clock of a1 is so far ahead. */
const skewed = (ms: number): Inventory => inventory({ hosts: hostsWith(host('a/a1', {}, { observedAt: at(ms) })) });

describe('the clock of a host', () => {
  it.each([hour, -hour, 0])('%i ms ahead: what it told, in the platform’s time', (ahead) => {
    const seen = skewed(ahead);
    expect([aheadMs(seen, a1), aheadMs(seen, place('b/b1'))]).toEqual([ahead, 0]);
    expect(platformTime(seen, a1, at(ahead - 60_000))).toBe(at(-60_000));
    expect(hostTime(seen, a1)).toBe(at(ahead));
    const text = copyText(copy('a/a1', { lastChange: { at: at(ahead - 60_000), cause: 'started' } }), seen);
    expect(text).toBe(`running on a/a1 since ${at(-60_000)}`);
  });

  it('that was set back in between: nothing lies in the future', () => expect(platformTime(skewed(0), a1, at(hour))).toBe(now));

  it('is not known of a host that did not answer', () => {
    const unread = inventory({ hosts: hostsWith(host('a/a1', {}, { observedAt: at(hour), facts: unknown('no answer') })) });
    expect([aheadMs(unread, a1), hostTime(unread, a1), hostTime(unread, place('a/a9'))]).toEqual([0, null, null]);
  });
});

describe('a change is the same one', () => {
  const shutdown: LastChange = { at: at(-1000), cause: 'guest-shutdown', began: at(-2000) };
  test.each<[string, LastChange, boolean]>([
    ['told again', { ...shutdown }, true],
    ['told with another offset', { ...shutdown, at: at(-1000).replace('Z', '+00:00') }, true],
    ['another time', { ...shutdown, at: at(-hour) }, false],
    ['another cause in the same second', { ...shutdown, cause: 'destroyed' }, false],
    ['began at another time', { ...shutdown, began: at(-3000) }, false],
    ['it is not told when it began', { at: shutdown.at, cause: shutdown.cause }, false],
  ])('%s: %s', (_what, other, same) => expect(isSameChange(shutdown, other)).toBe(same));
});

describe('the source ran since it had read off', () => {
  const change: LastChange = { at: at(-1000), cause: 'guest-shutdown', began: at(-2000) };
  const off = (over: Partial<Copy> = {}): Copy => copy('a/a1', { power: 'off', lastChange: change, ...over });
  const read = { offAt: at(-1000), offChange: change };
  const silent = unknown('the platform does not tell');
  test.each<[string, Copy, Parameters<typeof ranSince>[1], boolean]>([
    ['off, and nothing changed', off(), read, false],
    ['it runs', off({ power: 'running' }), read, true],
    ['off again, later', off({ lastChange: { ...change, at: at(0) } }), read, true],
    ['off again, its clock was set back by an hour', off({ lastChange: { ...change, at: at(-hour) } }), read, true],
    ['off, and never read off (or taken back)', off(), { offAt: null, offChange: null }, true],
    ['off, never told', off({ lastChange: silent }), { offAt: now, offChange: null }, false],
    ['off, told only now', off(), { offAt: now, offChange: null }, true],
    ['off, not told any more, blocked', off({ lastChange: silent, blocked: true }), read, false],
    ['off, not told any more, and anybody could start it', off({ lastChange: silent }), read, true],
    ['a record of before: off since then', off(), { offAt: at(-1000) }, false],
    ['a record of before: off again', off({ lastChange: { ...change, at: at(0) } }), { offAt: at(-1000) }, true],
  ])('%s', (_what, source, record, ran) => expect(ranSince(source, record)).toBe(ran));
});
