/** The core and the driver, broken on purpose, one rule at a time. Each must be caught by random schedules, or these see nothing. */

export interface Mutant {
  readonly name: string;
  readonly style: 'driven' | 'task';
  /** Each text stands exactly once in its file. */
  readonly edits: readonly Edit[];
}

export interface Edit {
  readonly file: string;
  readonly replace: string;
  readonly by: string;
}

const core = (file: string, replace: string, by: string): Edit => ({ file: `provider/core/${file}`, replace, by });
const driver = (file: string, replace: string, by: string): Edit => ({ file: `provider/drivers/embedded/${file}`, replace, by });

const driven = (name: string, ...edits: readonly Edit[]): Mutant => ({ name, style: 'driven', edits });

/** A block that is missing is put back before anything is built on it: whoever shall be seen without one must not have that either. */
const notPutBack = core(
  'itinerary/block.ts',
  '  if (!ctx.driver.capabilities.blocksStart || source === null || source.blocked || !isStopped(source)) return reality;',
  '  if (source === null || !isStopped(source) || reality.at > 0) return reality;',
);

export const mutants: readonly Mutant[] = [
  driven(
    'the source is unblocked before the target was started',
    core(
      'itinerary/staged.ts',
      "  await ctx.save({ bytes: sentInAll(ctx, outcome), ...copiedDisksOf(vm) });\n  return 'next';",
      "  await ctx.save({ bytes: sentInAll(ctx, outcome), ...copiedDisksOf(vm) });\n  await unblockSource(ctx);\n  return 'next';",
    ),
    notPutBack,
  ),
  driven(
    'the source is not blocked at all',
    core('itinerary/block.ts', '  if (source.blocked) return before;', '  if (!source.blocked) return before;'),
    notPutBack,
  ),
  driven(
    'the bitmap of an increment counts before its flush',
    driver('transfers.ts', '  for (const disk of target.disks) disk.segments = flush(disk.segments);\n', ''),
  ),
  driven(
    'the last increment is left out',
    driver(
      'driven.ts',
      "  if (!isHeld(open)) beginPass(open, '', move.record.increment?.n ?? 0);",
      '  if (open.transfer.n === 0) beginPass(open, "", 0);',
    ),
  ),
  driven(
    'a declared go is not spent',
    core(
      'spent.ts',
      "declaredGo === undefined || declaredGo === null || declaredGo === 'hold' ? spentGo : declaredGo",
      "declaredGo === undefined || declaredGo === 'hold' ? spentGo : null",
    ),
  ),
  driven(
    'the lease is neither checked before an effect nor looked at in it',
    core(
      'itinerary/lease.ts',
      '      if (lost.signal.aborted) throw lost.signal.reason;',
      '      if (lost.signal.aborted && isHalted()) throw lost.signal.reason;',
    ),
    driver(
      'records.ts',
      '  if (held?.holder === holder && held.expiresAt > leaseNow(view, wallNow)) return;',
      '  if (held !== undefined || holder !== "") return;',
    ),
  ),
  driven(
    'the point of no return is not written down',
    core('itinerary/start.ts', "    await ctx.save(startingNow(reality));\n    return 'next';", "    return 'next';"),
  ),
  driven(
    'a guest that does not obey is powered off without force',
    core(
      'itinerary/staged.ts',
      "shutDown(ctx, reality, force ? 'force' : 'graceful-only')",
      "shutDown(ctx, reality, force ? 'force' : 'force')",
    ),
  ),
  driven(
    'a move is cancelled past the point of no return',
    core(
      'itinerary/interpreter.ts',
      '(!record.targetStarting && !hasArrived(reality, record, driver.capabilities));',
      '(record.startedAt !== "" && !hasArrived(reality, record, driver.capabilities));',
    ),
  ),
  driven(
    'a run whose parent has died goes on',
    core('itinerary/lease.ts', "  halt?.addEventListener('abort', giveUp, { once: true });", ''),
  ),
  driven('the target does not grow with its disk', driver('transfers.ts', '    disk.virtualBytes = truth.virtualBytes;\n', '')),
];
