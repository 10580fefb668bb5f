/** How our texts look below the engine's `Diagnostics:`. */
import { wrap } from '../report/text.js';

/** The engine indents messages by up to four columns and breaks no line; legible at 80. */
const columns = 74;

/** `lead`: columns that the engine's own word takes on the first line, e.g. "warning: ". */
export function lines(text: string, lead = 0): string {
  return wrap(`${'x'.repeat(lead)}${text}`, columns, 2).slice(lead);
}

/** A message and what to do about it, as sentences. */
export function sentences(message: string, suggestion: string): string {
  return suggestion === '' ? message : `${message}${/[.!?]$/.test(message) ? '' : '.'} ${suggestion}`;
}

/** Every message names its VM, and soon: in `--diff` output nothing else does. */
export function naming(vm: string, text: string): string {
  const name = new RegExp(`(?<![\\w.-])${vm.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w-])`);
  return name.test(text.slice(0, soon)) ? text : `${vm}: ${text}`;
}

const soon = 80;
