/** Asks the platform what a reading does not tell: each question once, few at a time, and anew where an old answer does not do. */
import { iso } from '../clock.js';
import type { Answer, Driver } from '../driver.js';
import { PlacementError } from '../errors.js';
import type { Answered, Question } from '../questions.js';
import { Slots } from '../slots.js';

/** `new`: asked a moment ago at most, as right before acting. */
export type AnswerAge = 'of this session' | 'new';

export type Ask = (question: Question, age: AnswerAge) => Promise<Answered>;

/** The host that answers has other things to do: it may be moving VMs. */
export const atOnce = 4;

/** What is done next takes longer. */
const momentMs = 1000;

export function asker({ probes, clock }: Pick<Driver, 'probes' | 'clock'>): Ask {
  const slots = new Slots(atOnce);
  /** `begunMs` of this process; null: it waits for its slot. */
  const asked = new Map<string, { begunMs: number | null; answer: Promise<Answered> }>();

  async function put(question: Question): Promise<Answered> {
    const at = iso(await clock.now());
    return { question, answer: await answerOf(probes, question), at };
  }

  return (question, age) => {
    const key = JSON.stringify(question);
    const last = asked.get(key);
    // One that still waits for its slot is as new as another one would be.
    const isNew = last !== undefined && (last.begunMs === null || performance.now() - last.begunMs < momentMs);
    if (last !== undefined && (age === 'of this session' || isNew)) return last.answer;
    const next: { begunMs: number | null } = { begunMs: null };
    const answer = slots.use(() => {
      next.begunMs = performance.now();
      return put(question);
    });
    const entry = Object.assign(next, { answer });
    asked.set(key, entry);
    answer.catch(() => {
      // Whoever asked is told; the next one asks again.
      if (asked.get(key) === entry) asked.delete(key);
    });
    return answer;
  };
}

function answerOf(probes: Driver['probes'], question: Question): Promise<Answer> {
  if (probes === undefined) throw new PlacementError('internal', 'A driver says that it measures what hosts reach, and has no probes.');
  switch (question.kind) {
    case 'reach':
      return probes.reach(question.from, question.to);
    case 'cpu':
      return probes.cpu(question.cpu, question.host);
  }
}
