/** What is said between this process and one that carries the content of a disk for it. */
import type { ErrorCode } from '../../core/errors.js';
import type { Route } from './connection.js';

/** A served image, as any process of this machine can reach it. */
export interface End {
  /** On its host. */
  readonly socket: string;
  /** For a person. */
  readonly about: string;
}

/** Each is answered, with the same id. */
export type Asked = { readonly id: number } &
  /** The logins, before the images are served. */
  (
    | { readonly kind: 'reach'; readonly source: Route; readonly target: Route }
    | { readonly kind: 'open'; readonly source: End; readonly target: End }
    | { readonly kind: 'carry'; readonly offset: number; readonly bytes: number }
    | { readonly kind: 'flush' }
  );

export interface Answer {
  readonly id: number;
  readonly error?: { readonly code: ErrorCode; readonly said: string; readonly next: string | undefined };
}
