/** The embedded datacenter as its own outside world sees it. */
import { formatDuration } from '../core/units.js';
import { count, paint, table, wrap, type Look } from './text.js';
import type { EmbeddedReport, EmbeddedVmNote } from './types.js';

export function embeddedText(report: EmbeddedReport, look: Look): string {
  const now = Date.parse(report.clock.now);
  const rows = report.vms.flatMap((vm) =>
    vm.copies.map((copy, index) => [index === 0 ? vm.name : '', copy.place, copy.power, copyNote(vm, copy, now)]),
  );
  const troubled = report.hosts.filter((host) => host.state !== 'connected').map((host) => `${host.place} ${host.state}`);
  const lines = [
    `${report.clock.kind} clock at ${report.clock.now}, style ${report.style}`,
    `store ${report.store}`,
    ...(troubled.length > 0 ? [`hosts: ${troubled.join(', ')}`] : []),
    ...report.troubles.map((trouble) => wrap(`fault: ${trouble}`, look.columns, 2)),
    '',
    table(['VM', 'PLACE', 'POWER', 'COPY'], rows, look),
    ...(report.transfers.length > 0 ? ['', ...report.transfers.map((one) => `${one.vm}: ${one.kind} ${one.stage} ${one.percent}%`)] : []),
    '',
    healthText(report, look),
  ];
  return `${lines.join('\n')}\n`;
}

function copyNote(vm: EmbeddedVmNote, copy: EmbeddedVmNote['copies'][number], now: number): string {
  const since = formatDuration(Math.max(0, now - Date.parse(copy.since)));
  const lack = copy.role !== 'live' || copy.lacks.length === 0 ? [] : [`lacks writes: ${copy.lacks.join('; ')}`];
  const step = copy.role === 'live' && vm.step !== null ? [vm.step] : [];
  const label = copy.role === 'live' ? [] : [copy.role];
  return [...label, ...(copy.blocked ? ['blocked'] : []), ...step, ...lack, `since ${since}`].join(', ');
}

/** Blocks are compared, not counted: what a running VM reads was written by its guest. */
function healthText(report: EmbeddedReport, look: Look): string {
  const others = report.violations.filter((violation) => violation.kind !== 'lost-write');
  const verified = `${count(report.vms.length, 'VM')} verified: lost writes: ${report.lostWrites}, other violations: ${others.length}`;
  const details = report.violations.map((violation) =>
    wrap(`  ${violation.at} ${violation.vm}: ${violation.kind}: ${violation.details}`, look.columns, 2),
  );
  return [paint(look, report.violations.length === 0 ? 'green' : 'red', verified), ...details].join('\n');
}
