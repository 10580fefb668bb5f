/** The closed family of errors. Branded, since several copies of the package may be loaded. */
const brand = Symbol.for('vmplacement.error');

export const errorCodes = [
  'input', // the declaration or the configuration is wrong; `path` names the property
  'blocked', // findings stop it; nothing was done
  'plan-changed', // reality no longer leads to the plan that was promised; nothing was done
  'platform', // the platform failed or refused
  'lease-lost', // another controller took over, or ours expired
  'conflict', // the record changed under us
  'interrupted', // asked to stop, stopped at a safe point
  'timeout',
  'not-possible', // the request cannot be carried out now (e.g. cancel after the point of no return)
  'internal',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetails {
  readonly vm?: string;
  readonly path?: string;
  /** The next command or action for the operator. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** What failed, on which VM and host, why, and what to do next: `message` holds all of it in words. */
export class PlacementError extends Error {
  readonly [brand] = true;
  readonly code: ErrorCode;
  readonly vm: string | undefined;
  readonly path: string | undefined;
  readonly next: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      details.next === undefined ? message : `${message} Next: ${details.next}`,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.name = 'PlacementError';
    this.code = code;
    this.vm = details.vm;
    this.path = details.path;
    this.next = details.next;
  }

  /** The message without the next step. */
  get said(): string {
    return this.next === undefined ? this.message : this.message.slice(0, -` Next: ${this.next}`.length);
  }

  static isInstance(value: unknown): value is PlacementError {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
  }
}

/** Somebody else controls the VM now: not one more effect, not one more write. */
export const isControlLost = (error: unknown): boolean =>
  PlacementError.isInstance(error) && (error.code === 'lease-lost' || error.code === 'conflict');
