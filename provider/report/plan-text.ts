/** A plan report for a person. */
import type { Finding, Severity } from '../core/finding.js';
import { count, field, paint, wrap, type Look, type Style } from './text.js';
import type { CandidateNote, Outlook, PlanEntry, PlanReport } from './types.js';

export function planText(report: PlanReport, look: Look, options: { readonly candidates: boolean } = { candidates: false }): string {
  const head = `${report.declaredIn}, on ${report.datacenters.map((datacenter) => datacenter.source).join(' and ')}`;
  const unread =
    report.unreadHosts.length > 0
      ? [`warning: not read: ${report.unreadHosts.join(', ')}. VMs may be there that this plan does not know.`]
      : [];
  const blocks = report.placements.map((entry) => entryText(entry, look, options.candidates));
  const notes = [...unread, ...report.notes].map((note) => wrap(note, look.columns, 2));
  return `${[wrap(head, look.columns, 2), ...notes, ...group(blocks), summaryText(report, look)].join('\n')}\n`;
}

/** Placements of one line follow each other; a block of several lines stands apart. */
function group(blocks: readonly string[]): string[] {
  const lines: string[] = [''];
  blocks.forEach((block, index) => {
    const apart = block.includes('\n') || (blocks[index - 1]?.includes('\n') ?? false);
    if (index > 0 && apart) lines.push('');
    lines.push(block);
  });
  return [...lines, ''];
}

function entryText(entry: PlanEntry, look: Look, candidates: boolean): string {
  const title = entry.name === entry.vm ? entry.vm : `${entry.vm} (${entry.name})`;
  const head = `${paint(look, 'bold', title)}: ${paint(look, outlookStyle[entry.outlook], headline(entry))}`;
  const lines = [head];
  // A refusal's sentence only repeats its blockers.
  const repeats = entry.outlook === 'unchanged' || (entry.action === 'blocked' && entry.findings.length > 0);
  if (entry.sentence !== '' && !repeats) lines.push(field('why', entry.sentence, look));
  lines.push(...estimateLines(entry, look));
  for (const problem of entry.problems) lines.push(field('input', `${problem.path}: ${problem.message}`, look));
  for (const finding of shownFindings(entry)) lines.push(...findingLines(finding, entry, look));
  if (candidates || (entry.action === 'blocked' && entry.candidates.length > 1))
    lines.push(...entry.candidates.map((candidate) => candidateLine(candidate, entry, look)));
  if (entry.unknownInputs.length > 0)
    lines.push(field('not known', `${entry.unknownInputs.join('; ')} (only the engine computes it)`, look));
  for (const hint of entry.hints) lines.push(field('hint', hint, look));
  return lines.join('\n');
}

const outlookStyle: Readonly<Record<Outlook, Style>> = { unchanged: 'dim', change: 'cyan', pending: 'yellow', refused: 'red' };

function headline(entry: PlanEntry): string {
  const way = `${entry.method ?? ''} ${entry.from ?? '?'} -> ${entry.to ?? '?'}`.trim();
  const stops = entry.willStopVm ? ', stops the VM' : '';
  switch (entry.action) {
    case 'none':
      return `nothing to do, on ${entry.from ?? entry.to ?? '?'}${entry.phase === null ? '' : ` (${entry.phase})`}`;
    case 'move':
      return `move ${way}${stops}`;
    case 'continue':
      return `goes on ${way}${entry.phase === null ? '' : ` (${entry.phase})`}${stops}`;
    case 'cancel':
    case 'retarget':
    case 'settle':
      return `${entry.summary}${stops}`;
    case 'blocked':
      return `refused${entry.to === null ? '' : `, ${way}`}`;
    case 'error':
      return 'cannot be judged';
    case 'invalid':
      return 'the declaration is wrong';
    case 'unknown':
      return 'not decided';
  }
}

/** The figures stand in the sentence; this says how far they can be trusted. */
function estimateLines(entry: PlanEntry, look: Look): string[] {
  const said = entry.findings.some((finding) => finding.code === 'downtime-estimate');
  return entry.estimate === null || said ? [] : [field('based on', entry.estimate.basis.join('; '), look)];
}

const severityStyle: Readonly<Record<Severity, Style>> = { blocker: 'red', warning: 'yellow', notice: 'dim' };
const weight: Readonly<Record<Severity, number>> = { blocker: 0, warning: 1, notice: 2 };

/** Blockers first; what a move would bring is of no interest where there is none. */
const shownFindings = (entry: PlanEntry): Finding[] =>
  bySeverity(entry.findings).filter((finding) => entry.outlook !== 'refused' || finding.severity !== 'notice');
const bySeverity = (findings: readonly Finding[]): Finding[] => [...findings].sort((a, b) => weight[a.severity] - weight[b.severity]);

function findingLines(finding: Finding, entry: PlanEntry, look: Look): string[] {
  const known = [entry.vm, entry.to].some((name) => name !== null && finding.subject.endsWith(` ${name}`));
  const about = known || finding.message.includes(finding.subject.split(' ').at(-1) ?? '') ? '' : `${finding.subject}: `;
  // Painted after laying out: colour codes have no width.
  const line = field(finding.severity, `${finding.code}: ${about}${finding.message}`, look).replace(`${finding.severity}:`, (label) =>
    paint(look, severityStyle[finding.severity], label),
  );
  return finding.suggestion === '' ? [line] : [line, field('', `-> ${finding.suggestion}`, look)];
}

function candidateLine(candidate: CandidateNote, entry: PlanEntry, look: Look): string {
  const blockers = candidate.findings.filter((finding) => finding.severity === 'blocker');
  const chosen = entry.action !== 'blocked' && candidate.place === entry.to;
  const method = candidate.method ?? 'no method';
  const verdict = blockers.length > 0 ? blockers.map((finding) => finding.code).join(', ') : `${method}${chosen ? ', chosen' : ''}`;
  return field('candidate', `${candidate.place}: ${verdict}`, look);
}

function summaryText(report: PlanReport, look: Look): string {
  const { change, pending, unchanged, refused, total } = report.summary;
  if (total === 0) return 'No placements.';
  const parts = [
    ...(change > 0 ? [`${change} to change`] : []),
    ...(pending > 0 ? [`${pending} pending`] : []),
    ...(unchanged > 0 ? [`${unchanged} unchanged`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ];
  const next = change > 0 ? '\nNothing was touched; `pulumi up` carries it out.' : '';
  return wrap(`${count(total, 'placement')}: ${parts.join(', ')}.${next}`, look.columns);
}
