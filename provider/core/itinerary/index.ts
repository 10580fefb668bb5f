export { ensureClaim } from './claim.js';
export { newRecord, refreshed, type Beginning } from './begin.js';
export { moveContext, type ContextParts } from './context.js';
export { canCancel, carryOut, type Carried } from './interpreter.js';
export { holdLease, type HeldLease, type LeaseTimes } from './lease.js';
export { isStopped, isTargetGone, keptText, ranOnBoth, seen, standing } from './reality.js';
export { twoCopies } from './start.js';
export type { Given, MoveContext, Reality, Step, StepResult, Undo } from './step.js';
export { undo } from './undo.js';
