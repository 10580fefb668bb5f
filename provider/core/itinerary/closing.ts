/** How a move ends, well or cancelled: what must outlive it goes into the claim, annotation and record go. */
import { annotationAfterRetarget } from '../go.js';
import { shownGo } from '../shutdown-annotation.js';
import type { Claim, LastMove, MigrationRecord } from '../record.js';
import { spentAfter } from '../spent.js';
import { shallRun } from './start.js';
import type { MoveContext, Reality } from './step.js';

export interface Ending {
  /** null: the move did not take place, the VM keeps the last one that did. */
  readonly lastMove: LastMove | null;
  /** The target must not be started again by itself (`vmplacement cancel`). */
  readonly cancelled?: Claim['cancelled'];
  /** `keep`: the move failed and was put back; what stands on the VM still counts. `keep-hold`: another move follows at once. */
  readonly annotation?: 'keep' | 'keep-hold';
}

/** Claim, annotation, then the record: a crash in between leaves the record, and the next run does the rest. */
export async function endMove(ctx: MoveContext, reality: Reality, ending: Ending): Promise<void> {
  await writeEnding(ctx, reality, ending);
  await ctx.drop();
}

export async function writeEnding(ctx: MoveContext, { vm }: Reality, ending: Ending): Promise<void> {
  const { record, driver } = ctx;
  const stays = ending.annotation === 'keep' || (ending.annotation === 'keep-hold' && annotationAfterRetarget(vm).length > 0);
  if (vm.annotation.length > 0 && !stays) {
    await ctx.checkLease();
    await driver.annotate(vm.uuid, { shutdown: null, giver: record.stack });
  }
  await ctx.checkLease();
  const claim: Claim = {
    v: 1,
    stack: record.stack,
    urn: record.urn,
    spentGo: spentAfter(record),
    lastMove: ending.lastMove ?? vm.claim?.lastMove ?? null,
    cancelled: ending.cancelled ?? null,
  };
  await driver.claim(vm.uuid, claim, ctx.holder);
}

export function lastMoveOf(record: MigrationRecord, end: string): LastMove {
  const { moveId, method, from, to, startedAt, offAt, backAt, bytes, go, powerBefore } = record;
  const back = backAt ?? end;
  // A VM that was off before had no downtime; one that is left off after a shutdown (`startAfter: never`) until it was complete.
  const downtimeMs = offAt === null || powerBefore !== 'running' ? 0 : Math.max(0, Date.parse(back) - Date.parse(offAt));
  const leftOff = method !== 'hot' && powerBefore === 'running' && !shallRun(record);
  return {
    moveId,
    method,
    from,
    to,
    start: startedAt,
    end,
    downtimeMs,
    ...(leftOff ? { leftOff } : {}),
    bytes,
    go: go === null ? '' : goText(go),
  };
}

const goText = (go: NonNullable<MigrationRecord['go']>): string =>
  `${go.place}: ${shownGo(go).replaceAll('"', '')} by ${go.giver} at ${go.at}`;
