/** What one plugin process knows between the engine's calls. */
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { PlacementError } from '../core/errors.js';
import type { Desired } from '../core/desired.js';
import type { Session } from '../core/placement.js';
import type { Plan } from '../core/plan.js';
import { Promises } from '../core/promises.js';
import type { OpenDatacenter } from '../drivers/open.js';
import type { Counters } from './counters.js';
import { engineLog } from './log.js';
import { Running } from './running.js';
import { stackOf } from './urn.js';

export interface Plugin {
  readonly log: ReturnType<typeof engineLog>;
  readonly running: Running;
  /** The open datacenter; rejects with why it could not be opened. Null before Configure. */
  datacenter: Promise<OpenDatacenter> | null;
  /** Something was done since the last survey. */
  acted: boolean;
  /** Of the provider resource; empty when the engine did not say. */
  providerUrn: string;
  readonly sessions: Map<string, Session>;
  readonly memory: Map<string, Memory>;
  /** Which resource of this run declares a VM, by the VM's UUID: two would move it to and fro for ever. */
  readonly declaredBy: Map<string, string>;
  readonly holder: string;
  /** Null unless this process is measured. */
  readonly counters: Counters | null;
}

/** What the last call told about one resource. */
export interface Memory {
  /** Set by Read, cleared by Check: the engine asks for a refresh's diff and an update's diff with the same arguments. */
  read: { readonly drifted: boolean } | null;
  /** From Check: the declaration and what it leads to; null where something was not known. */
  checked: {
    readonly desired: Desired;
    readonly plan: Plan;
    /** Instead of what Check said: changes of the place are ignored. */
    readonly stays: boolean;
  } | null;
}

export function newPlugin(counters: Counters | null): Plugin {
  return {
    log: engineLog(),
    running: new Running(),
    datacenter: null,
    acted: false,
    providerUrn: '',
    sessions: new Map(),
    memory: new Map(),
    declaredBy: new Map(),
    holder: `${randomBytes(6).toString('hex')}@${hostname()}`,
    counters,
  };
}

export function memoryOf(plugin: Plugin, urn: string): Memory {
  const known = plugin.memory.get(urn);
  if (known !== undefined) return known;
  const fresh: Memory = { read: null, checked: null };
  plugin.memory.set(urn, fresh);
  return fresh;
}

/** The session of the stack that the resource is in, with its one survey, which begins with the session. */
export async function sessionOf(plugin: Plugin, urn: string): Promise<Session> {
  if (plugin.datacenter === null) throw new PlacementError('internal', 'The engine asked before it configured the provider.');
  const { driver, settings } = await plugin.datacenter;
  const stack = stackOf(urn);
  const open = plugin.sessions.get(stack);
  if (open !== undefined) return open;
  const { openSession } = await import('../core/placement.js');
  // Looked up again: another call may have opened it while the module was loaded.
  const session = plugin.sessions.get(stack) ?? openSession(driver, settings, { stack, holder: plugin.holder, newId: randomUUID });
  plugin.sessions.set(stack, session);
  return session;
}

/**
 * Functions are called without a URN: they act for the stack that the provider was configured in. What they are told is promised to
 * nobody, and they see what the updates before them have done.
 */
export async function functionSession(plugin: Plugin): Promise<Session> {
  const session = await sessionOf(plugin, plugin.providerUrn);
  if (plugin.acted) session.refresh();
  plugin.acted = false;
  return { ...session, promises: new Promises() };
}
