/** One configured provider process: its driver, its one survey, what its plans promise each other. */
import type { Settings } from '../desired.js';
import type { Driver } from '../driver.js';
import type { EventSink } from '../events.js';
import type { Inventory } from '../inventory.js';
import { Turns } from '../pool/turns.js';
import { Promises } from '../promises.js';
import { asker, type Ask } from './asking.js';
import { freshReadings, type FreshReading } from './fresh.js';

export interface Identity {
  /** "organization/project/stack" or "cli:<user>@<machine>". */
  readonly stack: string;
  /** Run id @ machine: unique per process. */
  readonly holder: string;
  /** A new unique id, for a move. */
  readonly newId: () => string;
}

export interface Session extends Identity {
  readonly driver: Driver;
  readonly settings: Settings;
  /** The one survey shared by all resources, begun when the session opens; `refresh()` begins a new one. */
  inventory(): Promise<Inventory>;
  refresh(): void;
  /** A reading that begins after it was asked for; those who ask at the same time share it. */
  readonly fresh: FreshReading;
  /** What a reading does not tell of a pair; what was told is kept until `refresh()`. */
  readonly ask: Ask;
  readonly promises: Promises;
  /** This process in the one queue of the datacenter. */
  readonly turns: Turns;
}

/** What a front door gives to a run of one placement. */
export interface PlacementRun {
  /** Aborts at the first Ctrl-C: the run stops at the next safe point. */
  readonly signal: AbortSignal;
  /** Aborts when nobody waits for the run any more: it stops before its next effect and gives its lease back, whatever is under way. */
  readonly halt?: AbortSignal | undefined;
  readonly emit: EventSink;
  readonly log: (message: string) => void;
  /** The resource's custom timeout; null = none. */
  readonly timeoutMs: number | null;
}

export function openSession(driver: Driver, settings: Settings, identity: Identity): Session {
  let survey: Promise<Inventory> = begin(driver);
  let ask = asker(driver);
  return {
    ...identity,
    driver,
    settings,
    promises: new Promises(),
    fresh: freshReadings(driver),
    turns: new Turns({ driver, holder: identity.holder, times: settings }),
    ask: (question, age) => ask(question, age),
    inventory: () => survey,
    refresh: () => {
      survey = begin(driver);
      ask = asker(driver);
    },
  };
}

function begin(driver: Driver): Promise<Inventory> {
  const survey = driver.survey({});
  // Whoever asks for it gets the error; a process that never asks must not die of it.
  survey.catch(() => undefined);
  return survey;
}
