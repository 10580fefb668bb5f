import process from 'node:process';
import type { TestProject } from 'vitest/node';
import { buildIfStale } from '../../tools/build.js';
import { installed } from '../../tools/installed.js';
import { ensurePulumi, pulumiPath, type PulumiCli } from '../../tools/pulumi-cli.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The CLI the engine tests run; it is first on PATH as well, so that the Automation API finds the same one. */
    pulumi: PulumiCli;
    /** A folder into which the packed package is installed, for programs that import it. */
    installed: string;
  }
}

/** Runs once before the engine tests: what they start as processes must be built, and there must be an engine to start. */
export default async function setup(project: TestProject): Promise<void> {
  buildIfStale();
  const cli = await ensurePulumi();
  process.env['PATH'] = pulumiPath(cli);
  process.env['PULUMI_SKIP_UPDATE_CHECK'] = 'true';
  project.provide('pulumi', cli);
  project.provide('installed', await installed());
}
