/** What is said between this process and the one that copies an image for it. */
import type { ErrorCode } from '../../core/errors.js';
import type { Route } from './connection.js';
import type { ImageCopy } from './image-copy.js';
import type { CopyProgress } from './meter.js';

/** `noted` answers `durable`: what it told is written down, or could not be. */
export type ToCopier =
  | { readonly kind: 'copy'; readonly from: Route; readonly to: Route; readonly image: ImageOrder }
  | { readonly kind: 'noted'; readonly failed: boolean }
  | { readonly kind: 'stop' };

export type ImageOrder = Omit<ImageCopy, 'signal' | 'onProgress' | 'onRelayed' | 'onDurable'>;

export type FromCopier =
  | { readonly kind: 'progress'; readonly progress: CopyProgress }
  | { readonly kind: 'relayed'; readonly why: string }
  | { readonly kind: 'durable'; readonly offset: number }
  | { readonly kind: 'ended'; readonly error: CopyError | null };

export interface CopyError {
  readonly code: ErrorCode;
  readonly said: string;
  readonly next: string | undefined;
}
