/** A status report for a person: a table of all, or the details of one. */
import { command } from '../core/command.js';
import { formatBytes, formatDuration } from '../core/units.js';
import { count, field, paint, table, wrap, type Look, type Style } from './text.js';
import type { GoNote, LastMoveNote, StatusEntry, StatusReport, TurnNote } from './types.js';
import type { Phase } from '../core/record.js';

export function statusText(report: StatusReport, look: Look, options: { readonly one: boolean; readonly all: boolean }): string {
  const now = Date.parse(report.observedAt);
  const unread =
    report.unreadHosts.length > 0
      ? [wrap(`warning: not read: ${report.unreadHosts.join(', ')}. VMs may be there that are not listed.`, look.columns, 2)]
      : [];
  const body = options.one
    ? report.placements.map((entry) => detailText(entry, report.turns, now, look))
    : listText(report, now, look, options.all);
  return `${[...unread, ...body].join('\n')}\n`;
}

function listText(report: StatusReport, now: number, look: Look, all: boolean): string[] {
  const rest =
    !all && report.unmanaged.length > 0
      ? [
          `${count(report.unmanaged.length, 'VM')} of ${report.datacenter.source} ${report.unmanaged.length === 1 ? 'has' : 'have'} no placement (--all shows ${report.unmanaged.length === 1 ? 'it' : 'them'}).`,
        ]
      : [];
  const waiting = report.turns.flatMap(({ vm, waitsFor }) => (waitsFor === null ? [] : [wrap(`${vm}: ${waitsFor}`, look.columns, 2)]));
  const queue = waiting.length > 0 ? ['', 'Waiting for a turn to move:', ...waiting] : [];
  if (report.placements.length === 0)
    return [...['No VM has a placement yet.', ...rest].map((line) => wrap(line, look.columns, 2)), ...queue];
  const rows = report.placements.map((entry) => [entry.vm, entry.place, entry.power, entry.phase, progressOf(entry, now)]);
  const next = report.placements.flatMap((entry) => nextOf(entry).map((line) => wrap(`${entry.vm}: ${line}`, look.columns, 2)));
  return [
    table(['VM', 'PLACE', 'POWER', 'PHASE', 'PROGRESS'], rows, look),
    ...(next.length > 0 ? ['', 'Next (vmplacement status VM says more):', ...next] : []),
    ...queue,
    ...(rest.length > 0 ? ['', ...rest.map((line) => wrap(line, look.columns, 2))] : []),
  ];
}

/** The next command in few words; the details have it in full. */
function nextOf(entry: StatusEntry): string[] {
  switch (entry.phase) {
    case 'Settled':
      return entry.message === '' ? [] : [entry.message];
    case 'AwaitingConfirmation':
      return [command('confirm', entry.vm)];
    case 'AwaitingShutdown':
      return entry.goes.some((go) => go.state !== 'spent')
        ? [`pulumi up (go: ${entry.goes.map((go) => go.value).join(', ')})`]
        : [`${command('annotate', entry.vm, 'shutdown=now')}, then pulumi up`];
    case 'Parked':
      return ['pulumi up'];
    case 'Migrating':
    case 'Replicating':
    case 'CuttingOver':
      return entry.lease === null ? ['pulumi up (nobody works on it now)'] : [`${entry.lease.holder} works on it`];
    case 'Failed':
      return [entry.message];
  }
}

/** In a few words: how far a move is, what is kept, or which move was the last. */
function progressOf(entry: StatusEntry, now: number): string {
  const { replication, keptSource, lastMove } = entry;
  if (entry.pending !== null) {
    const sent = replication === null ? '' : `, ${count(replication.increments, 'increment')}, ${formatBytes(replication.bytes)} sent`;
    return `${entry.method ?? 'move'} to ${entry.pending}${sent}`;
  }
  if (keptSource !== null) return `source kept on ${keptSource.place} for ${age(keptSource.since, now)}, ${formatBytes(keptSource.bytes)}`;
  return lastMove === null ? '-' : `${lastMove.method} from ${lastMove.from}, ${age(lastMove.end, now)} ago`;
}

