/** What a command that acted tells a person: what was done, and the next command. */
import { wrap, type Look } from '../report/text.js';
import type { ActionReport } from '../report/types.js';

export function actionText(report: ActionReport, look: Look): string {
  const lines = [wrap(report.message.trim(), look.columns)];
  if (report.next !== null) lines.push(wrap(`Next: ${report.next}`, look.columns, 6));
  return `${lines.join('\n')}\n`;
}
