/**
 * When to end. The plugin leads a process group of its own, so that neither a terminal's Ctrl-C nor its hang-up reaches it, and a
 * killed CLI leaves it alone with a move at work: it must notice by itself, stop and go.
 */
import { fstatSync } from 'node:fs';
import process from 'node:process';
import type { Plugin } from './plugin.js';

/** The engine kills 5 s after its interrupt. */
const budgetMs = 4500;
/** What is not at a safe point by then stops where it is, in time to give its lease back: the next run need not wait for it to expire. */
const haltAfterMs = 3500;

/** What is at work in this process, and what tells that it shall end. */
export interface ServingProcess {
  readonly plugin: Plugin;
  /** Aborts when a call was cancelled while it was at work: the engine has died, or its connection. */
  readonly abandoned?: AbortSignal;
  /** Takes no more calls and ends the open ones at once. */
  readonly stop?: () => void;
}

export function endWithParent(serving: ServingProcess): void {
  const { running } = serving.plugin;
  let ending = false;
  const end = () => {
    if (ending) return;
    ending = true;
    void finish(serving);
  };
  const asked = (signal: NodeJS.Signals) => {
    running.interrupt(`Interrupted (${signal}).`);
    awakeFor(haltAfterMs, () => running.halt(`Interrupted (${signal}).`));
    end();
  };
  /** Nobody reads what it would still say, and the next run may already wait for it. */
  const orphaned = () => {
    running.halt('The engine is gone.');
    end();
  };
  process.on('SIGINT', asked);
  process.on('SIGTERM', asked);
  process.on('SIGHUP', orphaned);
  serving.abandoned?.addEventListener('abort', orphaned);
  if (stdinIsOurParents()) {
    process.stdin.on('end', orphaned);
    process.stdin.on('close', orphaned);
    process.stdin.on('error', orphaned);
    process.stdin.resume();
  }
}

async function finish({ plugin, stop }: ServingProcess): Promise<void> {
  const { running, datacenter, log } = plugin;
  awakeFor(budgetMs, () => process.exit(1));
  await running.whenIdle();
  // One more turn: an answer that was just made is to leave before the connection goes.
  await new Promise((resolve) => setImmediate(resolve));
  try {
    await (await datacenter)?.driver.close();
  } catch {
    // It could not be opened, or not be closed: there is nobody left to tell, and the process ends anyway.
  }
  log.close();
  stop?.();
  process.exit(0);
}

/** Time in which this process was suspended does not count: one that wakes up still gives back what it holds. */
function awakeFor(milliseconds: number, then: () => void): void {
  let left = milliseconds;
  const ticking = setInterval(() => {
    left -= tickMs;
    if (left > 0) return;
    clearInterval(ticking);
    then();
  }, tickMs);
}

const tickMs = 100;

/** A terminal or a file on stdin says nothing about the parent, e.g. when a person starts the plugin to debug it. */
function stdinIsOurParents(): boolean {
  try {
    const stdin = fstatSync(0);
    return stdin.isFIFO() || stdin.isSocket();
  } catch {
    return false; // no stdin at all
  }
}