const phaseStyle: Readonly<Record<Phase, Style>> = {
  Settled: 'green',
  Migrating: 'cyan',
  Replicating: 'cyan',
  AwaitingShutdown: 'yellow',
  CuttingOver: 'cyan',
  AwaitingConfirmation: 'yellow',
  Parked: 'yellow',
  Failed: 'red',
};

function detailText(entry: StatusEntry, turns: readonly TurnNote[], now: number, look: Look): string {
  const line = (label: string, text: string): string => field(label, text, look, 14);
  const { replication, lastMove, keptSource } = entry;
  const lines = [
    `${paint(look, 'bold', entry.vm)}: ${paint(look, phaseStyle[entry.phase], entry.phase)}`,
    line('place', `${entry.place}, ${entry.power}`),
    line('uuid', entry.vmId),
  ];
  if (entry.owner !== null) lines.push(line('stack', entry.owner));
  if (entry.pending !== null) {
    const step = entry.step === null ? '' : `, at step ${entry.step}`;
    lines.push(line('under way', `${entry.method ?? 'move'} ${entry.place} -> ${entry.pending}${step}${since(entry.startedAt, now)}`));
  }
  if (replication !== null) {
    lines.push(
      line(
        'replicated',
        `${count(replication.increments, 'increment')}, ${formatBytes(replication.bytes)}; last ${formatBytes(replication.lastIncrementBytes)}, ${age(replication.lastIncrementAt, now)} ago`,
      ),
    );
    lines.push(line('downtime', `about ${formatDuration(replication.projectedDowntimeMs)} if the go came now`));
  }
  for (const go of entry.goes) lines.push(line('go', goText(go)));
  if (keptSource !== null)
    lines.push(line('kept source', `${keptSource.place}, ${formatBytes(keptSource.bytes)}, for ${age(keptSource.since, now)}`));
  if (lastMove !== null) {
    lines.push(
      line('last move', `${lastMove.method} ${lastMove.from} -> ${lastMove.to}, ended ${lastMove.end} (${age(lastMove.end, now)} ago)`),
    );
    lines.push(
      line('', `${formatBytes(lastMove.bytes)} sent, ${downtimeText(lastMove)}${lastMove.go === '' ? '' : `; go: ${lastMove.go}`}`),
    );
  }
  for (const { vm, waitsFor } of turns) if (vm === entry.vm && waitsFor !== null) lines.push(line('waits', `for a turn: ${waitsFor}`));
  if (entry.lease !== null) lines.push(line('worked on by', `${entry.lease.holder}, until ${entry.lease.expiresAt} unless renewed`));
  for (const finding of entry.findings) lines.push(line(finding.severity, `${finding.code}: ${finding.message}`));
  if (entry.message !== '') lines.push(line('next', entry.message));
  return lines.join('\n');
}

function downtimeText({ method, downtimeMs, leftOff }: LastMoveNote): string {
  if (leftOff === true) return `left off as declared (startAfter: never), complete ${formatDuration(downtimeMs)} after its shutdown`;
  if (downtimeMs === 0) return 'no downtime';
  return `${method === 'hot' ? 'stood still for' : 'off for'} ${formatDuration(downtimeMs)}`;
}

function goText(go: GoNote): string {
  switch (go.state) {
    case 'taken':
      return `${go.value} (${placeOfGo[go.place]}) by ${go.giver} at ${go.at}: the move acts on it`;
    case 'given':
      return `${go.value} (${placeOfGo[go.place]}) by ${go.giver} at ${go.at}`;
    case 'spent':
      return `${go.value} (declared): used by an earlier move, ignored until it changes`;
  }
}

const placeOfGo: Readonly<Record<GoNote['place'], string>> = {
  declared: 'declared in the stack',
  vm: 'set on the VM',
  guest: 'the guest was shut down',
  allowShutdown: 'allowShutdown',
};

const since = (at: string | null, now: number): string => (at === null ? '' : `, since ${age(at, now)}`);
const age = (at: string, now: number): string => formatDuration(Math.max(0, now - Date.parse(at)));
