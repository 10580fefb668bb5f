import { describe, expect, test } from 'vitest';
import type { MoveEvent } from '../../../provider/core/events.js';
import { eventLine, lineGate } from '../../../provider/report/events-text.js';

const GiB = 1024 ** 3;
const progress = (bytes: number, more: Partial<Extract<MoveEvent, { kind: 'progress' }>> = {}): MoveEvent => ({
  kind: 'progress',
  vm: 'web-01',
  step: 'copy',
  bytes,
  total: 10 * GiB,
  rate: GiB / 10,
  pass: 1,
  ...more,
});

describe('an event as a line', () => {
  test.each<[MoveEvent, string]>([
    [{ kind: 'start', vm: 'web-01', step: 'copy', message: 'copying 10 GiB' }, 'web-01: copy: copying 10 GiB'],
    [progress(4 * GiB), 'web-01: copy 40% of 10 GiB, 102 MiB/s, 1m left'],
    [
      progress(4 * GiB, { pass: 3, projectedDowntimeMs: 2500 }),
      'web-01: copy 40% of 10 GiB, pass 3, 102 MiB/s, 1m left, downtime if cut over now 2.5s',
    ],
    [progress(10 * GiB, { rate: 0 }), 'web-01: copy 100% of 10 GiB'],
    [progress(10 * GiB - 1, { rate: 0 }), 'web-01: copy 99% of 10 GiB'],
    [{ kind: 'notice', vm: 'web-01', message: 'the pass is over' }, 'web-01: the pass is over'],
    [{ kind: 'warning', vm: 'web-01', message: 'web-01 does not obey' }, 'warning: web-01 does not obey'],
    [{ kind: 'end', vm: 'web-01', step: 'settle', phase: 'Settled', message: 'web-01: runs on a/a2' }, 'web-01: settle: runs on a/a2'],
  ])('%#: %j', (event, line) => {
    expect(eventLine(event)).toBe(line);
  });
});

describe('which progress is worth a line', () => {
  test('given a fast copy, then only its beginning is', () => {
    const gate = lineGate(() => 0);
    expect([0, 1, 2, 3, 9, 10].map((n) => gate(progress(n * GiB)))).toEqual([true, false, false, false, false, false]);
  });

  test('given a slow copy, then every tenth is, and each wait is longer than the one before', () => {
    let now = 0;
    const gate = lineGate(() => now, { firstMs: 10_000, mostMs: 60_000 });
    const said: number[] = [];
    for (let second = 0; second <= 400; second += 1) {
      now = second * 1000;
      if (gate(progress((second / 400) * 10 * GiB))) said.push(second);
    }
    expect(said).toEqual([0, 40, 80, 120, 180, 240, 300, 360]);
  });

  test('given another pass, another VM or another kind of event, then it is shown at once', () => {
    const gate = lineGate(() => 0);
    expect(gate(progress(0))).toBe(true);
    expect(gate(progress(0, { pass: 2 }))).toBe(true);
    expect(gate(progress(0, { vm: 'db-01' }))).toBe(true);
    expect(gate({ kind: 'warning', vm: 'web-01', message: 'slow' })).toBe(true);
  });
});
