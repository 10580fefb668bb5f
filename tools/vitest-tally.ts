import { writeFileSync } from 'node:fs';
import process from 'node:process';
import type { Reporter, TestModule } from 'vitest/node';

/** What a run of vitest came to, as tools/test.ts reads it. */
export interface Tally {
  projects: Record<string, { passed: number; failed: number }>;
  /** Faults outside any test: a file that does not load, a hook that throws, an unhandled rejection. */
  broken: string[];
  skipped: { test: string; reason: string }[];
  failed: { test: string; reason: string }[];
}

/** Writes the tally to the file that VMPLACEMENT_TALLY names. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    const file = process.env['VMPLACEMENT_TALLY'];
    if (file === undefined) return;
    const tally: Tally = { projects: {}, broken: unhandled.map(({ message }) => firstLine(message)), skipped: [], failed: [] };
    for (const module of modules) count(module, tally);
    writeFileSync(file, JSON.stringify(tally));
  }
}

function count(module: TestModule, tally: Tally): void {
  const counts = (tally.projects[module.project.name] ??= { passed: 0, failed: 0 });
  const place = `${module.project.name} ${module.relativeModuleId}`;
  const errors = [module.errors(), ...[...module.children.allSuites()].map((suite) => suite.errors())].flat();
  tally.broken.push(...errors.map(({ message }) => `${place}: ${firstLine(message)}`));
  for (const test of module.children.allTests()) {
    const result = test.result();
    switch (result.state) {
      case 'passed':
        counts.passed++;
        break;
      case 'failed':
        counts.failed++;
        tally.failed.push({ test: `${place}: ${test.fullName}`, reason: firstLine(result.errors[0]?.message ?? '') });
        break;
      case 'skipped':
        tally.skipped.push({ test: `${place}: ${test.fullName}`, reason: result.note ?? 'no reason given' });
        break;
      case 'pending':
        tally.broken.push(`${place}: ${test.fullName} did not end`);
        break;
    }
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}
