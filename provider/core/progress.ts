/** What is known of a staged move between two passes: the downtime to expect, and whether another pass is worth it. */
import type { Replication } from './driver.js';
import type { DirtyRate } from './inventory.js';
import { SHRINKS_TO, cutover } from './physics.js';
import type { MoveOptions } from './record.js';

export interface Projected {
  readonly pass: Replication;
  readonly verify: MoveOptions['verify'];
  readonly copiedBytes: number;
  readonly dirty: DirtyRate;
}

/** Downtime to expect if it were cut over now, ms; the same arithmetic as the estimate of the preview. */
export const projectedDowntime = ({ pass, verify, copiedBytes, dirty }: Projected): number =>
  Math.round(cutover({ verify, copiedBytes, dirty, bytesPerSecond: pass.bytesPerSecond }).downtimeMs(pass.dirtyBytes));

/** rules.md §6.3: the next increment would be less than 10 % smaller. The full copy says nothing about shrinking. */
export const stoppedShrinking = (pass: Replication): boolean => pass.kind === 'increment' && pass.dirtyBytes >= pass.bytes * SHRINKS_TO;
