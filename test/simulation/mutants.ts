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

export const mutants: readonly Mutant[] = [
  driven(
    'the source is unblocked before the target was started',
    core(
      'itinerary/staged.ts',
      "  await ctx.save({ bytes: sentInAll(ctx, outcome) });\n  return 'next';",
      "  await ctx.save({ bytes: sentInAll(ctx, outcome) });\n  await unblockSource(ctx);\n  return 'next';",
    ),
  ),
  driven(
    'the source is not blocked at all',
    core(
      'itinerary/block.ts',
      '  if (!source.blocked) {\n    await ctx.checkLease();',
      '  if (source.blocked) {\n    await ctx.checkLease();',
    ),
  ),
  driven(
    'the bitmap of an increment counts before its flush',
    driver('transfers.ts', '  for (const disk of target.disks) disk.segments = flush(disk.segments);\n', ''),
  ),
  driven(
    'an increment begins at a checkpoint that the target has never acknowledged',
    driver(
      'transfers.ts',
      'const previous = checkpointOf(source, transfer.moveId, transfer.n);',
      'const previous = source.checkpoints.at(-1);',
    ),
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
    'a source that ran in between does not make the increment void',
    core('itinerary/reality.ts', '  if (!isStopped(source)) return true;\n', '  if (!isStopped(source)) return false;\n'),
  ),
  driven(
    'a hold is not looked at again before the shutdown',
    core(
      'itinerary/staged.ts',
      'if (go === null || isHeldNow(ctx, reality) || !mayObey(ctx, go, reality)) {',
      'if (ctx.record.go === null) {',
    ),
    core('itinerary/staged.ts', '    await ctx.save({ go, stoppedByMove: true });', '    await ctx.save({ stoppedByMove: true });'),
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
      '  !record.targetStarting && !hasArrived(reality, record, driver.capabilities);',
      '  record.startedAt !== "" && !hasArrived(reality, record, driver.capabilities);',
    ),
  ),
  driven(
    'a run whose parent has died goes on',
    core('itinerary/lease.ts', "  halt?.addEventListener('abort', giveUp, { once: true });", ''),
  ),
  driven('a disk that was added after the last increment is forgotten', driver('driven.ts', ' || newDiskOf(open);', ';')),
  driven('the target does not grow with its disk', driver('transfers.ts', '    disk.virtualBytes = truth.virtualBytes;\n', '')),
  driven(
    'a run that does not know the plan stops the VM',
    core('itinerary/go-now.ts', 'ctx.given.mayStop || go.place', 'ctx.stack !== "" || go.place'),
  ),
  driven(
    'the source is removed before the target was read back',
    core('itinerary/cold.ts', '  readBack(phase, sourceRan),\n', ''),
    core('itinerary/staged.ts', '  readBack(phase, sourceRan),\n', ''),
    core(
      'itinerary/cold.ts',
      '  startTarget(phase, sourceRan),\n  retire(phase, sourceRan),\n',
      '  retire(phase, sourceRan),\n  startTarget(phase, sourceRan),\n',
    ),
    core(
      'itinerary/staged.ts',
      '  startTarget(phase, sourceRan),\n  retire(phase, sourceRan),\n',
      '  retire(phase, sourceRan),\n  startTarget(phase, sourceRan),\n',
    ),
  ),
  {
    name: 'the task of the platform is forgotten when its move is cancelled',
    style: 'task',
    edits: [
      driver(
        'task.ts',
        '    abortJob(view.dc, view.world, job);\n    delete view.world.jobs[job.moveId];\n  });\n}',
        '    delete view.world.jobs["none"];\n  });\n}',
      ),
    ],
  },
];
