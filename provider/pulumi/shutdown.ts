/**
 * When to end. The plugin leads a process group of its own, so that neither a terminal's Ctrl-C nor its hang-up reaches it, and a
 * killed CLI leaves it alone with a move at work: it must notice by itself, stop at a safe point and go.
 */
import { fstatSync } from 'node:fs';
import process from 'node:process';
import type { RunningServer } from './server.js';

/** The engine kills 5 s after its interrupt. What is not at a safe point by then is continued from the record by the next run. */
const budgetMs = 4500;

export function endWithParent(server: RunningServer): void {
  let ending = false;
  const end = (why: string) => {
    if (ending) return;
    ending = true;
    void finish(server, why);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(`Interrupted (${signal}).`));
  if (stdinIsOurParents()) {
    process.stdin.on('end', () => end('The engine is gone.'));
    process.stdin.on('close', () => end('The engine is gone.'));
    process.stdin.on('error', () => end('The engine is gone.'));
    process.stdin.resume();
  }
}

async function finish(server: RunningServer, why: string): Promise<void> {
  const { running, datacenter, log } = server.plugin;
  const late = setTimeout(() => process.exit(1), budgetMs);
  running.abort(why);
  await running.whenIdle();
  // One more turn: an answer that was just made is to leave before the connection goes.
  await new Promise((resolve) => setImmediate(resolve));
  try {
    await (await datacenter)?.driver.close();
  } catch {
    // It could not be opened, or not be closed: there is nobody left to tell, and the process ends anyway.
  }
  log.close();
  server.stop();
  clearTimeout(late);
  process.exit(0);
}

/** A terminal or a file on stdin says nothing about the parent, e.g. when a person starts the plugin to debug it. */
function stdinIsOurParents(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isSocket();
  } catch {
    return false; // no stdin at all
  }
}
