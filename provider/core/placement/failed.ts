/** What a run throws when it failed after effects were made: the error, and the true state as it was read back. */
import { PlacementError } from '../errors.js';
import type { PlacementState } from '../state.js';

const brand = Symbol.for('vmplacement.move-failed');

export class MoveFailed extends PlacementError {
  readonly [brand] = true;
  readonly state: PlacementState;

  constructor(error: unknown, state: PlacementState) {
    const known = PlacementError.isInstance(error);
    super(known ? error.code : 'internal', error instanceof Error ? error.message : String(error), {
      vm: state.vm,
      ...(known && error.path !== undefined ? { path: error.path } : {}),
      cause: error,
    });
    this.name = 'MoveFailed';
    this.state = state;
  }

  static isMoveFailed(value: unknown): value is MoveFailed {
    return PlacementError.isInstance(value) && (value as unknown as Record<symbol, unknown>)[brand] === true;
  }
}
