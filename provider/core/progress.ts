/** What is known of a staged move between two passes: the downtime to expect, and whether another pass is worth it. */
import type { Replication } from './driver.js';
import { DEFINE_AND_START_MS, SHRINKS_TO, transferMs } from './physics.js';
import type { MoveOptions } from './record.js';

/** Downtime to expect if it were cut over now, ms; the same arithmetic as the estimate of the preview. */
export function projectedDowntime(pass: Replication, options: Pick<MoveOptions, 'verify'>, copiedBytes: number): number {
  const perByte = { off: 1, increment: 2, full: 1 }[options.verify];
  const always = DEFINE_AND_START_MS + (options.verify === 'full' ? transferMs(copiedBytes, pass.bytesPerSecond) : 0);
  return Math.round(transferMs(pass.dirtyBytes * perByte, pass.bytesPerSecond) + always);
}

/** rules.md §6.3: the next increment would be less than 10 % smaller. The full copy says nothing about shrinking. */
export const stoppedShrinking = (pass: Replication): boolean => pass.kind === 'increment' && pass.dirtyBytes >= pass.bytes * SHRINKS_TO;
