/** How our texts look below the engine's `Diagnostics:`. */
import { wrap } from '../report/text.js';

/** The engine indents messages by up to four columns and breaks no line; legible at 80. */
const columns = 74;

export const lines = (text: string): string => wrap(text, columns, 2);

/** Every message names its VM: in `--diff` output nothing else does. */
export function naming(vm: string, text: string): string {
  return text.includes(vm) ? text : `${vm}: ${text}`;
}
