/** The facade that all front doors use. */
export { applyPlacement } from './placement/apply.js';
export { previewPlacement } from './placement/deciding.js';
export { MoveFailed } from './placement/failed.js';
export { readQueue } from './placement/queue.js';
export { readPlacement } from './placement/read.js';
export { releasePlacement } from './placement/release.js';
export { annotateVm, cancelMove, confirmMove, resumeMove } from './placement/requests.js';
export { openSession, type Identity, type PlacementRun, type Session } from './placement/session.js';
