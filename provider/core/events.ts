/** The one union of events: the only source for the engine's log, CLI lines, terminal bars and reports (design.md §5). */
import type { Phase } from './record.js';

interface Base {
  readonly vm: string;
}
export type MoveEvent =
  | (Base & { readonly kind: 'start'; readonly step: string; readonly message: string })
  | (Base & {
      readonly kind: 'progress';
      readonly step: string;
      readonly bytes: number;
      readonly total: number;
      /** Bytes per second. */
      readonly rate: number;
      /** 1 = full copy, 2.. = increments or memory passes. */
      readonly pass: number;
      /** Milliseconds; absent where the method has none to project. */
      readonly projectedDowntimeMs?: number;
    })
  | (Base & { readonly kind: 'notice'; readonly message: string })
  | (Base & { readonly kind: 'warning'; readonly message: string })
  | (Base & { readonly kind: 'end'; readonly step: string; readonly phase: Phase; readonly message: string });

export type EventSink = (event: MoveEvent) => void;
