/** How long the platform's own acts take. Their sum is what the estimate counts (core/physics.ts). */
import { DEFINE_AND_START_MS } from '../../core/physics.js';

export const DEFINE_MS = DEFINE_AND_START_MS / 2;
export const START_MS = DEFINE_AND_START_MS - DEFINE_MS;
