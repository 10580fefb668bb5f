/** Decides on the shared survey (preview) or on a fresh one (right before acting), and holds the second to the first. */
import { decide } from '../decide.js';
import type { Desired } from '../desired.js';
import { PlacementError } from '../errors.js';
import { bytesByPool } from '../estimate.js';
import { isKnown, type Inventory } from '../inventory.js';
import { hostOf, locate } from '../locate.js';
import type { Plan } from '../plan.js';
import { blockedSummary, withoutStop } from '../plan-text.js';
import { withAnswers } from '../questions.js';
import { refusalText } from '../refusal.js';
import { atOnce, type AnswerAge } from './asking.js';
import { orAborted } from './fresh.js';
import type { PlacementRun, Session } from './session.js';

/** What an `up` would do, decided from the one reading of this process; what it needs of its target is promised to it. */
export async function previewPlacement(session: Session, urn: string, desired: Desired): Promise<Plan> {
  const reading = await session.inventory();
  const { plan, inventory } = await decideAsking(session, urn, desired, reading, 'of this session');
  promise(session, plan, desired, inventory);
  return plan;
}

export interface Fresh {
  readonly plan: Plan;
  readonly inventory: Inventory;
}

/** What it will probably be: from the one reading of this process, which may be old. Null where there is none. */
export async function guess(session: Session, urn: string, desired: Desired): Promise<Fresh | null> {
  const [read] = await Promise.allSettled([session.inventory()]);
  // Whether the datacenter can be read now, the fresh reading tells.
  if (read.status === 'rejected') return null;
  return decideAsking(session, urn, desired, read.value, 'of this session');
}

/**
 * Reads again: everything, since what others have under way decides as well, unless the VM is `expected` to stay. That it may is told
 * by its own reading, of which thousands cost little. One that is only busy is waited for until the no-progress timeout (rules.md §5).
 */
export async function decideFresh(
  session: Session,
  urn: string,
  desired: Desired,
  run: PlacementRun,
  expected: Plan | null = null,
): Promise<Fresh> {
  const { clock } = session.driver;
  if (expected?.action === 'none') {
    const inventory = await session.fresh({ vms: [desired.vm] }, run.signal);
    const plan = decideOn(session, urn, desired, inventory);
    if (plan.action === 'none') return { plan, inventory };
  }
  let deadline: number | null = null;
  for (let told = false; ; told = true) {
    const reading = await session.fresh({}, run.signal);
    const now = Date.parse(reading.observedAt);
    deadline ??= now + desired.noProgressTimeoutMs;
    const fresh = await decideAsking(session, urn, desired, reading, 'new', run.signal);
    const { plan } = fresh;
    if (!isOnlyBusy(plan) || now >= deadline) return fresh;
    if (!told) run.emit({ kind: 'notice', vm: plan.vm, message: `${plan.sentence}; waiting for it.` });
    await clock.sleep(Math.min(busyPollMs, deadline - now), 'work', run.signal);
  }
}

/** rules.md §4: the reading before the first effect must lead to the plan that was promised. */
export function holdToPromise(plan: Plan, promised: string | null): void {
  if (promised === null || plan.summary === promised) return;
  // Blocked before, blocked now: nothing is done either way, and what stands against it now is told.
  if (plan.action === 'blocked' && promised.startsWith(blockedSummary([]))) return;
  // A VM that was busy when the plan was made promised nothing; only stopping it needs to have been said.
  if (promised === busySummary && plan.action === 'move' && plan.method !== 'staged' && !plan.willStopVm) return;
  // An earlier run of this very move sent the shutdown; it has come to its end since the preview.
  if (plan.action === 'continue' && plan.record?.stoppedByMove === true && withoutStop(promised) === plan.summary) return;
  throw new PlacementError(
    'plan-changed',
    `${plan.vm}: reality changed since the preview: promised ${words(promised)}, now ${words(plan.summary)}${plan.action === 'blocked' ? ` (${plan.sentence})` : ''}. Nothing was done.`,
    { vm: plan.vm, next: 'pulumi preview' },
  );
}

const words = (summary: string): string => (summary === '' ? 'nothing to do' : `'${summary}'`);

/** Names every blocker, per candidate where there are several. */
export const blockedError = (plan: Plan): PlacementError =>
  new PlacementError('blocked', `${refusalText(plan)}\nNothing was done.`, { vm: plan.vm });

/**
 * Asks what the decision depends on and the reading does not tell, as long as there is such a thing; most decisions depend on nothing of
 * that kind. It begins with the bare reading: what others asked before makes it quicker, and never another one.
 */
async function decideAsking(
  session: Session,
  urn: string,
  desired: Desired,
  reading: Inventory,
  age: AnswerAge,
  signal?: AbortSignal,
): Promise<Fresh> {
  let inventory = reading;
  for (;;) {
    const plan = decideOn(session, urn, desired, inventory);
    if (plan.questions.length === 0) return { plan, inventory };
    // Not all of many hosts: the first ones are those that would be taken.
    const asked = plan.questions.slice(0, atOnce).map((question) => session.ask(question, age));
    inventory = withAnswers(inventory, await orAborted(Promise.all(asked), signal));
  }
}

/** As of the reading: asking the platform for its time as well would be a call for each resource, one after another. */
function decideOn(session: Session, urn: string, desired: Desired, inventory: Inventory): Plan {
  const { settings, driver, promises, stack, holder } = session;
  const nowMs = Date.parse(inventory.observedAt);
  return decide(desired, inventory, { settings, capabilities: driver.capabilities, promises, nowMs, stack, urn, holder });
}

/** A plan made again replaces its own promise; one that moves nothing takes it back. */
function promise({ promises }: Session, plan: Plan, desired: Desired, inventory: Inventory): void {
  const located = locate(inventory, desired.vm);
  if (located.kind !== 'found') return;
  const { vm } = located;
  promises.release(vm.uuid);
  if ((plan.action !== 'move' && plan.action !== 'retarget') || plan.to === null) return;
  const facts = hostOf(inventory, plan.to)?.facts ?? { unknown: 'no such host' };
  const pools = isKnown(vm.disks) ? Object.fromEntries(bytesByPool(vm.disks, facts, desired.storage)) : {};
  promises.promise(vm.uuid, plan.to, isKnown(vm.memoryBytes) ? vm.memoryBytes : 0, pools);
}

const isOnlyBusy = (plan: Plan): boolean =>
  plan.action === 'blocked' && plan.reasons.length > 0 && plan.reasons.every((code) => code === 'vm-busy');

const busySummary = 'blocked: vm-busy';
const busyPollMs = 5000;
