import { describe, expect, test } from 'vitest';
import type { Power } from '../../../provider/core/inventory.js';
import { loggedPower, powerLogOf } from '../../../provider/drivers/libvirt/power-log.js';

const started = '2026-11-27 14:26:53.503+0000: starting up libvirt version: 9.0.0, package: 9.0.0-4, hostname: host-a';
const stopped = (reason: string): string => `2026-11-27 15:27:06.076+0100: shutting down, reason=${reason}`;
const logged = (...lines: readonly string[]) => powerLogOf(lines.map((line) => `/var/log/libvirt/qemu/web 01: x.log:${line}`).join('\n'));
const told = (log = logged(started), power: Power = 'running', madeMs: number | null = null) =>
  loggedPower(log, { name: 'web 01: x', power, madeMs });

test('a VM that runs does so since its last start', () => {
  expect(told(logged(started, stopped('destroyed'), started.replace('14:26', '14:40')))).toEqual({
    power: 'running',
    lastChange: { at: '2026-11-27T14:40:53.503Z', cause: 'started' },
  });
});

describe('a VM that is off tells why', () => {
  const at = '2026-11-27T14:27:06.076Z';
  test.each([
    ['shutdown', { power: 'off', lastChange: { at, cause: 'guest-shutdown', began: at } }],
    ['destroyed', { power: 'off', lastChange: { at, cause: 'destroyed' } }],
    ['migrated', { power: 'off', lastChange: { at, cause: 'migrated' } }],
    ['crashed', { power: 'crashed', lastChange: { at, cause: 'crashed' } }],
    ['daemon', { power: 'off', lastChange: { at, cause: 'unknown' } }],
  ])('%s', (reason, expected) => {
    expect(told(logged(started, stopped(reason)), 'off')).toEqual(expected);
  });

  test('given no word of its end, then the cause is unknown: no shutdown of the guest', () => {
    expect(told(logged(started), 'off').lastChange).toEqual({ at: '2026-11-27T14:26:53.503Z', cause: 'unknown' });
  });
});

test('a start that failed is no change: what was before it still holds', () => {
  const failed = [started.replace('14:26', '16:00'), stopped('failed').replace('15:27', '17:00')];
  expect(told(logged(started, stopped('shutdown'), ...failed, ...failed), 'off')).toEqual(
    told(logged(started, stopped('shutdown')), 'off'),
  );
  expect(told(logged(...failed), 'off').lastChange).toEqual({ unknown: 'it has never run on this host' });
});

test('a copy that was made after an earlier life of the same name has changed when it was made', () => {
  const labelled = Date.parse('2026-11-27T15:00:00Z');
  for (const log of [
    logged(started, stopped('crashed')),
    powerLogOf('grep: /var/log/libvirt/qemu/web 01: x.log: No such file or directory'),
  ])
    expect(told(log, 'off', labelled)).toEqual({ power: 'off', lastChange: { at: '2026-11-27T15:00:00.000Z', cause: 'unknown' } });
  expect(told(logged(started, stopped('destroyed')), 'off', Date.parse('2026-11-27T14:00:00Z')).lastChange).toMatchObject({
    cause: 'destroyed',
  });
});

test('what could not be read, or does not fit, is unknown', () => {
  const denied = powerLogOf('grep: /var/log/libvirt/qemu/web 01: x.log: Permission denied');
  expect(told(denied, 'off', 1)).toEqual({ power: 'off', lastChange: { unknown: expect.stringContaining('could not be read') } });
  expect(told(logged(started, stopped('destroyed')), 'running').lastChange).toEqual({ unknown: expect.any(String) });
  expect(told(powerLogOf('sudo: a password is required'), 'off').lastChange).toEqual({ unknown: expect.any(String) });
});

test("words of a guest's own in the log are no entries", () => {
  expect(told(logged(started, 'qemu: starting up libvirt 2026-11-27 shutting down, reason=shutdown'))).toEqual(told());
});
